// libtorch operators of our own, for the rest of torchx.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <string>

#include "activation.h"

namespace lenet {

at::Tensor conv_pool(const at::Tensor &x, at::TensorList weights, at::TensorList biases, int64_t activation);  // conv_pool.cc

at::Tensor linear(const at::Tensor &x, at::TensorList weights, at::TensorList biases, int64_t activation);  // linear.cc

at::Tensor cross_entropy(const at::Tensor &logits, const at::Tensor &labels, double label_smoothing);  // cross_entropy.cc

void accumulate(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits, const at::Tensor &labels);  // accumulator.cc

// A row of the registry of activations, by libtorch's own operators.
struct ActivationRow {
  Activation number;
  const char *name;
  bool monotone, slope_from_output;

  at::Tensor (*apply)(const at::Tensor &x);                     // f(x), differentiable
  void (*forward)(at::Tensor &x);                               // x becomes f(x); null unless the slope is from the output
  void (*backward)(at::Tensor &gradient, const at::Tensor &y);  // the gradient of y = f(x) becomes that of x; null likewise

  // Whether conv_pool and linear apply it within their kernels, and not libtorch between their layers.
  constexpr bool fused() const { return monotone && slope_from_output; }
};

c10::ArrayRef<ActivationRow> activations();            // in the order of their numbers, from 1
const ActivationRow &activation_row(int64_t number);  // throws if there is none

// For tests: makes the operators use, on the CPU, the kernels for these vector instructions, by libtorch's name of them (DEFAULT,
// AVX2, AVX512), or the GPU's, emulated (CUDA), or what this processor is best at if the name is empty. An unknown name throws.
void use_kernels(const std::string &name);

}  // namespace lenet
