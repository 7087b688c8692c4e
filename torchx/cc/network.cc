#include "network.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>
#include <torch/library.h>

#include <limits>
#include <optional>
#include <utility>

#include "dispatch.h"
#include "operators.h"

namespace lenet {
namespace {

void *emulated_gpu = nullptr;  // the library of its kernels, where a test chose them

// The network on a GPU: operators that the plug-in registers, cuda/operators.cc.
class DispatchedNetwork : public Network {
 public:
  DispatchedNetwork(int64_t rows, int64_t cols, Activation activation, std::vector<at::Tensor> params)
      : Network(rows, cols, std::move(params)), activation_(static_cast<int64_t>(activation)) {}

  bool covered() const {
    static const auto op = operator_named<bool(int64_t, int64_t, at::TensorList)>("lenet::covers");
    return op.call(rows_, cols_, params_);
  }

 private:
  at::Tensor logits_of(const at::Tensor &images) override {
    static const auto op = operator_named<at::Tensor(const at::Tensor &, at::TensorList, int64_t)>("lenet::logits");
    return op.call(images.contiguous(), params_, activation_);
  }

  void run(const Images &batch, bool backward, double label_smoothing, at::Tensor &sums) override {
    const auto in_order = [&](const at::Tensor &t) {
      if (!batch.order) return t.contiguous();
      return t.index_select(0, at::from_blob(const_cast<int32_t *>(batch.order), {batch.n}, at::kInt).to(t.device()));
    };
    const at::Tensor images = in_order(batch.images), labels = in_order(batch.labels);
    if (!backward) return run({images, labels, {}, 0, batch.n, batch.n}, sums);
    using Signature =
        std::vector<at::Tensor>(const at::Tensor &, const at::Tensor &, at::TensorList, int64_t, double, at::Tensor &);
    static const auto op = operator_named<Signature>("lenet::differentiate");
    const std::vector<at::Tensor> gradients = op.call(images, labels, params_, activation_, label_smoothing, sums);
    for (size_t i = 0; i < gradients.size(); i++) params_[i].mutable_grad() = gradients[i];
  }

  void run(const Span &s, at::Tensor &sums) override {
    using Signature = void(const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, int64_t, int64_t,
                           at::TensorList, int64_t, at::Tensor &);
    static const auto op = operator_named<Signature>("lenet::evaluate");
    op.call(s.images, s.labels, order_of(s), s.first, s.n, params_, activation_, sums);
  }

  bool has_rule(const char *rule) const override { return updates(params_, rule); }

  void run(const Span &s, const Optimizer::ForKernels &o, const float *learning_rates, double label_smoothing,
           at::Tensor &sums) override {
    using Signature = void(const at::Tensor &, const at::Tensor &, const std::optional<at::Tensor> &, int64_t, int64_t, int64_t,
                           at::TensorList, int64_t, double, const at::Tensor &, c10::string_view, c10::ArrayRef<double>,
                           at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::Tensor &);
    static const auto op = operator_named<Signature>("lenet::train");
    const int64_t batches = (s.n + s.batch_size - 1) / s.batch_size;
    at::Tensor rates = at::from_blob(const_cast<float *>(learning_rates), {batches}, at::kFloat);
    if (params_[0].is_cuda())
      rates = rates.pin_memory().to(params_[0].device(), /*non_blocking=*/true);  // behind the work that is queued
    op.call(s.images, s.labels, order_of(s), s.first, s.n, s.batch_size, params_, activation_, label_smoothing, rates, o.rule,
            o.settings, o.momentum, o.square, o.step, o.average, sums);
  }

  static std::optional<at::Tensor> order_of(const Span &s) { return s.order.defined() ? std::optional(s.order) : std::nullopt; }

