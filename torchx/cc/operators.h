// Our own libtorch operators and the registry of activations.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/ArrayRef.h>

#include "activation.h"

namespace lenet {

void accumulate(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits,
                const at::Tensor &labels);  // accumulator.cc

// The same on the CPU, with the loss summed over n images, logits [n, classes] and labels [n].
void add_on_cpu(at::Tensor &sums, double loss, int64_t n, int64_t classes, const float *logits, const uint8_t *labels);

// Augmented images of a set, on a GPU: augment.cc.
void augment(const at::Tensor &images, const at::Tensor &labels, const at::Tensor &order, int64_t cols, int64_t seed,
             int64_t epoch, double shift, double rotate, double scale, at::Tensor &to, at::Tensor &to_labels);

// A row of the registry of activations, by libtorch's own operators.
struct ActivationRow {
  Activation number;
  const char *name;
  bool monotone, slope_from_output;

  at::Tensor (*apply)(const at::Tensor &x);  // f(x), differentiable

  // Whether the kernels of a network apply it.
  constexpr bool fused() const { return monotone && slope_from_output; }
};

c10::ArrayRef<ActivationRow> activations();           // in the order of their numbers, from 1
const ActivationRow &activation_row(int64_t number);  // throws if there is none

namespace {
struct NoMath {};  // a formula's value is not computed here
}  // namespace

// Whether kernels apply an activation.
constexpr bool has_formula(Activation f) {
  return Formulas<NoMath>::with(f, [](auto) {});
}

}  // namespace lenet
