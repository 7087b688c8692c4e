// The network of network.cc, the update of optimizer.cc and the accumulator of accumulator.cc on a GPU: memory and shapes here,
// the work in the kernels.
//
// Compiled with LENET_EMULATED, this file registers the same code, with the kernels on the emulator, for tensors on the CPU.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/DeviceGuard.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "../operators.h"
#include "accumulate.h"
#include "kernels.h"
#include "on_device.h"

#ifndef LENET_EMULATED
#include <c10/cuda/CUDAException.h>
#endif

namespace lenet::cuda {
namespace {

// The current device.
Device device() {
#ifdef LENET_EMULATED
  return {static_cast<int>(shared_limit()), 3, compute_capability() / 10, true};
#else
  Device d{};
  int index = 0;
  C10_CUDA_CHECK(cudaGetDevice(&index));
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&d.shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, index));
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&d.multiprocessors, cudaDevAttrMultiProcessorCount, index));
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&d.major, cudaDevAttrComputeCapabilityMajor, index));
  int together = 0;
  C10_CUDA_CHECK(cudaDeviceGetAttribute(&together, cudaDevAttrCooperativeLaunch, index));
  d.together = together != 0;
  return d;
#endif
}

// LeNet's parameters come as weight and bias of each convolution and then of each linear layer.
template <typename T, typename F>
Each<T> each(F f) {
  Each<T> all{};
  for (int layer = 0; layer < kLayers; layer++) all.weight[layer] = f(2 * layer), all.bias[layer] = f(2 * layer + 1);
  return all;
}

Each<float *> each_of(at::TensorList tensors) {
  return each<float *>([&](int i) { return tensors.empty() ? nullptr : tensors[i].data_ptr<float>(); });
}

int size(const at::Tensor &t, int64_t dim) { return static_cast<int>(t.size(dim)); }

Sizes sizes_of(int64_t rows, int64_t cols, at::TensorList params) {
  return {static_cast<int>(rows), static_cast<int>(cols), size(params[0], 0), size(params[2], 0),
          size(params[4], 0),     size(params[6], 0),     size(params[8], 0)};
}

Network network_of(const at::Tensor &images, at::TensorList params, int64_t activation, double label_smoothing) {
  TORCH_CHECK(has_formula(Activation{activation}), "the kernels have no activation number ", activation);
  return {sizes_of(images.size(2), images.size(3), params),
          each<const float *>([&](int i) { return params[i].const_data_ptr<float>(); }), Activation{activation},
          static_cast<float>(label_smoothing)};
}

bool covers_tensors(int64_t rows, int64_t cols, at::TensorList params) {
  c10::DeviceGuard guard(params[0].device());
  return covers(sizes_of(rows, cols, params), device());
}

// Memory for what a pass over n images leaves. It may be used for other work behind this one on the stream as soon as it is
// freed.
struct Memory {
  Memory(const Network &net, int64_t n, const at::Tensor &like)
      : bytes(at::empty({static_cast<int64_t>(pass_size(net.sizes, checked(net.sizes, n)))}, like.options().dtype(at::kByte))),
        pass(pass_in(bytes.data_ptr(), net.sizes, n)) {}

  // The kernels count a batch's values by int32.
  static int64_t checked(const Sizes &s, int64_t n) {
    const int64_t widest = std::max(
        {s.channels2 * static_cast<int64_t>(s.rows) * s.cols / 16, int64_t{s.hidden1}, int64_t{s.hidden2}, int64_t{s.classes}});
    TORCH_CHECK(n <= std::numeric_limits<int32_t>::max() / (widest + 4), "a batch of ", n,
                " images is too large for the kernels");
    return n;
  }

  at::Tensor bytes;
  Pass pass;
};

Batch batch_of(const at::Tensor &images, const at::Tensor &labels, const std::optional<at::Tensor> &order, int64_t first,
               int64_t n) {
  return {images.const_data_ptr<uint8_t>(), labels.const_data_ptr<uint8_t>(),
          order ? order->const_data_ptr<int32_t>() : nullptr, first, static_cast<int>(n)};
}

at::Tensor logits_of(const at::Tensor &images, at::TensorList params, int64_t activation) {
  c10::DeviceGuard guard(images.device());
  const Network net = network_of(images, params, activation, 0);
  const Memory memory(net, 0, images);
  const at::Tensor to = at::empty({images.size(0), net.sizes.classes}, params[0].options());
  logits(device(), net, {images.const_data_ptr<uint8_t>(), nullptr, nullptr, 0, size(images, 0)}, memory.pass,
         to.data_ptr<float>(), current_stream());
  return to;
}

void evaluate_tensors(const at::Tensor &images, const at::Tensor &labels, const std::optional<at::Tensor> &order, int64_t first,
                      int64_t n, at::TensorList params, int64_t activation, at::Tensor &sums) {
  c10::DeviceGuard guard(images.device());
  const Network net = network_of(images, params, activation, 0);
  const Memory memory(net, 0, images);
  evaluate(device(), net, batch_of(images, labels, order, first, n), memory.pass, sums.data_ptr<double>(), current_stream());
}

