// torchx.h over libtorch. Every body that can throw runs inside caught().
#include "torchx.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/from_blob.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "cuda.h"
#include "operators.h"

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

std::pair<std::vector<at::Tensor>, std::vector<at::Tensor>> tensors_of(const torchx_layer *layers, size_t n) {
  std::pair<std::vector<at::Tensor>, std::vector<at::Tensor>> weights_and_biases;
  for (size_t i = 0; i < n; i++) {
    weights_and_biases.first.push_back(tensor_of(layers[i].weight));
    weights_and_biases.second.push_back(tensor_of(layers[i].bias));
  }
  return weights_and_biases;
}

// Plain stochastic gradient descent, in one pass over all parameters.
struct SGD {
  std::vector<at::Tensor> params;
  double learning_rate;

  void step() {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> trained, grads;
    for (const at::Tensor &p : params) {
      if (!p.grad().defined()) continue;
      trained.push_back(p);
      grads.push_back(p.grad());
    }
    if (!grads.empty()) at::_fused_sgd_(trained, grads, {}, 0, 0, learning_rate, 0, false, false, false);
  }
};

SGD &sgd_of(void *handle) { return *static_cast<SGD *>(handle); }

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

char *torchx_view_bytes(uint8_t *values, const int64_t *shape, size_t dims, void **tensor) {
  return caught([&] { *tensor = new at::Tensor(at::from_blob(values, at::IntArrayRef(shape, dims), at::kByte)); });
}

char *torchx_conv_pool(void *x, const torchx_layer *layers, size_t n, bool sigmoid, void **y) {
  return caught([&] {
    auto [weights, biases] = tensors_of(layers, n);
    *y = new at::Tensor(lenet::conv_pool(tensor_of(x), weights, biases, sigmoid));
  });
}

char *torchx_linear(void *x, const torchx_layer *layers, size_t n, void **y) {
  return caught([&] {
    auto [weights, biases] = tensors_of(layers, n);
    *y = new at::Tensor(lenet::linear(tensor_of(x), weights, biases));
  });
}

char *torchx_cross_entropy(void *logits, void *labels, void **loss) {
  return caught([&] { *loss = new at::Tensor(lenet::cross_entropy(tensor_of(logits), tensor_of(labels))); });
}

char *torchx_use_kernels(const char *kernels) {
  return caught([&] { lenet::use_kernels(kernels); });
}

char *torchx_add_totals(torchx_totals *totals, void *loss, void *logits, void *labels) {
  return caught([&] {
    const at::Tensor rows = tensor_of(logits).cpu().contiguous(), label = tensor_of(labels).cpu();
    const int64_t n = rows.size(0), classes = rows.size(1);
    TORCH_CHECK(label.scalar_type() == at::kByte && label.is_contiguous() && label.numel() == n, "there must be ", n,
                " uint8 labels");
    totals->images += n;
    totals->loss += tensor_of(loss).item<float>() * static_cast<double>(n);
    const float *row = rows.const_data_ptr<float>();
    for (int64_t i = 0; i < n; i++, row += classes)
      totals->correct += std::max_element(row, row + classes) - row == label.const_data_ptr<uint8_t>()[i];
  });
}

char *torchx_backward(void *loss) {
  return caught([&] { tensor_of(loss).backward(); });
}

char *torchx_sgd(void *const *params, size_t n, double learning_rate, void **sgd) {
  return caught([&] {
    std::vector<at::Tensor> tensors;
    for (size_t i = 0; i < n; i++) {
      tensors.push_back(tensor_of(params[i]));
      TORCH_CHECK(tensors.back().is_leaf(), "parameter ", i, " is the result of an operation");
    }
    *sgd = new SGD{std::move(tensors), learning_rate};
  });
}

char *torchx_sgd_zero_grad(void *sgd) {
  return caught([&] {
    for (at::Tensor &p : sgd_of(sgd).params) p.mutable_grad().reset();
  });
}

char *torchx_sgd_step(void *sgd) {
  return caught([&] { sgd_of(sgd).step(); });
}

void torchx_sgd_free(void *sgd) { delete &sgd_of(sgd); }

bool torchx_set_grad_enabled(bool enabled) {
  bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled);
  return before;
}

char *torchx_cuda_device_count(int *n) {
  return caught([&] { *n = lenet::cuda().device_count(); });
}

char *torchx_cuda_device_at(int index, torchx_cuda_device *device) {
  return caught([&] { lenet::cuda().device(index, device); });
}

char *torchx_cuda_versions(int *plug_in, int *driver) {
  return caught([&] {
    *plug_in = lenet::cuda_plug_in().runtime_version();
    *driver = lenet::cuda_plug_in().driver_version();
  });
}

char *torchx_move(void *tensor, const char *device) {
  return caught([&] {
    at::Tensor &t = tensor_of(tensor);
    t = t.detach().to(at::Device(device)).set_requires_grad(t.requires_grad());
  });
}

char *torchx_to(void *tensor, const char *device, void **copy) {
  return caught([&] { *copy = new at::Tensor(tensor_of(tensor).to(at::Device(device))); });
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
