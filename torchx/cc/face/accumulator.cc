// torchx.h: the accumulator.
#include <ATen/ops/zeros.h>

#include <cstring>

#include "face.h"
#include "operators.h"

using namespace lenet::face;

char *torchx_accumulator(const char *device, int64_t n, void **accumulator) {
  return caught([&] { *accumulator = handle_of(at::zeros({n}, at::TensorOptions(at::kDouble).device(device))); });
}

char *torchx_accumulator_add(void *accumulator, void *loss, void *logits, void *labels) {
  return caught([&] { lenet::accumulate(tensor_of(accumulator), tensor_of(loss), tensor_of(logits), tensor_of(labels)); });
}

char *torchx_accumulator_read(void *accumulator, double *sums) {
  return caught([&] {
    const at::Tensor values = tensor_of(accumulator).cpu();
    std::memcpy(sums, values.const_data_ptr<double>(), values.nbytes());
  });
}

char *torchx_accumulator_set(void *accumulator, const double *sums) {
  return caught([&] {
    at::Tensor &values = tensor_of(accumulator);
    at::Tensor from = at::zeros(values.sizes(), at::kDouble);
    std::memcpy(from.data_ptr<double>(), sums, from.nbytes());
    values.copy_(from);
  });
}

char *torchx_accumulator_reset(void *accumulator) {
  return caught([&] { tensor_of(accumulator).zero_(); });
}
