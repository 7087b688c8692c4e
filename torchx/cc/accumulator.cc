// torch.ops.lenet.accumulate: adds a batch to what an epoch reports, on the batch's device.
//
//   sums    [3]           float64: the loss summed over images, the right answers, the images
//   loss    []            float32, the mean over the batch
//   logits  [N, classes]  float32
//   labels  [N]           uint8
//
// An answer is right where the first of the largest logits is at the label. On a GPU it is cuda/accumulate.cu.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <torch/library.h>

#include <algorithm>

#include "dispatch.h"
#include "operators.h"

namespace lenet {
namespace {

void add(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits_, const at::Tensor &labels_) {
  const at::Tensor logits = logits_.contiguous(), labels = labels_.contiguous();
  const int64_t n = logits.size(0);
  add_on_cpu(sums, *loss.const_data_ptr<float>() * static_cast<double>(n), n, logits.size(1), logits.const_data_ptr<float>(),
             labels.const_data_ptr<uint8_t>());
}

TORCH_LIBRARY_FRAGMENT(lenet, m) { m.def("accumulate(Tensor(a!) sums, Tensor loss, Tensor logits, Tensor labels) -> ()"); }

TORCH_LIBRARY_IMPL(lenet, CPU, m) { m.impl("accumulate", add); }

}  // namespace

void add_on_cpu(at::Tensor &sums, double loss, int64_t n, int64_t classes, const float *logits, const uint8_t *labels) {
  int64_t correct = 0;
  for (int64_t i = 0; i < n; i++, logits += classes)
    correct += std::max_element(logits, logits + classes) - logits == labels[i];
  double *to = sums.data_ptr<double>();
  to[0] += loss;
  to[1] += correct;
  to[2] += n;
}

void accumulate(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits, const at::Tensor &labels) {
  TORCH_CHECK(logits.dim() == 2 && labels.dim() == 1 && labels.size(0) == logits.size(0) && loss.numel() == 1 &&
                  logits.scalar_type() == at::kFloat && loss.scalar_type() == at::kFloat && labels.scalar_type() == at::kByte,
              "an accumulator adds a loss, logits [N, classes] float32 and labels [N] uint8, not ", logits.sizes(), " and ",
              labels.sizes());
  static const auto op = operator_named<decltype(lenet::accumulate)>("lenet::accumulate");
  at::AutoDispatchBelowADInplaceOrView below;
  op.call(sums, loss, logits, labels);
}

}  // namespace lenet
