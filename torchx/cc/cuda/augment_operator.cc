// The operator of augment.cc on a GPU; with LENET_EMULATED, on the emulator, for tensors on the CPU.
#include <ATen/core/Tensor.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include "augment.h"
#include "on_device.h"

namespace lenet::cuda {
namespace {

void augment_tensors(const at::Tensor &images, const at::Tensor &labels, const at::Tensor &order, int64_t cols, int64_t seed,
                     int64_t epoch, double shift, double rotate, double scale, at::Tensor &to, at::Tensor &to_labels) {
  c10::DeviceGuard guard(images.device());
  Augmented s{};
  s.n = static_cast<int>(order.size(0)), s.cols = static_cast<int>(cols), s.rows = static_cast<int>(images.size(1) / cols);
  s.images = images.const_data_ptr<uint8_t>(), s.labels = labels.const_data_ptr<uint8_t>();
  s.order = order.const_data_ptr<int32_t>();
  s.to = to.mutable_data_ptr<uint8_t>(), s.to_labels = to_labels.mutable_data_ptr<uint8_t>();
  augment({static_cast<uint64_t>(seed), static_cast<uint64_t>(epoch), shift, rotate, scale}, s, current_stream());
}

TORCH_LIBRARY_IMPL(lenet, LENET_DEVICE, m) { m.impl("augment", augment_tensors); }

}  // namespace
}  // namespace lenet::cuda
