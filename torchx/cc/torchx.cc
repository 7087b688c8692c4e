// torchx.h over libtorch. Every body that can throw runs inside caught().
#include "torchx.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <torch/csrc/autograd/generated/variable_factories.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace {

char *text(const char *s) { return strdup(s); }

template <typename Body>
char *caught(Body body) {
  try {
    body();
    return nullptr;
  } catch (const std::exception &e) {
    return text(e.what());
  } catch (...) {
    return text("an exception that is not a std::exception");
  }
}

at::Tensor &tensor_of(void *handle) { return *static_cast<at::Tensor *>(handle); }

torch::optim::Optimizer &optimizer_of(void *handle) { return *static_cast<torch::optim::Optimizer *>(handle); }

// The n values as a tensor of t's shape; it does not own them.
at::Tensor host_view(const at::Tensor &t, const float *values, int64_t n) {
  TORCH_CHECK(t.scalar_type() == at::kFloat, "the tensor holds ", t.scalar_type(), ", not float32");
  TORCH_CHECK(t.numel() == n, "the tensor has ", t.numel(), " elements, not ", n);
  return at::from_blob(const_cast<float *>(values), t.sizes(), at::kFloat);
}

}  // namespace

void torchx_free_text(char *s) { std::free(s); }

void torchx_free_tensors(void *const *tensors, size_t n) {
  for (size_t i = 0; i < n; i++) delete &tensor_of(tensors[i]);
}

char *torchx_read_float32(void *tensor, float *values, int64_t n) {
  return caught([&] {
    at::NoGradGuard no_grad;
    const at::Tensor &t = tensor_of(tensor);
    host_view(t, values, n).copy_(t);
  });
}

char *torchx_write_float32(void *tensor, const float *values, int64_t n) {
  return caught([&] {
    at::NoGradGuard no_grad;
    at::Tensor &t = tensor_of(tensor);
    t.copy_(host_view(t, values, n));
  });
}

char *torchx_backward(void *loss) {
  return caught([&] { tensor_of(loss).backward(); });
}

char *torchx_optimizer_sgd(void *const *params, size_t n, double learning_rate, void **optimizer) {
  return caught([&] {
    std::vector<at::Tensor> tensors;
    for (size_t i = 0; i < n; i++) tensors.push_back(tensor_of(params[i]));
    *optimizer = new torch::optim::SGD(std::move(tensors), torch::optim::SGDOptions(learning_rate));
  });
}

char *torchx_optimizer_zero_grad(void *optimizer) {
  return caught([&] { optimizer_of(optimizer).zero_grad(); });
}

char *torchx_optimizer_step(void *optimizer) {
  return caught([&] { optimizer_of(optimizer).step(); });
}

void torchx_optimizer_free(void *optimizer) { delete &optimizer_of(optimizer); }

bool torchx_set_grad_enabled(bool enabled) {
  bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled);
  return before;
}

char *torchx_manual_seed(uint64_t seed) {
  return caught([&] { torch::manual_seed(seed); });
}

char *torchx_set_num_threads(int n) {
  return caught([&] { at::set_num_threads(n); });
}

int torchx_num_threads(void) { return at::get_num_threads(); }

const char *torchx_libtorch_version(void) { return TORCH_VERSION; }

const char *torchx_cpu_capability(void) {
  static const std::string capability = at::get_cpu_capability();
  return capability.c_str();
}