std::vector<at::Tensor> differentiate_tensors(const at::Tensor &images, const at::Tensor &labels, at::TensorList params,
                                              int64_t activation, double label_smoothing, at::Tensor &sums) {
  c10::DeviceGuard guard(images.device());
  const Network net = network_of(images, params, activation, label_smoothing);
  const Memory memory(net, images.size(0), images);
  std::vector<at::Tensor> gradients;
  for (const at::Tensor &p : params) gradients.push_back(at::empty_like(p));
  differentiate(device(), net, batch_of(images, labels, {}, 0, images.size(0)), memory.pass, each_of(gradients),
                sums.data_ptr<double>(), current_stream());
  return gradients;
}

Rule rule_named(c10::string_view name) {
  return name == "sgd" ? Rule::kSGD : name == "adam" ? Rule::kAdam : name == "adamw" ? Rule::kAdamW : Rule::kNone;
}

bool has_rule(c10::string_view name) { return rule_named(name) != Rule::kNone; }

bool updates(at::TensorList params, c10::string_view rule) {
  c10::DeviceGuard guard(params[0].device());
  return params.size() == 2 * kLayers && has_rule(rule) && device().together;
}

// settings and states are as optimizer.cc has them.
Update update_of(at::TensorList params, const at::Tensor &rates, c10::string_view rule, c10::ArrayRef<double> settings,
                 at::TensorList momentum, at::TensorList square, at::TensorList step, at::TensorList average) {
  TORCH_CHECK(has_rule(rule) && settings.size() == 7, "the kernels have no optimizer ", rule);
  for (const at::TensorList &states : {momentum, square, step, average})
    TORCH_CHECK(states.empty() || states.size() == params.size(), "an optimizer of other parameters");
  Update u{};
  u.rule = rule_named(rule);
  u.weight_decay = settings[0], u.momentum = settings[1], u.nesterov = settings[2] != 0;
  u.beta1 = settings[3], u.beta2 = settings[4], u.log_beta1 = std::log(settings[3]), u.log_beta2 = std::log(settings[4]);
  u.epsilon = settings[5], u.average = settings[6];
  u.learning_rate = rates.const_data_ptr<float>();
  u.value = each_of(params), u.momentum_or_first = each_of(momentum), u.second = each_of(square), u.step = each_of(step);
  u.averages = each_of(average);
  return u;
}

void train_tensors(const at::Tensor &images, const at::Tensor &labels, const std::optional<at::Tensor> &order, int64_t first,
                   int64_t n, int64_t batch_size, at::TensorList params, int64_t activation, double label_smoothing,
                   const at::Tensor &rates, c10::string_view rule, c10::ArrayRef<double> settings, at::TensorList momentum,
                   at::TensorList square, at::TensorList step, at::TensorList average, at::Tensor &sums) {
  c10::DeviceGuard guard(images.device());
  const Network net = network_of(images, params, activation, label_smoothing);
  const Memory memory(net, std::min(n, batch_size), images);
  train(device(), net, batch_of(images, labels, order, first, n),
        static_cast<int>(std::min<int64_t>(batch_size, std::numeric_limits<int32_t>::max())), memory.pass,
        update_of(params, rates, rule, settings, momentum, square, step, average), sums.data_ptr<double>(), current_stream());
}

void update_tensors(at::TensorList params, at::TensorList gradients, const at::Tensor &rate, c10::string_view rule,
                    c10::ArrayRef<double> settings, at::TensorList momentum, at::TensorList square, at::TensorList step,
                    at::TensorList average) {
  c10::DeviceGuard guard(rate.device());
  update(each<int>([&](int i) { return static_cast<int>(params[i].numel()); }),
         each<const float *>([&](int i) { return gradients[i].const_data_ptr<float>(); }),
         update_of(params, rate, rule, settings, momentum, square, step, average), current_stream());
}

void accumulate_tensors(at::Tensor &sums, const at::Tensor &loss, const at::Tensor &logits_, const at::Tensor &labels) {
  c10::DeviceGuard guard(sums.device());
  const at::Tensor logits = logits_.contiguous();
  accumulate(size(logits, 0), size(logits, 1), loss.const_data_ptr<float>(), logits.const_data_ptr<float>(),
             labels.contiguous().const_data_ptr<uint8_t>(), sums.data_ptr<double>(), current_stream());
}

TORCH_LIBRARY_IMPL(lenet, LENET_DEVICE, m) {
  m.impl("covers", covers_tensors);
  m.impl("logits", logits_of);
  m.impl("evaluate", evaluate_tensors);
  m.impl("differentiate", differentiate_tensors);
  m.impl("train", train_tensors);
  m.impl("updates", updates);
  m.impl("update", update_tensors);
  m.impl("accumulate", accumulate_tensors);
}

}  // namespace
}  // namespace lenet::cuda
