// torchx.h over libtorch. Every body that can throw runs inside caught().
#include "torchx.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "cuda/plug_in.h"
#include "operators.h"
#include "optimizer.h"

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

lenet::Optimizer &optimizer_of(void *handle) { return *static_cast<lenet::Optimizer *>(handle); }

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

char *torchx_new_bytes(const char *device, int64_t n, void **tensor) {
  return caught([&] { *tensor = new at::Tensor(at::empty({n}, at::TensorOptions(at::kByte).device(device))); });
}

char *torchx_new_ints(const char *device, int64_t n, void **tensor) {
  return caught([&] { *tensor = new at::Tensor(at::empty({n}, at::TensorOptions(at::kInt).device(device))); });
}

char *torchx_write_int32(void *tensor, const int32_t *values, int64_t n) {
  return caught([&] { tensor_of(tensor).copy_(at::from_blob(const_cast<int32_t *>(values), {n}, at::kInt)); });
}

char *torchx_view(void *tensor, int64_t first, const int64_t *shape, size_t dims, void **view) {
  return caught([&] {
    const at::IntArrayRef sizes(shape, dims);
    *view = new at::Tensor(tensor_of(tensor).view(-1).narrow(0, first, c10::multiply_integers(sizes)).view(sizes));
  });
}

char *torchx_select(void *tensor, void *rows, int64_t first, void *to) {
  return caught([&] {
    at::Tensor &out = tensor_of(to);
    at::index_select_out(out, tensor_of(tensor), 0, tensor_of(rows).narrow(0, first, out.size(0)));
  });
}

char *torchx_conv_pool(void *x, const torchx_layer *layers, size_t n, int activation, void **y) {
  return caught([&] {
    auto [weights, biases] = tensors_of(layers, n);
    *y = new at::Tensor(lenet::conv_pool(tensor_of(x), weights, biases, activation));
  });
}

char *torchx_linear(void *x, const torchx_layer *layers, size_t n, int activation, void **y) {
  return caught([&] {
    auto [weights, biases] = tensors_of(layers, n);
    *y = new at::Tensor(lenet::linear(tensor_of(x), weights, biases, activation));
  });
}

char *torchx_cross_entropy(void *logits, void *labels, double label_smoothing, void **loss) {
  return caught([&] { *loss = new at::Tensor(lenet::cross_entropy(tensor_of(logits), tensor_of(labels), label_smoothing)); });
}

char *torchx_use_kernels(const char *kernels) {
  return caught([&] { lenet::use_kernels(kernels); });
}

char *torchx_totals(const char *device, void **totals) {
  return caught([&] { *totals = new at::Tensor(at::zeros({3}, at::TensorOptions(at::kDouble).device(device))); });
}

char *torchx_add_totals(void *totals, void *loss, void *logits, void *labels) {
  return caught([&] { lenet::add_totals(tensor_of(totals), tensor_of(loss), tensor_of(logits), tensor_of(labels)); });
}

char *torchx_read_totals(void *totals, double values[3]) {
  return caught([&] { std::memcpy(values, tensor_of(totals).cpu().const_data_ptr<double>(), 3 * sizeof(double)); });
}

char *torchx_reset_totals(void *totals) {
  return caught([&] { tensor_of(totals).zero_(); });
}

char *torchx_backward(void *loss) {
  return caught([&] { tensor_of(loss).backward(); });
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

void torchx_optimizer_free(void *optimizer) { delete &optimizer_of(optimizer); }

bool torchx_set_grad_enabled(bool enabled) {
  bool before = at::GradMode::is_enabled();
  at::GradMode::set_enabled(enabled);
  return before;
}

char *torchx_cuda_device_count(int *n) {
  return caught([&] { *n = lenet::cuda_with_driver().device_count(); });
}

char *torchx_cuda_device_at(int index, torchx_cuda_device *device) {
  return caught([&] { lenet::cuda_with_driver().device(index, device); });
}

char *torchx_cuda_versions(int *plug_in, int *driver) {
  return caught([&] {
    *plug_in = lenet::cuda_plug_in().runtime_version();
    *driver = lenet::cuda_plug_in().driver_version();
  });
}

char *torchx_cuda_free_memory(int index, int64_t *bytes) {
  return caught([&] { *bytes = lenet::cuda_with_driver().free_memory(index); });
}

char *torchx_cuda_use(int index) {
  return caught([&] { lenet::cuda_with_driver().use(index); });
}

char *torchx_graph_begin(void **graph) {
  return caught([&] { *graph = lenet::cuda_with_driver().begin_graph(); });
}

char *torchx_graph_end(void *graph) {
  return caught([&] { lenet::cuda_with_driver().end_graph(graph); });
}

char *torchx_graph_replay(void *graph) {
  return caught([&] { lenet::cuda_with_driver().replay_graph(graph); });
}

void torchx_graph_free(void *graph) { lenet::cuda_with_driver().free_graph(graph); }

char *torchx_ring(size_t buffers, size_t bytes, void **ring) {
  return caught([&] { *ring = lenet::cuda_with_driver().new_ring(buffers, bytes); });
}

uint8_t *torchx_ring_buffer(void *ring, size_t i) { return lenet::cuda_with_driver().ring_buffer(ring, i); }

char *torchx_ring_send(void *ring, size_t i, void *tensor) {
  return caught([&] { lenet::cuda_with_driver().send(ring, i, tensor_of(tensor)); });
}

char *torchx_ring_wait(void *ring, size_t i) {
  return caught([&] { lenet::cuda_with_driver().wait(ring, i); });
}

void torchx_ring_free(void *ring) { lenet::cuda_with_driver().free_ring(ring); }

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
