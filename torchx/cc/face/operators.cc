// torchx.h: activations, the loss and gradients by libtorch's own operators.
#include "operators.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>

#include <vector>

#include "face.h"

using namespace lenet::face;

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
  return caught([&] {
    *loss = handle_of(at::cross_entropy_loss(tensor_of(logits), tensor_of(labels).to(at::kLong), {}, at::Reduction::Mean, -100,
                                             label_smoothing));
  });
}

char *torchx_backward(void *loss) {
  return caught([&] { tensor_of(loss).backward(); });
}

bool torchx_set_grad_enabled(bool enabled) {
  bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled);
  return before;
}
