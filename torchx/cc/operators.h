// libtorch operators of our own, for the rest of torchx.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace lenet {

at::Tensor conv_pool(const at::Tensor &x, at::TensorList weights, at::TensorList biases, bool sigmoid);  // conv_pool.cc

at::Tensor linear(const at::Tensor &x, at::TensorList weights, at::TensorList biases);  // linear.cc

at::Tensor cross_entropy(const at::Tensor &logits, const at::Tensor &labels);  // cross_entropy.cc

void add_totals(at::Tensor &totals, const at::Tensor &loss, const at::Tensor &logits, const at::Tensor &labels);  // totals.cc

// For tests: makes the operators use, on the CPU, the kernels for these vector instructions, by libtorch's name of them (DEFAULT,
// AVX2, AVX512), or the GPU's, emulated (CUDA), or what this processor is best at if the name is empty. An unknown name throws.
void use_kernels(const std::string &name);

}  // namespace lenet