  const int64_t activation_;
};

TORCH_LIBRARY_FRAGMENT(lenet, m) {
  m.def("covers(int rows, int cols, Tensor[] params) -> bool");
  m.def("updates(Tensor[] params, str rule) -> bool");
  m.def("logits(Tensor images, Tensor[] params, int activation) -> Tensor");
  m.def(
      "evaluate(Tensor images, Tensor labels, Tensor? order, int first, int n, Tensor[] params, int activation, Tensor(a!) "
      "sums) -> ()");
  m.def(
      "differentiate(Tensor images, Tensor labels, Tensor[] params, int activation, float label_smoothing, Tensor(a!) sums) "
      "-> Tensor[] gradients");
  m.def(
      "train(Tensor images, Tensor labels, Tensor? order, int first, int n, int batch_size, Tensor(a!)[] params, int "
      "activation, "
      "float label_smoothing, Tensor learning_rates, str rule, float[] settings, Tensor(b!)[] momentum, Tensor(c!)[] square, "
      "Tensor(d!)[] step, Tensor(e!)[] average, Tensor(f!) sums) -> ()");
}

// Below autograd, which then does not look at the calls.
struct Unrecorded {
  at::NoGradGuard no_grad;
  at::AutoDispatchBelowADInplaceOrView below;
};

void check_params(const std::vector<at::Tensor> &params) {
  TORCH_CHECK(params.size() == 10, "LeNet has 10 parameters, not ", params.size());
  int64_t channels = 1;
  for (size_t i = 0; i < params.size(); i += 2) {
    const at::Tensor &weight = params[i], &bias = params[i + 1];
    TORCH_CHECK(weight.scalar_type() == at::kFloat && bias.scalar_type() == at::kFloat && weight.is_contiguous() &&
                    bias.is_contiguous() && weight.device() == params[0].device() && bias.device() == params[0].device(),
                "parameters are contiguous float32 tensors on one device");
    const bool filters = i < 4 && weight.dim() == 4 && weight.size(1) == channels && weight.size(2) == 5 && weight.size(3) == 5;
    const bool matrix = i >= 4 && weight.dim() == 2 && (i == 4 || weight.size(1) == channels);
    TORCH_CHECK((filters || matrix) && weight.numel() > 0 && bias.dim() == 1 && bias.size(0) == weight.size(0),
                "a layer's weight is ", weight.sizes(), " and its bias ", bias.sizes());
    channels = weight.size(0);
  }
}

}  // namespace

void use_kernels(const std::string &name) {
  if (emulated_gpu) dlclose(emulated_gpu);
  emulated_gpu = nullptr;
  use_cpu_kernels(name == "CUDA" ? "" : name);
  if (name != "CUDA") return;
  emulated_gpu = dlopen("libtorchx_emulated.so", RTLD_NOW);
  TORCH_CHECK(emulated_gpu, dlerror());
}

bool updates(at::TensorList params, const char *rule) {
  if (!params[0].is_cuda() && !emulated_gpu) return false;
  static const auto op = operator_named<bool(at::TensorList, c10::string_view)>("lenet::updates");
  at::AutoDispatchBelowADInplaceOrView below;
  return op.call(params, rule);
}

Network::Network(int64_t rows, int64_t cols, std::vector<at::Tensor> params)
    : rows_(rows), cols_(cols), params_(std::move(params)) {}

std::unique_ptr<Network> Network::make(int64_t rows, int64_t cols, int64_t activation, std::vector<at::Tensor> params) {
  if (!activation_row(activation).fused()) return nullptr;
  check_params(params);
  const int64_t h = ((rows - 4) / 2 - 4) / 2, w = ((cols - 4) / 2 - 4) / 2;
  TORCH_CHECK(h > 0 && w > 0 && params[4].size(1) == params[2].size(0) * h * w, "images of ", rows, "x", cols,
              " do not fit to ", params[4].size(1), " inputs of the first linear layer");
  if (params[0].is_cpu() && !emulated_gpu) return make_cpu_network(rows, cols, Activation{activation}, std::move(params));
  auto network = std::make_unique<DispatchedNetwork>(rows, cols, Activation{activation}, std::move(params));
  if (!network->covered()) return nullptr;
  return network;
}

void Network::check(const at::Tensor &images) const {
  TORCH_CHECK(images.scalar_type() == at::kByte && images.dim() == 4 && images.size(0) > 0 && images.size(1) == 1 &&
                  images.size(2) == rows_ && images.size(3) == cols_ && images.device() == params_[0].device(),
              "the network takes images [N, 1, ", rows_, ", ", cols_, "] uint8, not ", images.sizes(), " ",
              images.scalar_type());
}

void Network::check_samples(const at::Tensor &images, const at::Tensor &labels, int64_t n, const at::Tensor &sums) const {
  check(images);
  TORCH_CHECK(labels.scalar_type() == at::kByte && labels.dim() == 1 && labels.size(0) == images.size(0),
              "the network takes a label, uint8, for each image, and not ", labels.sizes(), " for ", images.size(0));
  TORCH_CHECK(n > 0, "the batch has no images");
  TORCH_CHECK(labels.device() == params_[0].device() && sums.device() == params_[0].device(),
              "labels and sums are on another device than the network");
  TORCH_CHECK(sums.scalar_type() == at::kDouble && sums.numel() == 3, "an accumulator has 3 sums, float64");
}

// Images may be rows of pixels.
Span Network::checked(Span s, const at::Tensor &sums) const {
  if (s.images.dim() == 2 && s.images.size(1) == rows_ * cols_) s.images = s.images.view({s.images.size(0), 1, rows_, cols_});
  check_samples(s.images, s.labels, s.n, sums);
  TORCH_CHECK(s.images.is_contiguous() && s.labels.is_contiguous(), "a span's images and labels are contiguous");
  const bool ordered = s.order.defined();
  TORCH_CHECK(!ordered || (s.order.scalar_type() == at::kInt && s.order.dim() == 1 && s.order.is_contiguous() &&
                           s.order.device() == params_[0].device()),
              "a span's order is [N] int32, on the network's device");
  const int64_t all = ordered ? s.order.size(0) : s.images.size(0);
  TORCH_CHECK(s.batch_size > 0 && s.first >= 0 && s.n <= std::numeric_limits<int32_t>::max() && s.first <= all - s.n,
              "a span of ", s.n, " images from ", s.first, " on, of ", all, ", in batches of ", s.batch_size);
  return s;
}

at::Tensor Network::logits(const at::Tensor &images) {
  check(images);
  Unrecorded unrecorded;
  return logits_of(images);
}

void Network::evaluate(const Images &batch, at::Tensor &sums) {
  check_samples(batch.images, batch.labels, batch.n, sums);
  Unrecorded unrecorded;
  run(batch, false, 0, sums);
}

void Network::differentiate(const Images &batch, double label_smoothing, at::Tensor &sums) {
  check_samples(batch.images, batch.labels, batch.n, sums);
  Unrecorded unrecorded;
  run(batch, true, label_smoothing, sums);
}

void Network::evaluate(const Span &s, at::Tensor &sums) {
  Unrecorded unrecorded;
  run(checked(s, sums), sums);
}

bool Network::trains(Optimizer &optimizer) const { return has_rule(optimizer.for_kernels().rule); }

void Network::train(const Span &s, Optimizer &optimizer, const float *learning_rates, double label_smoothing,
                    at::Tensor &sums) {
  Unrecorded unrecorded;
  run(checked(s, sums), optimizer.for_kernels(), learning_rates, label_smoothing, sums);
}

void Network::run(const Span &, at::Tensor &) { TORCH_CHECK(false, "spans are for GPUs"); }
void Network::run(const Span &, const Optimizer::ForKernels &, const float *, double, at::Tensor &) {
  TORCH_CHECK(false, "spans are for GPUs");
}

}  // namespace lenet
