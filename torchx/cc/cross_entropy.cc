// torch.ops.lenet.cross_entropy: softmax cross-entropy, the mean over the batch, as one differentiable operator.
//
//   logits  [N, classes]  float32
//   labels  [N]           uint8
//   loss    []            float32
//
// libtorch's own wants int64 labels, and takes a dozen operators there and back.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <tuple>
#include <utility>

#include "operators.h"

namespace cross_entropy {
namespace {

// Returns the loss, and the logarithms of the probabilities [N, classes].
std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor &logits, const at::Tensor &labels_) {
  at::Tensor logs = at::_log_softmax(logits.contiguous(), 1, false), labels = labels_.contiguous();
  const int64_t n = logs.size(0), classes = logs.size(1);
  const float *row = logs.const_data_ptr<float>();
  const uint8_t *label = labels.const_data_ptr<uint8_t>();
  double sum = 0;
  for (int64_t i = 0; i < n; i++, row += classes) {
    TORCH_CHECK_INDEX(label[i] < classes, "label ", int(label[i]), " is not one of ", classes, " classes");
    sum -= row[label[i]];
  }
  return {at::scalar_tensor(sum / n, at::kFloat), std::move(logs)};
}

// The gradient of the logits: their probabilities, less 1 at the label, over N.
at::Tensor backward(const at::Tensor &dloss, const at::Tensor &logs, const at::Tensor &labels_) {
  at::Tensor gradient = at::exp(logs), labels = labels_.contiguous();
  const int64_t n = gradient.size(0), classes = gradient.size(1);
  const float scale = dloss.item<float>() / n;
  float *row = gradient.data_ptr<float>();
  const uint8_t *label = labels.const_data_ptr<uint8_t>();
  for (int64_t i = 0; i < n; i++, row += classes) {
    row[label[i]] -= 1;
    for (int64_t c = 0; c < classes; c++) row[c] *= scale;
  }
  return gradient;
}

// The operators are called by name, so that each device can have its own.
struct CrossEntropy : torch::autograd::Function<CrossEntropy> {
  static at::Tensor forward(torch::autograd::AutogradContext *ctx, const at::Tensor &logits, const at::Tensor &labels) {
    at::AutoDispatchBelowADInplaceOrView below;
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("lenet::cross_entropy_forward", "")
                               .typed<decltype(cross_entropy::forward)>();
    auto [loss, logs] = op.call(logits, labels);
    ctx->save_for_backward({std::move(logs), labels});
    return loss;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext *ctx, torch::autograd::tensor_list dloss) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "cross_entropy has no second derivative");
    static const auto op = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("lenet::cross_entropy_backward", "")
                               .typed<decltype(cross_entropy::backward)>();
    const auto saved = ctx->get_saved_variables();
    return {op.call(dloss[0], saved[0], saved[1]), at::Tensor()};
  }
};

}  // namespace

at::Tensor cross_entropy(const at::Tensor &logits, const at::Tensor &labels) {
  TORCH_CHECK(logits.dim() == 2 && labels.dim() == 1 && labels.size(0) == logits.size(0) && labels.size(0) > 0,
              "cross_entropy wants logits [N, classes] and labels [N], not ", logits.sizes(), " and ", labels.sizes());
  if (!logits.is_cpu() || logits.scalar_type() != at::kFloat || labels.scalar_type() != at::kByte)
    return at::cross_entropy_loss(logits, labels.to(at::kLong));
  return CrossEntropy::apply(logits, labels);
}

}  // namespace cross_entropy

TORCH_LIBRARY_FRAGMENT(lenet, m) {
  m.def("cross_entropy(Tensor logits, Tensor labels) -> Tensor", cross_entropy::cross_entropy);
  m.def("cross_entropy_forward(Tensor logits, Tensor labels) -> (Tensor loss, Tensor logs)");
  m.def("cross_entropy_backward(Tensor dloss, Tensor logs, Tensor labels) -> Tensor");
}

TORCH_LIBRARY_IMPL(lenet, CPU, m) {
  m.impl("cross_entropy_forward", cross_entropy::forward);
  m.impl("cross_entropy_backward", cross_entropy::backward);
}
