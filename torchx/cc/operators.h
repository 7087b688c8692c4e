// Our own libtorch operators and the registry of activations.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include <string>

#include "activation.h"

namespace lenet {

at::Tensor conv_pool(const at::Tensor &x, at::TensorList weights, at::TensorList biases, int64_t activation);  // conv_pool.cc

at::Tensor linear(const at::Tensor &x, at::TensorList weights, at::TensorList biases, int64_t activation);  // linear.cc

at::Tensor cross_entropy(const at::Tensor &logits, const at::Tensor &labels, double label_smoothing);  // cross_entropy.cc

void accumulate(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits,
                const at::Tensor &labels);  // accumulator.cc

// A row of the registry of activations, by libtorch's own operators.
struct ActivationRow {
  Activation number;
  const char *name;
  bool monotone, slope_from_output;

  at::Tensor (*apply)(const at::Tensor &x);                     // f(x), differentiable
  void (*forward)(at::Tensor &x);                               // x becomes f(x); null unless the slope is from the output
  void (*backward)(at::Tensor &gradient, const at::Tensor &y);  // the gradient of y = f(x) becomes that of x; null likewise

  // Whether conv_pool and linear apply it in their kernels; otherwise they are libtorch's operators one by one.
  constexpr bool fused() const { return monotone && slope_from_output; }
};

c10::ArrayRef<ActivationRow> activations();           // in the order of their numbers, from 1
const ActivationRow &activation_row(int64_t number);  // throws if there is none

// For tests: chooses the operators' kernels on the CPU. DEFAULT, AVX2 and AVX512 are those for vector instructions by
// libtorch's names, CUDA are the GPU's, emulated; the empty name is this processor's best. An unknown name throws.
void use_kernels(const std::string &name);

}  // namespace lenet
