// libtorch operators of our own, for the rest of torchx.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "activation.h"

namespace lenet {

at::Tensor conv_pool(const at::Tensor &x, at::TensorList weights, at::TensorList biases, int64_t activation);  // conv_pool.cc

at::Tensor linear(const at::Tensor &x, at::TensorList weights, at::TensorList biases, int64_t activation);  // linear.cc

at::Tensor cross_entropy(const at::Tensor &logits, const at::Tensor &labels, double label_smoothing);  // cross_entropy.cc

void accumulate(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits, const at::Tensor &labels);  // accumulator.cc

// An activation of x; x itself, in place; and the gradient of x from that of y, its activation, in place.
at::Tensor activated(Activation, const at::Tensor &x);
void activate(Activation, at::Tensor &x);
void through_activation(Activation, const at::Tensor &y, at::Tensor &gradient);

// For tests: makes the operators use, on the CPU, the kernels for these vector instructions, by libtorch's name of them (DEFAULT,
// AVX2, AVX512), or the GPU's, emulated (CUDA), or what this processor is best at if the name is empty. An unknown name throws.
void use_kernels(const std::string &name);

}  // namespace lenet
