// What the operators of several layers share: conv_pool and linear, on each device.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <tuple>
#include <vector>

#include "activation.h"

namespace lenet {

// Of x, undefined unless asked for; of each layer's weights; of each layer's biases.
using Gradients = std::tuple<at::Tensor, std::vector<at::Tensor>, std::vector<at::Tensor>>;

// Throws unless there are layers, each with its weight and bias.
void check_layers(const char *operator_name, at::TensorList weights, at::TensorList biases);

// Whether the layers are such as kernels take: float32 on x's device, a CPU or a GPU; each weight [out, in, ...] of so many
// dimensions, with a bias [out]; the first one's in as given, and every other's the out of the one before; none of them 0.
bool kernels_take(const at::Tensor &x, int64_t in, int64_t dimensions, at::TensorList weights, at::TensorList biases);

// The gradients as autograd wants them: one for each argument x, weights, biases, activation.
std::vector<at::Tensor> in_order_of_arguments(Gradients);

struct NoMath {};

// Whether kernels apply an activation.
constexpr bool has_formula(Activation f) {
  return Formulas<NoMath>::with(f, [](auto) {});
}

// The activation of this number, for kernels: throws unless they apply it.
inline Activation for_kernels(int64_t number) {
  TORCH_CHECK(number != 0, "no activation was chosen (its number is 0)");
  TORCH_CHECK(has_formula(Activation{number}), "the kernels have no activation number ", number);
  return Activation{number};
}

}  // namespace lenet
