// torch.ops.lenet.conv_pool: a 5x5 convolution, the 2x2 max-pool after it, and perhaps a sigmoid, as one differentiable
// operator.
//
//   x       [N, in, height, width]  float32, or uint8 that stands for x / 255
//   weight  [out, in, 5, 5]         float32
//   bias    [out]                   float32
//   y       [N, out, h, w]          float32, channels last in memory; h = (height - 4) / 2, w = (width - 4) / 2, rounded down
//
// y is max_pool2d(conv2d(x, weight, bias), 2), or the sigmoid of that. What the kernels do not cover (another type or size of
// the filter) is computed just so, by libtorch's own operators. How the kernels go about it is in conv_pool_kernels.cc.
//
// Threads share a batch in parts, four for each thread, and the parts' gradients are added in their order: a result depends on
// the number of threads and not on which of them was faster.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <tuple>
#include <vector>

#include "conv_pool.h"
#include "conv_pool_kernels.h"

namespace conv_pool {
namespace {

using Tensors = std::tuple<at::Tensor, at::Tensor, at::Tensor>;

const Kernels *kernels_named(const std::string &name) {
#if defined(__x86_64__)
  if (name == "AVX512") return &kernels_avx512;
  if (name == "AVX2") return &kernels_avx2;
#endif
  return name == "DEFAULT" ? &kernels_plain : nullptr;
}

// What libtorch found this processor to have, or was told by ATEN_CPU_CAPABILITY.
const Kernels *detected() {
  const Kernels *k = kernels_named(at::get_cpu_capability());
  return k ? k : &kernels_plain;
}

const Kernels *chosen = nullptr;  // by a test

const Kernels &kernels() {
  static const Kernels *const best = detected();
  return chosen ? *chosen : *best;
}

Shape shape_of(const at::Tensor &x, const at::Tensor &weight) { return {x.size(2), x.size(3), x.size(1), weight.size(0)}; }

bool covered(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias) {
  if (!x.is_cpu() || !(x.scalar_type() == at::kFloat || x.scalar_type() == at::kByte) || x.dim() != 4) return false;
  if (weight.scalar_type() != at::kFloat || weight.dim() != 4 || weight.size(2) != kSide || weight.size(3) != kSide)
    return false;
  if (bias.scalar_type() != at::kFloat || bias.dim() != 1 || bias.size(0) != weight.size(0)) return false;
  return x.size(0) > 0 && x.size(1) == weight.size(1) && x.size(1) > 0 && weight.size(0) > 0 && x.size(2) > kSide &&
         x.size(3) > kSide;
}

at::Tensor pixels(const at::Tensor &x, const at::Tensor &weight) {
  return x.scalar_type() == at::kByte ? x.to(weight.scalar_type()).div_(255) : x;
}

at::Tensor by_libtorch(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, bool sigmoid) {
  at::Tensor y = at::max_pool2d(at::conv2d(pixels(x, weight), weight, bias), 2);
  return sigmoid ? y.sigmoid() : y;
}

at::Tensor scratch(int64_t rows, int64_t columns) { return at::empty({rows, columns}, at::kFloat); }

// How many parts to cut n samples into: some for each thread.
int64_t parts_of(int64_t n) { return std::min<int64_t>(n, 4 * at::get_num_threads()); }

// Calls body(part, first, last) for each part of n samples, on all threads. A thread takes its own share first, the same one
// each time, whose values are in its cache; then it helps the others: on a machine that is busy with other things too, one is
// always late.
template <typename Body>
void in_parts(int64_t n, int64_t parts, Body body) {
  const int64_t threads = at::get_num_threads();
  std::vector<std::atomic<int64_t>> taken(threads);
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t self = begin; self < end; self++) {
      for (int64_t i = 0; i < threads; i++) {
        const int64_t share = (self + i) % threads, last = (share + 1) * parts / threads;
        for (int64_t part; (part = share * parts / threads + taken[share]++) < last;)
          body(part, part * n / parts, (part + 1) * n / parts);
      }
    }
  });
}

// Points to sample i's values in x, as floats: its own, or a copy in image.
const float *floats(const Kernels &k, const Shape &s, const at::Tensor &x, int64_t i, float *image) {
  if (x.scalar_type() == at::kFloat) return x.const_data_ptr<float>() + i * s.image();
  k.bytes_to_image(s, x.const_data_ptr<uint8_t>() + i * s.image(), image);
  return image;
}

// Returns y, and argmax [N, out, h, w] uint8: which of the four was the largest.
std::tuple<at::Tensor, at::Tensor> forward(const at::Tensor &x_, const at::Tensor &weight, const at::Tensor &bias,
                                           bool sigmoid) {
  const Kernels &k = kernels();
  const Shape s = shape_of(x_, weight);
  const int64_t n = x_.size(0), parts = parts_of(n);
  at::Tensor x = x_.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor y = at::empty({n, s.out, s.pooled_height(), s.pooled_width()}, at::kFloat, at::MemoryFormat::ChannelsLast);
  at::Tensor argmax = at::empty_like(y, at::kByte);

  at::Tensor packed = scratch(1, k.forward_weights_size(s)), images = scratch(parts, k.image_size(s));
  k.pack_forward_weights(s, weight.contiguous().const_data_ptr<float>(), bias.contiguous().const_data_ptr<float>(),
                         packed.data_ptr<float>());
  in_parts(n, parts, [&](int64_t part, int64_t first, int64_t last) {
    float *image = images.data_ptr<float>() + part * k.image_size(s);
    for (int64_t i = first; i < last; i++) {
      float *yi = y.data_ptr<float>() + i * s.pooled();
      k.forward(s, floats(k, s, x, i, image), packed.const_data_ptr<float>(), yi, argmax.data_ptr<uint8_t>() + i * s.pooled());
      if (sigmoid) k.sigmoid(yi, s.pooled());
    }
  });
  return {y, argmax};
}

