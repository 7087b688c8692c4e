#include "optimizer.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/library.h>

#include <cstring>
#include <utility>

#include "dispatch.h"
#include "serial.h"

namespace lenet {

using Settings = torchx_optimizer_settings;
using Tensors = std::vector<at::Tensor>;

// What an update rule works on: the parameters that have gradients, their gradients, and their states in the order of the
// rule's names.
struct Step {
  Tensors params, gradients;
  std::vector<Tensors> states;
  const at::Tensor &learning_rate;
  const Settings &settings;
};

// The names of states. kStep is a number for each parameter; the others have the parameter's shape. All are zeros at first, but
// averages begin as the parameters.
constexpr char kMomentum[] = "momentum", kSquare[] = "square", kStep[] = "step", kAverage[] = "average";

struct UpdateRule {
  const char *name;
  std::vector<const char *> (*states)(const Settings &);  // their names
  void (*update)(Step &);
};

namespace {

// The two moments, and the number of steps for the correction of their bias.
std::vector<const char *> moments(const Settings &) { return {kMomentum, kSquare, kStep}; }

void sgd(Step &t) {
  const Settings &s = t.settings;
  // PyTorch's first step is the same as one with a momentum of zeros.
  at::_fused_sgd_(t.params, t.gradients, t.states.empty() ? Tensors() : t.states[0], s.weight_decay, s.momentum,
                  t.learning_rate, 0, s.nesterov, false, false);
}

void adam(Step &t) {
  const Settings &s = t.settings;
  at::_foreach_add_(t.states[2], 1);
  at::_fused_adam_(t.params, t.gradients, t.states[0], t.states[1], {}, t.states[2], t.learning_rate, s.beta1, s.beta2,
                   s.weight_decay, s.epsilon, false, false);
}

void adamw(Step &t) {
  const Settings &s = t.settings;
  at::_foreach_add_(t.states[2], 1);
  at::_fused_adamw_(t.params, t.gradients, t.states[0], t.states[1], {}, t.states[2], t.learning_rate, s.beta1, s.beta2,
                    s.weight_decay, s.epsilon, false, false);
}

// The optimizers: to add one, add a row.
const UpdateRule kRules[] = {
    {"sgd",
     [](const Settings &s) { return s.momentum > 0 ? std::vector<const char *>{kMomentum} : std::vector<const char *>{}; },
     sgd},
    {"adam", moments, adam},
    {"adamw", moments, adamw},
};

const UpdateRule &rule_named(const std::string &name) {
  std::string names;
  for (const UpdateRule &rule : kRules) {
    if (rule.name == name) return rule;
    names += (names.empty() ? "" : ", ") + std::string(rule.name);
  }
  TORCH_CHECK(false, "there is no optimizer \"", name, "\": the optimizers are ", names);
}

TORCH_LIBRARY_FRAGMENT(lenet, m) {
  m.def(
      "update(Tensor(a!)[] params, Tensor[] gradients, Tensor learning_rate, str rule, float[] settings, Tensor(b!)[] "
      "momentum, "
      "Tensor(c!)[] square, Tensor(d!)[] step, Tensor(e!)[] average) -> ()");
}

}  // namespace

const std::vector<const char *> &optimizer_names() {
  static const std::vector<const char *> names = [] {
    std::vector<const char *> names;
    for (const UpdateRule &rule : kRules) names.push_back(rule.name);
    return names;
  }();
  return names;
}

Optimizer::Optimizer(Tensors params, const Settings &settings)
    : params_(std::move(params)), settings_(settings), rule_(rule_named(settings.name)) {
  settings_.name = rule_.name;  // the caller's text may not outlive this call
  TORCH_CHECK(!params_.empty(), "there are no parameters");
  for (size_t i = 0; i < params_.size(); i++)
    TORCH_CHECK(params_[i].is_leaf(), "parameter ", i, " is the result of an operation");
  const at::TensorOptions options = params_[0].options().requires_grad(false);
  learning_rate_ = at::full({}, settings.learning_rate, options);
  for (const char *name : rule_.states(settings_)) {
    kept_.push_back({name, {}});
    for (const at::Tensor &p : params_)
      kept_.back().of.push_back(std::strcmp(name, kStep) == 0 ? at::zeros({}, options) : at::zeros_like(p.detach()));
  }
  if (settings.average > 0) {
    kept_.push_back({kAverage, {}});
    for (const at::Tensor &p : params_) kept_.back().of.push_back(p.detach().clone());
  }
  for (Kept &kept : kept_)
    for (size_t i = 0; i < kept.of.size(); i++) listed_.push_back({kept.name, i, &kept.of[i]});
}

Tensors *Optimizer::find(const char *name) {
  for (Kept &kept : kept_)
    if (std::strcmp(kept.name, name) == 0) return &kept.of;
  return nullptr;
}

void Optimizer::zero_grad() {
  for (at::Tensor &p : params_) p.mutable_grad().reset();
}

Optimizer::ForKernels Optimizer::for_kernels() {
  const auto of = [this](const char *name) {
    const Tensors *kept = find(name);
    return kept ? *kept : Tensors();
  };
  const Settings &s = settings_;
  return {rule_.name,    {s.weight_decay, s.momentum, s.nesterov ? 1.0 : 0.0, s.beta1, s.beta2, s.epsilon, s.average},
          of(kMomentum), of(kSquare),
          of(kStep),     of(kAverage)};
}

void Optimizer::step() {
  at::NoGradGuard no_grad;
  const Serial serial;  // some 10 microseconds of work: not worth waking threads for
  Tensors *averages = find(kAverage);
  Step t{{}, {}, std::vector<Tensors>(kept_.size() - (averages ? 1 : 0)), learning_rate_, settings_};
  for (size_t i = 0; i < params_.size(); i++) {
    if (!params_[i].grad().defined()) continue;
    t.params.push_back(params_[i]);
    t.gradients.push_back(params_[i].grad());
    for (size_t k = 0; k < t.states.size(); k++) t.states[k].push_back(kept_[k].of[i]);
  }
  if (t.params.empty()) return;
  if (t.params.size() == params_.size() && updates(params_, rule_.name)) return update_by_kernel(t.gradients);
  rule_.update(t);
  if (averages) at::_foreach_lerp_(*averages, params_, 1 - settings_.average);
}

void Optimizer::update_by_kernel(const Tensors &gradients) {
  using Signature = void(at::TensorList, at::TensorList, const at::Tensor &, c10::string_view, c10::ArrayRef<double>,
                         at::TensorList, at::TensorList, at::TensorList, at::TensorList);
  static const auto op = operator_named<Signature>("lenet::update");
  at::AutoDispatchBelowADInplaceOrView below;
  const ForKernels k = for_kernels();
  op.call(params_, gradients, learning_rate_, k.rule, k.settings, k.momentum, k.square, k.step, k.average);
}

void Optimizer::set_learning_rate(double learning_rate) { learning_rate_.fill_(learning_rate); }

void Optimizer::swap_averages() {
  at::NoGradGuard no_grad;
  Tensors *averages = find(kAverage);
  if (!averages) return;
  for (size_t i = 0; i < params_.size(); i++) {
    const at::Tensor values = params_[i].detach().clone();
    params_[i].copy_((*averages)[i]);
    (*averages)[i].copy_(values);
  }
}

}  // namespace lenet
