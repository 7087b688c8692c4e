// The registry of activations: each by libtorch's own operators. activation.h says how to add one.
#include <ATen/core/Tensor.h>
#include <ATen/ops/gelu.h>

#include "operators.h"

namespace lenet {
namespace {

using Tensor = at::Tensor;

constexpr ActivationRow kRows[] = {
    // number, name, monotone, slope from the output, differentiable
    {Activation::kNone, "none", true, true, [](const Tensor &x) { return x; }},
    {Activation::kSigmoid, "sigmoid", true, true, [](const Tensor &x) { return x.sigmoid(); }},
    {Activation::kTanh, "tanh", true, true, [](const Tensor &x) { return x.tanh(); }},
    {Activation::kReLU, "relu", true, true, [](const Tensor &x) { return x.relu(); }},
    {Activation::kGELU, "gelu", false, false, [](const Tensor &x) { return at::gelu(x); }},  // Hendrycks, Gimpel 2016, with erf
};

// The rows are in the order of their numbers, and those that may be fused are those with a formula for the kernels.
constexpr bool consistent() {
  int64_t number = 0;
  for (const ActivationRow &row : kRows)
    if (row.number != Activation{++number} || row.fused() != has_formula(row.number)) return false;
  return true;
}
static_assert(consistent(), "the registry of activations contradicts activation.h");

}  // namespace

c10::ArrayRef<ActivationRow> activations() { return kRows; }

const ActivationRow &activation_row(int64_t number) {
  TORCH_CHECK(number != 0, "no activation was chosen (its number is 0)");
  TORCH_CHECK(number > 0 && number <= static_cast<int64_t>(activations().size()), "there is no activation number ", number);
  return kRows[number - 1];
}

}  // namespace lenet
