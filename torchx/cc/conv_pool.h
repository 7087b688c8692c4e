// The operator of conv_pool.cc, for the rest of torchx.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace conv_pool {

at::Tensor conv_pool(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, bool sigmoid);

// Makes the operator use the kernels for these vector instructions, by libtorch's name of them (DEFAULT, AVX2, AVX512), or what
// this processor is best at if the name is empty. An unknown name throws.
void use_kernels(const std::string &name);

}  // namespace conv_pool
