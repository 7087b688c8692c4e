// What the operators of several layers share: conv_pool and linear, on each device.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <tuple>
#include <vector>

#include "activation.h"

namespace lenet {

// Of x (undefined unless asked for), of the weights and of the biases.
using Gradients = std::tuple<at::Tensor, std::vector<at::Tensor>, std::vector<at::Tensor>>;

// Throws unless there are layers, and each has a weight and a bias.
void check_layers(const char *operator_name, at::TensorList weights, at::TensorList biases);

// Whether kernels can take the layers: all are float32 on x's device, a CPU or a GPU; each has a weight [out, in, ...] of so
// many dimensions and a bias [out]; in of the first layer is as given, that of another is out of the layer before; and none is
// 0.
bool kernels_take(const at::Tensor &x, int64_t in, int64_t dimensions, at::TensorList weights, at::TensorList biases);

// The gradients in autograd's form: one for each tensor and number among the arguments x, weights, biases, activation.
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
