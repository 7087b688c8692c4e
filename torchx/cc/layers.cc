#include "layers.h"

#include <utility>

namespace lenet {

void check_layers(const char *operator_name, at::TensorList weights, at::TensorList biases) {
  TORCH_CHECK(!weights.empty() && weights.size() == biases.size(), operator_name,
              " takes one bias for each weight, and at least one");
}

bool kernels_take(const at::Tensor &x, int64_t in, int64_t dimensions, at::TensorList weights, at::TensorList biases) {
  if (!(x.is_cpu() || x.is_cuda()) || in == 0) return false;
  for (size_t i = 0; i < weights.size(); i++) {
    const at::Tensor &weight = weights[i], &bias = biases[i];
    if (weight.device() != x.device() || bias.device() != x.device()) return false;
    if (weight.scalar_type() != at::kFloat || weight.dim() != dimensions || weight.size(1) != in) return false;
    if (bias.scalar_type() != at::kFloat || bias.dim() != 1 || bias.size(0) != weight.size(0)) return false;
    in = weight.size(0);
    if (in == 0) return false;
  }
  return true;
}

std::vector<at::Tensor> in_order_of_arguments(Gradients gradients) {
  auto &[dx, dweights, dbiases] = gradients;
  std::vector<at::Tensor> all{std::move(dx)};
  all.insert(all.end(), dweights.begin(), dweights.end());
  all.insert(all.end(), dbiases.begin(), dbiases.end());
  all.emplace_back();  // of the activation, none
  return all;
}

}  // namespace lenet
