// torchx.h: the optimizer.
#include "optimizer.h"

#include <utility>
#include <vector>

#include "face.h"

using namespace lenet::face;

namespace {

lenet::Optimizer &optimizer_of(void *handle) { return *static_cast<lenet::Optimizer *>(handle); }

}  // namespace

size_t torchx_optimizer_names(const char *const **names) {
  *names = lenet::optimizer_names().data();
  return lenet::optimizer_names().size();
}

char *torchx_optimizer(void *const *params, size_t n, const torchx_optimizer_settings *settings, void **optimizer) {
  return caught([&] {
    std::vector<at::Tensor> tensors;
    for (size_t i = 0; i < n; i++) tensors.push_back(tensor_of(params[i]));
    *optimizer = new lenet::Optimizer(std::move(tensors), *settings);
  });
}

char *torchx_optimizer_set_learning_rate(void *optimizer, double learning_rate) {
  return caught([&] { optimizer_of(optimizer).set_learning_rate(learning_rate); });
}

char *torchx_optimizer_zero_grad(void *optimizer) {
  return caught([&] { optimizer_of(optimizer).zero_grad(); });
}

char *torchx_optimizer_step(void *optimizer) {
  return caught([&] { optimizer_of(optimizer).step(); });
}

char *torchx_optimizer_swap_averages(void *optimizer) {
  return caught([&] { optimizer_of(optimizer).swap_averages(); });
}

size_t torchx_optimizer_states(void *optimizer, const torchx_optimizer_state **states) {
  *states = optimizer_of(optimizer).state().data();
  return optimizer_of(optimizer).state().size();
}

void torchx_optimizer_free(void *optimizer) { delete &optimizer_of(optimizer); }