// Returns the gradients of x (undefined unless asked for), weight and bias. y is used only if there was a sigmoid.
Tensors backward(const at::Tensor &dy_, const at::Tensor &y, const at::Tensor &argmax, const at::Tensor &x_,
                 const at::Tensor &weight, bool sigmoid, bool input) {
  const Kernels &k = kernels();
  const Shape s = shape_of(x_, weight);
  const int64_t n = x_.size(0), parts = parts_of(n);
  at::Tensor dy = dy_.contiguous(at::MemoryFormat::ChannelsLast), x = x_.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor dx = input ? at::empty_like(x) : at::Tensor();
  at::Tensor dweight = at::empty(weight.sizes(), at::kFloat), dbias = at::empty({s.out}, at::kFloat);

  const int64_t dweights_size = k.weights_gradient_size(s), row = dweights_size + s.out;  // a bias's gradient at each row's end
  at::Tensor packed = scratch(1, input ? k.backward_weights_size(s) : 0), images = scratch(parts, k.image_size(s));
  at::Tensor gradients = scratch(parts, sigmoid ? s.pooled() : 0);  // of what the sigmoid was taken of
  at::Tensor dweights = at::zeros({parts, row}, at::kFloat);
  if (input) k.pack_backward_weights(s, weight.contiguous().const_data_ptr<float>(), packed.data_ptr<float>());
  in_parts(n, parts, [&](int64_t part, int64_t first, int64_t last) {
    float *image = images.data_ptr<float>() + part * k.image_size(s);
    float *sum = dweights.data_ptr<float>() + part * row;
    for (int64_t i = first; i < last; i++) {
      const float *dyi = dy.const_data_ptr<float>() + i * s.pooled();
      if (sigmoid) {
        float *gradient = gradients.data_ptr<float>() + part * s.pooled();
        k.sigmoid_gradient(y.const_data_ptr<float>() + i * s.pooled(), dyi, s.pooled(), gradient);
        dyi = gradient;
      }
      const uint8_t *argmaxi = argmax.const_data_ptr<uint8_t>() + i * s.pooled();
      if (x.scalar_type() == at::kByte) {
        k.bytes_to_image(s, x.const_data_ptr<uint8_t>() + i * s.image(), image);
      } else {
        k.floats_to_image(s, x.const_data_ptr<float>() + i * s.image(), image);
      }
      k.backward_weights(s, dyi, argmaxi, image, sum, sum + dweights_size);
      if (input) k.backward_input(s, dyi, argmaxi, packed.const_data_ptr<float>(), dx.data_ptr<float>() + i * s.image(), image);
    }
  });

  float *total = dweights.data_ptr<float>();
  for (int64_t part = 1; part < parts; part++)
    for (int64_t i = 0; i < row; i++) total[i] += total[part * row + i];
  k.unpack_weights_gradient(s, total, dweight.data_ptr<float>());
  std::copy_n(total + dweights_size, s.out, dbias.data_ptr<float>());
  return {dx, dweight, dbias};
}

// The operators are called by name, so that each device can have its own.
struct ConvPool : torch::autograd::Function<ConvPool> {
  static at::Tensor forward(torch::autograd::AutogradContext *ctx, const at::Tensor &x, const at::Tensor &weight,
                            const at::Tensor &bias, bool sigmoid) {
    at::AutoDispatchBelowADInplaceOrView below;
    static const auto op =
        c10::Dispatcher::singleton().findSchemaOrThrow("lenet::conv_pool_forward", "").typed<decltype(conv_pool::forward)>();
    auto [y, argmax] = op.call(x, weight, bias, sigmoid);
    ctx->save_for_backward({x, weight, y, argmax});
    ctx->saved_data["sigmoid"] = sigmoid;
    return y;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext *ctx, torch::autograd::tensor_list dy) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "conv_pool has no second derivative");
    static const auto op =
        c10::Dispatcher::singleton().findSchemaOrThrow("lenet::conv_pool_backward", "").typed<decltype(conv_pool::backward)>();
    auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &y = saved[2], &argmax = saved[3];
    bool sigmoid = ctx->saved_data["sigmoid"].toBool();
    auto [dx, dweight, dbias] = op.call(dy[0], y, argmax, x, weight, sigmoid, ctx->needs_input_grad(0));
    return {dx, dweight, dbias, at::Tensor()};
  }
};

}  // namespace

at::Tensor conv_pool(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, bool sigmoid) {
  if (!covered(x, weight, bias)) return by_libtorch(x, weight, bias, sigmoid);
  return ConvPool::apply(x, weight, bias, sigmoid);
}

void use_kernels(const std::string &name) {
  chosen = name.empty() ? nullptr : kernels_named(name);
  TORCH_CHECK(chosen || name.empty(), "conv_pool has no kernels for ", name);
}

TORCH_LIBRARY(lenet, m) {
  m.def("conv_pool(Tensor x, Tensor weight, Tensor bias, bool sigmoid) -> Tensor", conv_pool);
  m.def("conv_pool_forward(Tensor x, Tensor weight, Tensor bias, bool sigmoid) -> (Tensor y, Tensor argmax)");
  m.def(
      "conv_pool_backward(Tensor dy, Tensor y, Tensor argmax, Tensor x, Tensor weight, bool sigmoid, bool input) -> "
      "(Tensor dx, Tensor dweight, Tensor dbias)");
}

TORCH_LIBRARY_IMPL(lenet, CPU, m) {
  m.impl("conv_pool_forward", forward);
  m.impl("conv_pool_backward", backward);
}

}  // namespace conv_pool
