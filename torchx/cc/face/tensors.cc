// torchx.h: making tensors, and copying to and from them.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>

#include <cstdlib>

#include "face.h"

using namespace lenet::face;

namespace {

// A tensor of t's shape in the memory of the n values.
at::Tensor host_view(const at::Tensor &t, const float *values, int64_t n) {
  TORCH_CHECK(t.scalar_type() == at::kFloat, "the tensor holds ", t.scalar_type(), ", not float32");
  TORCH_CHECK(t.numel() == n, "the tensor has ", t.numel(), " elements, not ", n);
  return at::from_blob(const_cast<float *>(values), t.sizes(), at::kFloat);
}

at::Tensor new_vector(const char *device, at::ScalarType type, int64_t n) {
  return at::empty({n}, at::TensorOptions(type).device(device));
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
  return caught([&] { *tensor = handle_of(at::from_blob(values, at::IntArrayRef(shape, dims), at::kByte)); });
}

char *torchx_new_bytes(const char *device, int64_t n, void **tensor) {
  return caught([&] { *tensor = handle_of(new_vector(device, at::kByte, n)); });
}

char *torchx_new_ints(const char *device, int64_t n, void **tensor) {
  return caught([&] { *tensor = handle_of(new_vector(device, at::kInt, n)); });
}

char *torchx_write_int32(void *tensor, const int32_t *values, int64_t n) {
  return caught([&] { tensor_of(tensor).copy_(at::from_blob(const_cast<int32_t *>(values), {n}, at::kInt)); });
}

char *torchx_view(void *tensor, int64_t first, const int64_t *shape, size_t dims, void **view) {
  return caught([&] {
    const at::IntArrayRef sizes(shape, dims);
    *view = handle_of(tensor_of(tensor).view(-1).narrow(0, first, c10::multiply_integers(sizes)).view(sizes));
  });
}

char *torchx_select(void *tensor, void *rows, int64_t first, void *to) {
  return caught([&] {
    at::Tensor &out = tensor_of(to);
    at::index_select_out(out, tensor_of(tensor), 0, tensor_of(rows).narrow(0, first, out.size(0)));
  });
}

char *torchx_gather(void *tensor, const int32_t *order, int64_t n, void **rows) {
  return caught([&] {
    const at::Tensor &t = tensor_of(tensor);
    const at::Tensor indices = at::from_blob(const_cast<int32_t *>(order), {n}, at::kInt).to(t.device());
    *rows = handle_of(at::index_select(t, 0, indices));
  });
}

char *torchx_move(void *tensor, const char *device) {
  return caught([&] {
    at::Tensor &t = tensor_of(tensor);
    t = t.detach().to(at::Device(device)).set_requires_grad(t.requires_grad());
  });
}

char *torchx_to(void *tensor, const char *device, void **copy) {
  return caught([&] { *copy = handle_of(tensor_of(tensor).to(at::Device(device))); });
}
