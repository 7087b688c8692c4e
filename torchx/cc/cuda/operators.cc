// The network of network.cc and the accumulator of accumulator.cc on a GPU: memory and shapes here, the work in the kernels.
//
// Compiled with LENET_EMULATED, this file registers the same code, with the kernels on the emulator, for tensors on the CPU.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include <vector>

#include "../operators.h"
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

// LeNet's parameters come as weight and bias of each convolution and then of each linear layer.
constexpr size_t kConvolutions = 2, kLinears = 3;

at::TensorList convolutions(at::TensorList params) { return params.slice(0, 2 * kConvolutions); }
at::TensorList linears(at::TensorList params) { return params.slice(2 * kConvolutions); }

std::vector<Block> blocks_of(int64_t n, int64_t height, int64_t width, at::TensorList params) {
  std::vector<Block> blocks;
  for (size_t b = 0; b < kConvolutions; b++) {
    const at::Tensor &w = params[2 * b];
    blocks.push_back({static_cast<int>(n), static_cast<int>(height), static_cast<int>(width), static_cast<int>(w.size(1)),
                      static_cast<int>(w.size(0))});
    height = blocks.back().pooled_height(), width = blocks.back().pooled_width();
  }
  return blocks;
}

std::vector<Block> blocks_of(const at::Tensor &images, at::TensorList params) {
  return blocks_of(images.size(0), images.size(2), images.size(3), params);
}

bool covers(int64_t rows, int64_t cols, at::TensorList params) {
  for (const Block &b : blocks_of(1, rows, cols, params))
    if (!conv_pool_covers(b)) return false;
  for (const at::Tensor &p : linears(params))
    if (p.size(0) > kMostFeatures || p.size(-1) > kMostFeatures) return false;
  return true;
}

Activation for_kernels(int64_t number) {
  TORCH_CHECK(has_formula(Activation{number}), "the kernels have no activation number ", number);
  return Activation{number};
}

// What a forward pass leaves for the gradients.
struct Pass {
  std::vector<at::Tensor> y, argmax;  // of each convolution: its output, and which of the four was the largest
  std::vector<at::Tensor> outputs;    // of each linear layer, after its activation where it has one
};

void convolve(const at::Tensor &images, at::TensorList params, Activation f, Pass &pass) {
  const std::vector<Block> blocks = blocks_of(images, params);
  at::Tensor x = images;
  for (size_t b = 0; b < kConvolutions; b++) {
    const Block &s = blocks[b];
    const at::Tensor &weight = params[2 * b], &bias = params[2 * b + 1];
    at::Tensor y = at::empty({s.n, s.out, s.pooled_height(), s.pooled_width()}, weight.options());
    at::Tensor argmax = at::empty(y.sizes(), y.options().dtype(at::kByte));
    conv_pool_forward(s, x.const_data_ptr(), b == 0, weight.const_data_ptr<float>(), bias.const_data_ptr<float>(), f,
                      y.data_ptr<float>(), argmax.data_ptr<uint8_t>(), stream());
    pass.y.push_back(y), pass.argmax.push_back(argmax);
    x = y;
  }
}

// The gradients of both convolutions' parameters, from that of the last one's output.
std::vector<at::Tensor> convolve_backward(at::Tensor gradient, const at::Tensor &images, at::TensorList params, Activation f,
                                          const Pass &pass) {
  const std::vector<Block> blocks = blocks_of(images, params);
  const int parts = conv_pool_parts(images.size(0));
  std::vector<int> begin{0};  // of a block's gradients in a row of sums: of its weights, then of its biases
  for (const Block &s : blocks) begin.push_back(begin.back() + s.weights() + s.out);
  const at::TensorOptions options = params[0].options();
  at::Tensor sums = at::empty({parts, begin.back()}, options), total = at::empty({begin.back()}, options);
  for (size_t b = kConvolutions; b-- > 0;) {
    const at::Tensor in = b ? pass.y[b - 1] : images;
    at::Tensor dx = b ? at::empty(in.sizes(), options) : at::Tensor();
    conv_pool_backward(blocks[b], in.const_data_ptr(), b == 0, params[2 * b].const_data_ptr<float>(), f,
                       pass.y[b].const_data_ptr<float>(), pass.argmax[b].const_data_ptr<uint8_t>(),
                       gradient.const_data_ptr<float>(), b ? dx.data_ptr<float>() : nullptr, sums.data_ptr<float>() + begin[b],
                       begin.back(), stream());
    gradient = dx;
  }
  add_parts(sums.const_data_ptr<float>(), parts, begin.back(), total.data_ptr<float>(), stream());
  std::vector<at::Tensor> gradients;
  for (size_t b = 0; b < kConvolutions; b++) {
    gradients.push_back(total.narrow(0, begin[b], blocks[b].weights()).view(params[2 * b].sizes()));
    gradients.push_back(total.narrow(0, begin[b] + blocks[b].weights(), blocks[b].out));
  }
  return gradients;
}

