#include "optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

namespace lenet {

Optimizer::Optimizer(std::vector<at::Tensor> params, const torchx_optimizer_settings &settings)
    : params_(std::move(params)), settings_(settings) {
  TORCH_CHECK(!params_.empty(), "there are no parameters");
  const at::TensorOptions options = params_[0].options().requires_grad(false);
  learning_rate_ = at::full({}, settings.learning_rate, options);
  const bool adam = settings.kind != TORCHX_SGD;
  for (size_t i = 0; i < params_.size(); i++) {
    TORCH_CHECK(params_[i].is_leaf(), "parameter ", i, " is the result of an operation");
    const at::Tensor values = params_[i].detach();
    if (adam || settings.momentum > 0) momenta_.push_back(at::zeros_like(values));
    if (adam) squares_.push_back(at::zeros_like(values));
    if (adam) steps_.push_back(at::zeros({}, options));
    if (settings.average > 0) averages_.push_back(values.clone());
  }
}

void Optimizer::zero_grad() {
  for (at::Tensor &p : params_) p.mutable_grad().reset();
}

void Optimizer::step() {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> params, grads, momenta, squares, steps;
  for (size_t i = 0; i < params_.size(); i++) {
    if (!params_[i].grad().defined()) continue;
    params.push_back(params_[i]);
    grads.push_back(params_[i].grad());
    if (!momenta_.empty()) momenta.push_back(momenta_[i]);
    if (!squares_.empty()) squares.push_back(squares_[i]);
    if (!steps_.empty()) steps.push_back(steps_[i]);
  }
  if (params.empty()) return;
  const torchx_optimizer_settings &s = settings_;
  switch (s.kind) {
    case TORCHX_SGD:  // momenta begin as zeros, which is what PyTorch's first step amounts to
      at::_fused_sgd_(params, grads, momenta, s.weight_decay, s.momentum, learning_rate_, 0, s.nesterov, false, false);
      break;
    case TORCHX_ADAM:
      at::_foreach_add_(steps, 1);
      at::_fused_adam_(params, grads, momenta, squares, {}, steps, learning_rate_, s.beta1, s.beta2, s.weight_decay,
                       s.epsilon, false, false);
      break;
    case TORCHX_ADAMW:
      at::_foreach_add_(steps, 1);
      at::_fused_adamw_(params, grads, momenta, squares, {}, steps, learning_rate_, s.beta1, s.beta2, s.weight_decay,
                        s.epsilon, false, false);
      break;
  }
  if (!averages_.empty()) at::_foreach_lerp_(averages_, params_, 1 - s.average);
}

void Optimizer::set_learning_rate(double learning_rate) { learning_rate_.fill_(learning_rate); }

void Optimizer::swap_averages() {
  at::NoGradGuard no_grad;
  for (size_t i = 0; i < averages_.size(); i++) {
    const at::Tensor values = params_[i].detach().clone();
    params_[i].copy_(averages_[i]);
    averages_[i].copy_(values);
  }
}

}  // namespace lenet
