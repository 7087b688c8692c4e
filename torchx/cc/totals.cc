// torch.ops.lenet.add_totals: what an epoch adds up over its batches, where the batches are.
//
//   totals  [3]           float64: the sum of losses over images, the right answers, the images
//   loss    []            float32, the mean over the batch
//   logits  [N, classes]  float32
//   labels  [N]           uint8
//
// An answer is right where the first of the largest logits is at the label. On a GPU it is cuda/loss.cu.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <algorithm>

#include "operators.h"

namespace lenet {
namespace {

void add(at::Tensor &totals, const at::Tensor &loss, const at::Tensor &logits_, const at::Tensor &labels_) {
  const at::Tensor logits = logits_.contiguous(), labels = labels_.contiguous();
  const int64_t n = logits.size(0), classes = logits.size(1);
  const float *row = logits.const_data_ptr<float>();
  int64_t correct = 0;
  for (int64_t i = 0; i < n; i++, row += classes)
    correct += std::max_element(row, row + classes) - row == labels.const_data_ptr<uint8_t>()[i];
  double *sums = totals.data_ptr<double>();
  sums[0] += *loss.const_data_ptr<float>() * static_cast<double>(n);
  sums[1] += correct;
  sums[2] += n;
}

TORCH_LIBRARY_FRAGMENT(lenet, m) { m.def("add_totals(Tensor(a!) totals, Tensor loss, Tensor logits, Tensor labels) -> ()"); }

TORCH_LIBRARY_IMPL(lenet, CPU, m) { m.impl("add_totals", add); }

}  // namespace

void add_totals(at::Tensor &totals, const at::Tensor &loss, const at::Tensor &logits, const at::Tensor &labels) {
  TORCH_CHECK(logits.dim() == 2 && labels.dim() == 1 && labels.size(0) == logits.size(0) && loss.numel() == 1 &&
                  logits.scalar_type() == at::kFloat && loss.scalar_type() == at::kFloat && labels.scalar_type() == at::kByte,
              "totals want a loss, logits [N, classes] float32 and labels [N] uint8, not ", logits.sizes(), " and ",
              labels.sizes());
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("lenet::add_totals", "").typed<decltype(lenet::add_totals)>();
  at::AutoDispatchBelowADInplaceOrView below;
  op.call(totals, loss, logits, labels);
}

}  // namespace lenet