// params are the linear layers'.
Layers layers_of(int64_t n, at::TensorList params, Activation f) {
  Layers l{static_cast<int>(n), static_cast<int>(kLinears), f, {static_cast<int>(params[0].size(1))}, {}};
  for (size_t i = 0; i < kLinears; i++) {
    l.weight[i] = params[2 * i].const_data_ptr<float>();
    l.features[i + 1] = static_cast<int>(params[2 * i].size(0));
  }
  return l;
}

void linear(at::TensorList params, Activation f, Pass &pass) {
  const at::Tensor &x = pass.y.back();
  Pointers bias{};
  Targets output{};
  for (size_t i = 0; i < kLinears; i++) {
    bias.at[i] = params[2 * i + 1].const_data_ptr<float>();
    pass.outputs.push_back(at::empty({x.size(0), params[2 * i].size(0)}, x.options()));
    output.at[i] = pass.outputs[i].data_ptr<float>();
  }
  linear_forward(layers_of(x.size(0), params, f), x.const_data_ptr<float>(), bias, output, stream());
}

// Adds to gradients those of the linear layers' parameters. Returns that of their input.
at::Tensor linear_backward(const at::Tensor &dlogits, at::TensorList params, Activation f, const Pass &pass,
                           std::vector<at::Tensor> &gradients) {
  const at::Tensor &x = pass.y.back();
  at::Tensor dx = at::empty_like(x);
  const Layers l = layers_of(x.size(0), params, f);
  std::vector<at::Tensor> held;  // the gradients of the layers' outputs, before their activations
  Pointers in{}, gradient_in{};
  Targets gradient{}, dweight{}, dbias{};
  for (size_t i = 0; i < kLinears; i++) {
    in.at[i] = (i ? pass.outputs[i - 1] : x).const_data_ptr<float>();
    held.push_back(i + 1 < kLinears ? at::empty_like(pass.outputs[i]) : dlogits);
    gradient.at[i] = held[i].data_ptr<float>();
    gradient_in.at[i] = gradient.at[i];
    for (const at::Tensor &p : params.slice(2 * i, 2)) gradients.push_back(at::empty(p.sizes(), p.options()));
    dweight.at[i] = gradients[gradients.size() - 2].data_ptr<float>();
    dbias.at[i] = gradients.back().data_ptr<float>();
  }
  linear_backward_inputs(l, in, dlogits.const_data_ptr<float>(), gradient, dx.data_ptr<float>(), stream());
  linear_backward_weights(l, in, gradient_in, dweight, dbias, stream());
  return dx;
}

Pass forward(const at::Tensor &images, at::TensorList params, Activation f) {
  Pass pass;
  convolve(images, params, f, pass);
  linear(linears(params), f, pass);
  return pass;
}

at::Tensor logits(const at::Tensor &images, at::TensorList params, int64_t activation) {
  c10::DeviceGuard guard(images.device());
  return forward(images, params, for_kernels(activation)).outputs.back();
}

void accumulate(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits_, const at::Tensor &labels) {
  c10::DeviceGuard guard(sums.device());
  const at::Tensor logits = logits_.contiguous();
  cuda::accumulate(logits.size(0), logits.size(1), loss.const_data_ptr<float>(), logits.const_data_ptr<float>(),
                   labels.contiguous().const_data_ptr<uint8_t>(), sums.data_ptr<double>(), stream());
}

std::vector<at::Tensor> step(const at::Tensor &images, const at::Tensor &labels, at::TensorList params, int64_t activation,
                             bool backward, double label_smoothing, at::Tensor &sums) {
  c10::DeviceGuard guard(images.device());
  const Activation f = for_kernels(activation);
  const Pass pass = forward(images, params, f);
  const at::Tensor &logits = pass.outputs.back();
  at::Tensor loss = at::empty({}, logits.options()), dlogits = at::empty_like(logits);
  cross_entropy(logits.size(0), logits.size(1), label_smoothing, logits.const_data_ptr<float>(),
                labels.const_data_ptr<uint8_t>(), loss.data_ptr<float>(), dlogits.data_ptr<float>(), stream());
  accumulate(sums, loss, logits, labels);
  if (!backward) return {};
  std::vector<at::Tensor> of_linears;
  const at::Tensor gradient = linear_backward(dlogits, linears(params), f, pass, of_linears);
  std::vector<at::Tensor> gradients = convolve_backward(gradient, images, convolutions(params), f, pass);
  gradients.insert(gradients.end(), of_linears.begin(), of_linears.end());
  return gradients;
}

TORCH_LIBRARY_IMPL(lenet, LENET_DEVICE, m) {
  m.impl("covers", covers);
  m.impl("logits", logits);
  m.impl("step", step);
  m.impl("accumulate", accumulate);
}

}  // namespace
}  // namespace lenet::cuda
