// The activations by libtorch's own operators.
#include <ATen/core/Tensor.h>
#include <ATen/ops/sigmoid_backward.h>
#include <ATen/ops/tanh_backward.h>
#include <ATen/ops/threshold_backward.h>

#include "operators.h"

namespace lenet {

at::Tensor activated(Activation f, const at::Tensor &x) {
  switch (f) {
    case Activation::kNone: return x;
    case Activation::kSigmoid: return x.sigmoid();
    case Activation::kTanh: return x.tanh();
    case Activation::kReLU: return x.relu();
  }
  TORCH_CHECK(false, "there is no activation ", static_cast<int64_t>(f));
}

void activate(Activation f, at::Tensor &x) {
  if (f == Activation::kSigmoid) x.sigmoid_();
  if (f == Activation::kTanh) x.tanh_();
  if (f == Activation::kReLU) x.relu_();
}

void through_activation(Activation f, const at::Tensor &y, at::Tensor &gradient) {
  if (f == Activation::kSigmoid) at::sigmoid_backward_out(gradient, gradient, y);
  if (f == Activation::kTanh) at::tanh_backward_out(gradient, gradient, y);
  if (f == Activation::kReLU) at::threshold_backward_out(gradient, gradient, y, 0);
}

}  // namespace lenet
