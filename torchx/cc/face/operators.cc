// torchx.h: the operators, and gradients.
#include "operators.h"

#include <ATen/core/grad_mode.h>

#include <utility>
#include <vector>

#include "face.h"

using namespace lenet::face;

namespace {

std::pair<std::vector<at::Tensor>, std::vector<at::Tensor>> tensors_of(const torchx_layer *layers, size_t n) {
  std::pair<std::vector<at::Tensor>, std::vector<at::Tensor>> weights_and_biases;
  for (size_t i = 0; i < n; i++) {
    weights_and_biases.first.push_back(tensor_of(layers[i].weight));
    weights_and_biases.second.push_back(tensor_of(layers[i].bias));
  }
  return weights_and_biases;
}

}  // namespace

char *torchx_conv_pool(void *x, const torchx_layer *layers, size_t n, int activation, void **y) {
  return caught([&] {
    auto [weights, biases] = tensors_of(layers, n);
    *y = handle_of(lenet::conv_pool(tensor_of(x), weights, biases, activation));
  });
}

char *torchx_linear(void *x, const torchx_layer *layers, size_t n, int activation, void **y) {
  return caught([&] {
    auto [weights, biases] = tensors_of(layers, n);
    *y = handle_of(lenet::linear(tensor_of(x), weights, biases, activation));
  });
}

size_t torchx_activations(const torchx_activation **all) {
  static const std::vector<torchx_activation> rows = [] {
    std::vector<torchx_activation> rows;
    for (const lenet::ActivationRow &row : lenet::activations())
      rows.push_back({row.name, static_cast<int>(row.number), row.monotone, row.slope_from_output});
    return rows;
  }();
  *all = rows.data();
  return rows.size();
}

char *torchx_activate(void *x, int activation, void **y) {
  return caught([&] { *y = handle_of(lenet::activation_row(activation).apply(tensor_of(x))); });
}

char *torchx_cross_entropy(void *logits, void *labels, double label_smoothing, void **loss) {
  return caught([&] { *loss = handle_of(lenet::cross_entropy(tensor_of(logits), tensor_of(labels), label_smoothing)); });
}

char *torchx_use_kernels(const char *kernels) {
  return caught([&] { lenet::use_kernels(kernels); });
}

char *torchx_backward(void *loss) {
  return caught([&] { tensor_of(loss).backward(); });
}

bool torchx_set_grad_enabled(bool enabled) {
  bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled);
  return before;
}
