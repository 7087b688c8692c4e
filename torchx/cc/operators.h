// libtorch operators of our own, for the rest of torchx.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace conv_pool {

at::Tensor conv_pool(const at::Tensor &x, at::TensorList weights, at::TensorList biases, bool sigmoid);

// Makes the operator use the kernels for these vector instructions, by libtorch's name of them (DEFAULT, AVX2, AVX512), or what
// this processor is best at if the name is empty. An unknown name throws.
void use_kernels(const std::string &name);

}  // namespace conv_pool

namespace linear {

at::Tensor linear(const at::Tensor &x, at::TensorList weights, at::TensorList biases);

}  // namespace linear

namespace cross_entropy {

at::Tensor cross_entropy(const at::Tensor &logits, const at::Tensor &labels);

}  // namespace cross_entropy
