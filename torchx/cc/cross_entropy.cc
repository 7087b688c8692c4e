// torch.ops.lenet.cross_entropy: softmax cross-entropy, the mean over the batch, as one differentiable operator.
//
//   logits  [N, classes]  float32
//   labels  [N]           uint8
//   loss    []            float32
//
// With label smoothing s, a row's target is 1 - s at its label and s / classes more everywhere (Szegedy et al. 2016).
//
// libtorch's own takes int64 labels, and a dozen operators forward and backward. On a GPU it is cuda/loss.cu.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "dispatch.h"
#include "operators.h"

namespace lenet {
namespace {

// Returns the loss, and the gradient of the logits [N, classes]: their probabilities, less the targets, over N.
std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor &logits_, const at::Tensor &labels_, double smoothing) {
  at::Tensor logits = logits_.contiguous(), labels = labels_.contiguous(), gradient = at::empty_like(logits);
  const int64_t n = logits.size(0), classes = logits.size(1);
  const float *row = logits.const_data_ptr<float>();
  float *to = gradient.data_ptr<float>();
  const float elsewhere = smoothing / classes / n;
  double loss = 0;
  for (int64_t i = 0; i < n; i++, row += classes, to += classes) {
    const int64_t label = labels.const_data_ptr<uint8_t>()[i];
    TORCH_CHECK_INDEX(label < classes, "label ", label, " is not one of ", classes, " classes");
    const float largest = *std::max_element(row, row + classes);
    float sum = 0;
    for (int64_t c = 0; c < classes; c++) sum += to[c] = std::exp(row[c] - largest);
    for (int64_t c = 0; c < classes; c++) to[c] = to[c] / (sum * n) - elsewhere;
    to[label] -= (1 - static_cast<float>(smoothing)) / n;
    double target = (1 - smoothing) * row[label];
    if (smoothing > 0)
      for (int64_t c = 0; c < classes; c++) target += smoothing / classes * row[c];
    loss += std::log(sum) + largest - target;
  }
  return {at::scalar_tensor(loss / n, at::kFloat), std::move(gradient)};
}

struct CrossEntropy : torch::autograd::Function<CrossEntropy> {
  static at::Tensor forward(torch::autograd::AutogradContext *ctx, const at::Tensor &logits, const at::Tensor &labels,
                            double smoothing) {
    at::AutoDispatchBelowADInplaceOrView below;
    static const auto op = operator_named<decltype(lenet::forward)>("lenet::cross_entropy_forward");
    auto [loss, gradient] = op.call(logits, labels, smoothing);
    ctx->save_for_backward({std::move(gradient)});
    return loss;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext *ctx, torch::autograd::tensor_list dloss) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "cross_entropy has no second derivative");
    return {ctx->get_saved_variables()[0].mul(dloss[0]), at::Tensor(), at::Tensor()};
  }
};

TORCH_LIBRARY_FRAGMENT(lenet, m) {
  m.def("cross_entropy(Tensor logits, Tensor labels, float label_smoothing) -> Tensor", cross_entropy);
  m.def("cross_entropy_forward(Tensor logits, Tensor labels, float label_smoothing) -> (Tensor loss, Tensor gradient)");
}

TORCH_LIBRARY_IMPL(lenet, CPU, m) { m.impl("cross_entropy_forward", forward); }

}  // namespace

at::Tensor cross_entropy(const at::Tensor &logits, const at::Tensor &labels, double smoothing) {
  TORCH_CHECK(logits.dim() == 2 && labels.dim() == 1 && labels.size(0) == logits.size(0) && labels.size(0) > 0,
              "cross_entropy takes logits [N, classes] and labels [N], not ", logits.sizes(), " and ", labels.sizes());
  if (!(logits.is_cpu() || logits.is_cuda()) || logits.scalar_type() != at::kFloat || labels.scalar_type() != at::kByte)
    return at::cross_entropy_loss(logits, labels.to(at::kLong), {}, at::Reduction::Mean, -100, smoothing);
  return CrossEntropy::apply(logits, labels, smoothing);
}

}  // namespace lenet
