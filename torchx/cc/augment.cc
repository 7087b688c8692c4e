// torch.ops.lenet.augment: images of a set, each changed at random, and their labels, on the set's device. The CPU has none:
// there the loader of Go's package dataset makes the same images.
//
//   images  [N, pixels] uint8, of rows of cols pixels, and labels [N] uint8: the set
//   order   [n] int32: indices into it, which are not checked
//   to      [n, pixels] uint8 and to_labels [n] uint8
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <torch/library.h>

#include <cmath>

#include "dispatch.h"
#include "operators.h"

namespace lenet {
namespace {

TORCH_LIBRARY_FRAGMENT(lenet, m) {
  m.def(
      "augment(Tensor images, Tensor labels, Tensor order, int cols, int seed, int epoch, float shift, float rotate, float "
      "scale, "
      "Tensor(a!) to, Tensor(b!) to_labels) -> ()");
}

bool is(const at::Tensor &t, at::ScalarType type, at::IntArrayRef sizes, const at::Device &device) {
  return t.scalar_type() == type && t.sizes() == sizes && t.is_contiguous() && t.device() == device;
}

}  // namespace

void augment(const at::Tensor &images, const at::Tensor &labels, const at::Tensor &order, int64_t cols, int64_t seed,
             int64_t epoch, double shift, double rotate, double scale, at::Tensor &to, at::Tensor &to_labels) {
  TORCH_CHECK(images.dim() == 2 && order.dim() == 1 && order.size(0) > 0 && cols > 0 && images.size(1) > 0 &&
                  images.size(1) % cols == 0,
              "augment takes images [N, pixels], of rows of ", cols, " pixels, and an order [n], not ", images.sizes(), " and ",
              order.sizes());
  const at::Device device = images.device();
  const int64_t n = order.size(0), pixels = images.size(1);
  TORCH_CHECK(is(images, at::kByte, images.sizes(), device) && is(labels, at::kByte, {images.size(0)}, device) &&
                  is(order, at::kInt, {n}, device) && is(to, at::kByte, {n, pixels}, device) &&
                  is(to_labels, at::kByte, {n}, device),
              "augment takes contiguous tensors on one device: images ", images.sizes(), ", labels [", images.size(0),
              "], images to fill [", n, ", ", pixels, "] and labels to fill [", n, "], uint8, and the order, int32");
  TORCH_CHECK(shift >= 0 && std::isfinite(shift) && rotate >= 0 && std::isfinite(rotate) && scale >= 0 && scale < 1,
              "an augmentation's bounds are 0 or more, that of the scale less than 1, and not ", shift, ", ", rotate, " and ",
              scale);
  static const auto op = operator_named<decltype(lenet::augment)>("lenet::augment");
  at::AutoDispatchBelowADInplaceOrView below;
  op.call(images, labels, order, cols, seed, epoch, shift, rotate, scale, to, to_labels);
}

}  // namespace lenet
