// The operators of conv_pool.cc, linear.cc, cross_entropy.cc and accumulator.cc on a GPU: memory and shapes here, the work in
// the kernels.
//
// Compiled with LENET_EMULATED, this file registers the same code, with the kernels on the emulator, for tensors on the CPU.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include <tuple>
#include <utility>
#include <vector>

#include "../kept.h"
#include "../layers.h"
#include "kernels.h"

#ifdef LENET_EMULATED
#define LENET_DEVICE CPU
#else
#include <c10/cuda/CUDAStream.h>
#define LENET_DEVICE CUDA
#endif

namespace lenet::cuda {
namespace {

cudaStream_t stream() {
#ifdef LENET_EMULATED
  return nullptr;
#else
  return c10::cuda::getCurrentCUDAStream();
#endif
}

std::vector<Block> blocks_of(const at::Tensor &x, at::TensorList weights) {
  std::vector<Block> blocks;
  int height = x.size(2), width = x.size(3);
  for (const at::Tensor &w : weights) {
    blocks.push_back({static_cast<int>(x.size(0)), height, width, static_cast<int>(w.size(1)), static_cast<int>(w.size(0))});
    height = blocks.back().pooled_height(), width = blocks.back().pooled_width();
  }
  return blocks;
}

bool conv_pool_covers(const at::Tensor &x, at::TensorList weights) {
  for (const Block &b : blocks_of(x, weights))
    if (!cuda::conv_pool_covers(b)) return false;
  return true;
}

// Returns y and, packed, what the gradient needs.
std::tuple<at::Tensor, std::vector<at::Tensor>> conv_pool_forward(const at::Tensor &x_, at::TensorList weights,
                                                                  at::TensorList biases, int64_t activation) {
  c10::DeviceGuard guard(x_.device());
  const Activation f = for_kernels(activation);
  const std::vector<Block> blocks = blocks_of(x_, weights);
  Kept kept;
  at::Tensor x = x_.contiguous();
  for (size_t b = 0; b < blocks.size(); b++) {
    const Block &s = blocks[b];
    at::Tensor y = at::empty({s.n, s.out, s.pooled_height(), s.pooled_width()}, weights[b].options());
    kept.argmax.push_back(at::empty(y.sizes(), y.options().dtype(at::kByte)));
    cuda::conv_pool_forward(s, x.const_data_ptr(), x.scalar_type() == at::kByte,
                            weights[b].contiguous().const_data_ptr<float>(), biases[b].contiguous().const_data_ptr<float>(), f,
                            y.data_ptr<float>(), kept.argmax[b].data_ptr<uint8_t>(), stream());
    if (b + 1 < blocks.size()) kept.between.push_back(y);
    x = y;
  }
  return {x, kept.packed()};
}

Gradients conv_pool_backward(const at::Tensor &dy, const at::Tensor &y, const at::Tensor &x, at::TensorList weights,
                             at::TensorList kept_, int64_t activation, bool input) {
  c10::DeviceGuard guard(x.device());
  const Activation f = for_kernels(activation);
  const Kept kept = Kept::unpacked(kept_);
  const std::vector<Block> blocks = blocks_of(x, weights);
  const int parts = conv_pool_parts(x.size(0));
  std::vector<int> begin{0};  // of a block's gradients in a row of sums: of its weights, then of its biases
  for (const Block &s : blocks) begin.push_back(begin.back() + s.weights() + s.out);
  const at::TensorOptions options = weights[0].options();
  at::Tensor sums = at::empty({parts, begin.back()}, options), total = at::empty({begin.back()}, options);
  at::Tensor gradient = dy.contiguous();
  for (size_t b = blocks.size(); b-- > 0;) {
    const Block &s = blocks[b];
    const at::Tensor in = (b ? kept.between[b - 1] : x).contiguous();
    const at::Tensor &out = b + 1 < blocks.size() ? kept.between[b] : y;
    at::Tensor dx = b || input ? at::empty(in.sizes(), options) : at::Tensor();
    cuda::conv_pool_backward(
        s, in.const_data_ptr(), in.scalar_type() == at::kByte, weights[b].contiguous().const_data_ptr<float>(), f,
        out.const_data_ptr<float>(), kept.argmax[b].const_data_ptr<uint8_t>(), gradient.const_data_ptr<float>(),
        dx.defined() ? dx.data_ptr<float>() : nullptr, sums.data_ptr<float>() + begin[b], begin.back(), stream());
    gradient = dx;
  }
  add_parts(sums.const_data_ptr<float>(), parts, begin.back(), total.data_ptr<float>(), stream());
  std::vector<at::Tensor> dweights, dbiases;
  for (size_t b = 0; b < blocks.size(); b++) {
    dweights.push_back(total.narrow(0, begin[b], blocks[b].weights()).view(weights[b].sizes()));
    dbiases.push_back(total.narrow(0, begin[b] + blocks[b].weights(), blocks[b].out));
  }
  return {gradient, std::move(dweights), std::move(dbiases)};
}

// The layers, and their weights, contiguous, for as long as the kernels may need them: until the stream reuses the memory.
Layers layers_of(const at::Tensor &x, at::TensorList weights, int64_t activation, std::vector<at::Tensor> &held) {
  const Activation f = for_kernels(activation);
  Layers l{static_cast<int>(x.size(0)), static_cast<int>(weights.size()), f, {static_cast<int>(x.numel() / x.size(0))}, {}};
  for (size_t i = 0; i < weights.size(); i++) {
    held.push_back(weights[i].contiguous());
    l.weight[i] = held.back().const_data_ptr<float>();
    l.features[i + 1] = weights[i].size(0);
  }
  return l;
}

template <typename Pointer>
void point(Pointer &pointers, size_t i, const at::Tensor &t) {
  pointers.at[i] = t.data_ptr<float>();
}

bool linear_covers(const at::Tensor &x, at::TensorList weights) {
  bool fits = weights.size() <= kMostLayers && x.numel() / x.size(0) <= kMostFeatures;
  for (const at::Tensor &w : weights) fits = fits && w.size(0) <= kMostFeatures;
  return fits;
}

std::vector<at::Tensor> linear_forward(const at::Tensor &x_, at::TensorList weights, at::TensorList biases,
                                       int64_t activation) {
  c10::DeviceGuard guard(x_.device());
  std::vector<at::Tensor> held, outputs;
  const at::Tensor x = x_.contiguous();
  const Layers l = layers_of(x, weights, activation, held);
  Pointers bias{};
  Targets output{};
  for (size_t i = 0; i < weights.size(); i++) {
    outputs.push_back(at::empty({x.size(0), weights[i].size(0)}, x.options()));
    point(output, i, outputs[i]);
    held.push_back(biases[i].contiguous());
    point(bias, i, held.back());
  }
  cuda::linear_forward(l, x.const_data_ptr<float>(), bias, output, stream());
  return outputs;
}

Gradients linear_backward(const at::Tensor &dy_, at::TensorList inputs, at::TensorList weights, int64_t activation,
                          bool input) {
  c10::DeviceGuard guard(dy_.device());
  const size_t layers = weights.size();
  std::vector<at::Tensor> held, dweights, dbiases, gradients;  // gradients: of each layer's output, before its activation
  const at::Tensor dy = dy_.contiguous(), x = inputs[0].contiguous();
  at::Tensor dx = input ? at::empty_like(x) : at::Tensor();
  const Layers l = layers_of(x, weights, activation, held);
  Pointers in{}, gradient_in{};
  Targets gradient{}, dweight{}, dbias{};
  for (size_t i = 0; i < layers; i++) {
    point(in, i, i ? inputs[i] : x);
    gradients.push_back(i + 1 < layers ? at::empty_like(inputs[i + 1]) : dy);
    point(gradient, i, gradients[i]);
    point(gradient_in, i, gradients[i]);
    dweights.push_back(at::empty(weights[i].sizes(), weights[i].options()));
    dbiases.push_back(at::empty({weights[i].size(0)}, weights[i].options()));
    point(dweight, i, dweights[i]);
    point(dbias, i, dbiases[i]);
  }
  linear_backward_inputs(l, in, dy.const_data_ptr<float>(), gradient, input ? dx.data_ptr<float>() : nullptr, stream());
  linear_backward_weights(l, in, gradient_in, dweight, dbias, stream());
  return {dx, std::move(dweights), std::move(dbiases)};
}

std::tuple<at::Tensor, at::Tensor> cross_entropy_forward(const at::Tensor &logits_, const at::Tensor &labels,
                                                         double smoothing) {
  c10::DeviceGuard guard(logits_.device());
  const at::Tensor logits = logits_.contiguous();
  at::Tensor loss = at::empty({}, logits.options()), gradient = at::empty_like(logits);
  cross_entropy(logits.size(0), logits.size(1), smoothing, logits.const_data_ptr<float>(),
                labels.contiguous().const_data_ptr<uint8_t>(), loss.data_ptr<float>(), gradient.data_ptr<float>(), stream());
  return {loss, gradient};
}

void accumulate(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits_, const at::Tensor &labels) {
  c10::DeviceGuard guard(sums.device());
  const at::Tensor logits = logits_.contiguous();
  cuda::accumulate(logits.size(0), logits.size(1), loss.const_data_ptr<float>(), logits.const_data_ptr<float>(),
                   labels.contiguous().const_data_ptr<uint8_t>(), sums.data_ptr<double>(), stream());
}

TORCH_LIBRARY_IMPL(lenet, LENET_DEVICE, m) {
  m.impl("conv_pool_covers", conv_pool_covers);
  m.impl("conv_pool_forward", conv_pool_forward);
  m.impl("conv_pool_backward", conv_pool_backward);
  m.impl("linear_covers", linear_covers);
  m.impl("linear_forward", linear_forward);
  m.impl("linear_backward", linear_backward);
  m.impl("cross_entropy_forward", cross_entropy_forward);
  m.impl("accumulate", accumulate);
}

}  // namespace
}  // namespace lenet::cuda
