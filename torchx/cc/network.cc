#include "network.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>
#include <torch/library.h>

#include <utility>

#include "dispatch.h"
#include "operators.h"

namespace lenet {
namespace {

// The network on a GPU: three operators that the plug-in registers, cuda/operators.cc.
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
    using Signature =
        std::vector<at::Tensor>(const at::Tensor &, const at::Tensor &, at::TensorList, int64_t, bool, double, at::Tensor &);
    static const auto op = operator_named<Signature>("lenet::step");
    const auto in_order = [&](const at::Tensor &t) {
      if (!batch.order) return t.contiguous();
      return t.index_select(0, at::from_blob(const_cast<int32_t *>(batch.order), {batch.n}, at::kInt).to(t.device()));
    };
    const std::vector<at::Tensor> gradients =
        op.call(in_order(batch.images), in_order(batch.labels), params_, activation_, backward, label_smoothing, sums);
    for (size_t i = 0; i < gradients.size(); i++) params_[i].mutable_grad() = gradients[i];
  }

  const int64_t activation_;
};

TORCH_LIBRARY_FRAGMENT(lenet, m) {
  m.def("covers(int rows, int cols, Tensor[] params) -> bool");
  m.def("logits(Tensor images, Tensor[] params, int activation) -> Tensor");
  m.def(
      "step(Tensor images, Tensor labels, Tensor[] params, int activation, bool backward, float label_smoothing, "
      "Tensor(a!) sums) -> Tensor[] gradients");
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

void *emulated_gpu = nullptr;  // the library of its kernels, where a test chose them

}  // namespace

void use_kernels(const std::string &name) {
  if (emulated_gpu) dlclose(emulated_gpu);
  emulated_gpu = nullptr;
  use_cpu_kernels(name == "CUDA" ? "" : name);
  if (name != "CUDA") return;
  emulated_gpu = dlopen("libtorchx_emulated.so", RTLD_NOW);
  TORCH_CHECK(emulated_gpu, dlerror());
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

void Network::check(const Images &b, const at::Tensor &sums) const {
  check(b.images);
  TORCH_CHECK(b.labels.scalar_type() == at::kByte && b.labels.dim() == 1 && b.labels.size(0) == b.images.size(0),
              "the network takes a label, uint8, for each image, and not ", b.labels.sizes(), " for ", b.images.size(0));
  TORCH_CHECK(b.n > 0, "the batch has no images");
  TORCH_CHECK(b.labels.device() == params_[0].device() && sums.device() == params_[0].device(),
              "labels and sums are on another device than the network");
  TORCH_CHECK(sums.scalar_type() == at::kDouble && sums.numel() == 3, "an accumulator has 3 sums, float64");
}

at::Tensor Network::logits(const at::Tensor &images) {
  check(images);
  Unrecorded unrecorded;
  return logits_of(images);
}

void Network::evaluate(const Images &batch, at::Tensor &sums) {
  check(batch, sums);
  Unrecorded unrecorded;
  run(batch, false, 0, sums);
}

void Network::differentiate(const Images &batch, double label_smoothing, at::Tensor &sums) {
  check(batch, sums);
  Unrecorded unrecorded;
  run(batch, true, label_smoothing, sums);
}

}  // namespace lenet
