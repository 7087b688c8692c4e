// torch.ops.lenet.linear: linear layers with an activation between each and the next, as one differentiable operator.
//
//   x           [N, ...]                      float32; its other dimensions multiply to features 0
//   weights[k]  [features k+1, features k]    float32
//   biases[k]   [features k+1]                float32
//   y           [N, features of the last]     float32
//
// The multiplications are libtorch's. The time between them is saved: the threads synchronize once forward and twice backward,
// while with libtorch's own operators they do so in each. Forward and in the gradients of the layers' inputs, each thread has
// some of the samples; in the gradients of the weights, which sum over samples, each has some of the rows. No sum is divided
// among threads, so a result depends on nothing but their number. On a GPU it is cuda/linear.cu.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sum.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <tuple>
#include <utility>
#include <vector>

#include "dispatch.h"
#include "layers.h"
#include "operators.h"
#include "parallel.h"

namespace lenet {
namespace {

bool covered(const at::Tensor &x, at::TensorList weights, at::TensorList biases) {
  if (x.scalar_type() != at::kFloat || x.dim() < 2 || x.size(0) == 0) return false;
  if (!kernels_take(x, x.numel() / x.size(0), 2, weights, biases)) return false;
  static const auto covers = operator_named<bool(const at::Tensor &, at::TensorList)>("lenet::linear_covers");
  return covers.call(x, weights);
}

at::Tensor by_libtorch(at::Tensor x, at::TensorList weights, at::TensorList biases, const ActivationRow &f) {
  x = x.flatten(1);
  for (size_t i = 0; i < weights.size(); i++) x = at::linear(i ? f.apply(x) : x, weights[i], biases[i]);
  return x;
}

// The t-th share of x's rows or columns.
at::Tensor share(const at::Tensor &x, int64_t dim, int64_t t, int64_t threads) {
  const int64_t n = x.size(dim), begin = n * t / threads;
  return x.narrow(dim, begin, n * (t + 1) / threads - begin);
}

// Returns each layer's output, after its activation where it has one; the last is y.
std::vector<at::Tensor> forward(const at::Tensor &x_, at::TensorList weights, at::TensorList biases, int64_t activation) {
  const ActivationRow &f = activation_row(static_cast<int64_t>(for_kernels(activation)));
  const size_t layers = weights.size();
  at::Tensor x = x_.flatten(1);
  std::vector<at::Tensor> outputs;
  for (const at::Tensor &w : weights) outputs.push_back(at::empty({x.size(0), w.size(0)}, at::kFloat));
  on_each_thread([&](int64_t t, int64_t threads) {
    at::Tensor in = share(x, 0, t, threads);
    for (size_t i = 0; i < layers; i++) {
      at::Tensor out = share(outputs[i], 0, t, threads);
      at::addmm_out(out, biases[i], in, weights[i].t());
      if (i + 1 < layers) f.forward(out);
      in = out;
    }
  });
  return outputs;
}

// inputs are the layers'.
Gradients backward(const at::Tensor &dy, at::TensorList inputs, at::TensorList weights, int64_t activation, bool input) {
  const ActivationRow &f = activation_row(static_cast<int64_t>(for_kernels(activation)));
  const size_t layers = weights.size();
  std::vector<at::Tensor> gradients(layers), dweights, dbiases;  // gradients: of each layer's output, before its activation
  for (size_t i = 0; i + 1 < layers; i++) gradients[i] = at::empty_like(inputs[i + 1]);
  gradients.back() = dy;
  for (const at::Tensor &w : weights) {
    dweights.push_back(at::empty(w.sizes(), at::kFloat));
    dbiases.push_back(at::empty({w.size(0)}, at::kFloat));
  }
  at::Tensor x = inputs[0].flatten(1), dx = input ? at::empty(x.sizes(), at::kFloat) : at::Tensor();
  on_each_thread([&](int64_t t, int64_t threads) {
    for (size_t i = layers; i-- > 0;) {
      if (i == 0 && !input) break;
      at::Tensor to = share(i ? gradients[i - 1] : dx, 0, t, threads);
      at::mm_out(to, share(gradients[i], 0, t, threads), weights[i]);
      if (i) f.backward(to, share(inputs[i], 0, t, threads));
    }
  });
  on_each_thread([&](int64_t t, int64_t threads) {
    for (size_t i = 0; i < layers; i++) {
      at::Tensor gradient = share(gradients[i], 1, t, threads), dweight = share(dweights[i], 0, t, threads);
      at::Tensor dbias = share(dbiases[i], 0, t, threads);
      at::mm_out(dweight, gradient.t(), i ? inputs[i] : x);
      at::sum_out(dbias, gradient, 0);
    }
  });
  if (input) dx = dx.view(inputs[0].sizes());
  return {dx, std::move(dweights), std::move(dbiases)};
}

struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(torch::autograd::AutogradContext *ctx, const at::Tensor &x, at::TensorList weights,
                            at::TensorList biases, int64_t activation) {
    at::AutoDispatchBelowADInplaceOrView below;
    static const auto op = operator_named<decltype(lenet::forward)>("lenet::linear_forward");
    std::vector<at::Tensor> outputs = op.call(x, weights, biases, activation);
    at::Tensor y = std::move(outputs.back());
    outputs.pop_back();
    torch::autograd::variable_list saved{x};
    saved.insert(saved.end(), outputs.begin(), outputs.end());
    saved.insert(saved.end(), weights.begin(), weights.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["activation"] = activation;
    return y;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext *ctx, torch::autograd::tensor_list dy) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "linear has no second derivative");
    static const auto op = operator_named<decltype(lenet::backward)>("lenet::linear_backward");
    const auto saved = ctx->get_saved_variables();
    const size_t layers = saved.size() / 2;
    const at::TensorList all(saved), inputs = all.slice(0, layers), weights = all.slice(layers);
    return in_order_of_arguments(
        op.call(dy[0], inputs, weights, ctx->saved_data["activation"].toInt(), ctx->needs_input_grad(0)));
  }
};

TORCH_LIBRARY_FRAGMENT(lenet, m) {
  m.def("linear(Tensor x, Tensor[] weights, Tensor[] biases, int activation) -> Tensor", linear);
  m.def("linear_covers(Tensor x, Tensor[] weights) -> bool");
  m.def("linear_forward(Tensor x, Tensor[] weights, Tensor[] biases, int activation) -> Tensor[]");
  m.def(
      "linear_backward(Tensor dy, Tensor[] inputs, Tensor[] weights, int activation, bool input) -> "
      "(Tensor dx, Tensor[] dweights, Tensor[] dbiases)");
}

TORCH_LIBRARY_IMPL(lenet, CPU, m) {
  m.impl("linear_covers", [](const at::Tensor &, at::TensorList) { return true; });
  m.impl("linear_forward", forward);
  m.impl("linear_backward", backward);
}

}  // namespace

at::Tensor linear(const at::Tensor &x, at::TensorList weights, at::TensorList biases, int64_t activation) {
  check_layers("linear", weights, biases);
  const ActivationRow &f = activation_row(activation);
  if (!f.fused() || !covered(x, weights, biases)) return by_libtorch(x, weights, biases, f);
  return Linear::apply(x, weights, biases, activation);
}

}  // namespace lenet
