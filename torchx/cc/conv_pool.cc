// torch.ops.lenet.conv_pool: blocks of a 5x5 convolution, the 2x2 max-pool after it, and an activation, as one
// differentiable operator.
//
//   x           [N, channels 0, height, width]         float32, or uint8 that stands for x / 255
//   weights[k]  [channels k+1, channels k, 5, 5]       float32
//   biases[k]   [channels k+1]                         float32
//   y           [N, channels of the last, h, w]        float32; a block makes (side - 4) / 2, rounded down, of a side
//
// A block is max_pool2d(f(conv2d(x, weight, bias)), 2), where f is an activation. The kernels, conv_pool_kernels.cc, apply f
// after the maximum, which is the same if f is monotone. What they do not cover (another f, another type, another size of the
// filter) is computed by libtorch's own operators.
//
// A sample goes through all blocks, forward or back, before the next sample does: a block's input is then still in the cache.
// The batch is cut into parts, four for each thread, and the parts' gradients are added in order: a result depends on the
// number of threads, but not on which of them was faster. On a GPU it is cuda/conv_pool.cu.
#include <ATen/core/Tensor.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <atomic>
#include <tuple>
#include <utility>
#include <vector>

#include "dispatch.h"
#include "kept.h"
#include "kernels.h"
#include "layers.h"
#include "operators.h"
#include "parallel.h"

namespace lenet {
namespace {

// The blocks' shapes. Each has the height, width and channels of the output of the block before.
std::vector<Shape> shapes_of(const at::Tensor &x, at::TensorList weights) {
  std::vector<Shape> shapes;
  int64_t height = x.size(2), width = x.size(3);
  for (const at::Tensor &w : weights) {
    shapes.push_back({height, width, w.size(1), w.size(0)});
    height = shapes.back().pooled_height(), width = shapes.back().pooled_width();
  }
  return shapes;
}

bool covered(const at::Tensor &x, at::TensorList weights, at::TensorList biases) {
  if (!(x.scalar_type() == at::kFloat || x.scalar_type() == at::kByte) || x.dim() != 4 || x.size(0) == 0) return false;
  if (!kernels_take(x, x.size(1), 4, weights, biases)) return false;
  for (const at::Tensor &w : weights)
    if (w.size(2) != kSide || w.size(3) != kSide) return false;
  for (const Shape &s : shapes_of(x, weights))
    if (s.height <= kSide || s.width <= kSide) return false;
  static const auto covers = operator_named<bool(const at::Tensor &, at::TensorList)>("lenet::conv_pool_covers");
  return covers.call(x, weights);
}

at::Tensor by_libtorch(at::Tensor x, at::TensorList weights, at::TensorList biases, const ActivationRow &f) {
  if (x.scalar_type() == at::kByte) x = x.to(weights[0].scalar_type()).div_(255);
  for (size_t b = 0; b < weights.size(); b++) {
    x = at::conv2d(x, weights[b], biases[b]);
    x = f.monotone ? f.apply(at::max_pool2d(x, 2)) : at::max_pool2d(f.apply(x), 2);  // the former has a quarter of the values
  }
  return x;
}

at::Tensor floats(int64_t n) { return at::empty({n}, at::kFloat); }

// How many parts n samples are cut into.
int64_t parts_of(int64_t n) { return std::min<int64_t>(n, 4 * at::get_num_threads()); }

// Calls body(part, first, last) for each part of n samples, on all threads. A thread first takes its own share, the same one
// each time, whose values are in its cache. Then it helps the others: on a machine that is busy with other work too, one thread
// is always late.
template <typename Body>
void in_parts(int64_t n, int64_t parts, Body body) {
  std::vector<std::atomic<int64_t>> taken(at::get_num_threads());
  on_each_thread([&](int64_t self, int64_t threads) {
    for (int64_t i = 0; i < threads; i++) {
      const int64_t share = (self + i) % threads, last = (share + 1) * parts / threads;
      for (int64_t part; (part = share * parts / threads + taken[share]++) < last;)
        body(part, part * n / parts, (part + 1) * n / parts);
    }
  });
}

// Copies sample i of x to image, as floats with room to read past their end, and returns image.
const float *image_of(const Kernels &k, const Shape &s, const at::Tensor &x, int64_t i, float *image) {
  if (x.scalar_type() == at::kByte) {
    k.bytes_to_image(s, x.const_data_ptr<uint8_t>() + i * s.image(), image);
  } else {
    k.floats_to_image(s, x.const_data_ptr<float>() + i * s.image(), image);
  }
  return image;
}

// Writes x [places, channels] to y [channels, places].
void transpose(const float *x, int64_t places, int64_t channels, float *y) {
  for (int64_t c = 0; c < channels; c++)
    for (int64_t i = 0; i < places; i++) y[c * places + i] = x[i * channels + c];
}

// A thread works on one sample at a time, in three pieces of memory of this size: each has room for any image, y or scratch.
int64_t piece_size(const Kernels &k, const std::vector<Shape> &shapes) {
  int64_t size = 0;
  for (const Shape &s : shapes) size = std::max({size, k.image_size(s), s.pooled(), k.forward_scratch_size(s)});
  return size;
}

// Returns y, and what the gradient needs, packed. In it, channels come last: argmax [N, h, w, channels], and between [N, h, w,
// channels] with room to read past its end.
std::tuple<at::Tensor, std::vector<at::Tensor>> forward(const at::Tensor &x_, at::TensorList weights, at::TensorList biases,
                                                        int64_t activation) {
  const Kernels &k = kernels();
  const Activation f = for_kernels(activation);
  const std::vector<Shape> shapes = shapes_of(x_, weights);
  const size_t blocks = shapes.size();
  const Shape &first = shapes.front(), &last = shapes.back();
  const int64_t n = x_.size(0), parts = parts_of(n), piece = piece_size(k, shapes);
  at::Tensor x = x_.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor y = at::empty({n, last.out, last.pooled_height(), last.pooled_width()}, at::kFloat);
  at::Tensor scratch = floats(parts * 3 * piece);
  Kept kept;
  std::vector<at::Tensor> packed;
  for (size_t b = 0; b < blocks; b++) {
    kept.argmax.push_back(at::empty({n * shapes[b].pooled()}, at::kByte));
    packed.push_back(floats(k.forward_weights_size(shapes[b])));
    k.pack_forward_weights(shapes[b], weights[b].contiguous().const_data_ptr<float>(),
                           biases[b].contiguous().const_data_ptr<float>(), packed[b].data_ptr<float>());
  }
  for (size_t b = 1; b < blocks; b++) kept.between.push_back(floats((n - 1) * shapes[b].image() + k.image_size(shapes[b])));

  in_parts(n, parts, [&](int64_t part, int64_t begin, int64_t end) {
    float *image = scratch.data_ptr<float>() + part * 3 * piece, *out = image + piece, *for_kernel = out + piece;
    for (int64_t i = begin; i < end; i++) {
      const float *xi = image_of(k, first, x, i, image);
      for (size_t b = 0; b < blocks; b++) {
        const Shape &s = shapes[b];
        float *yi = b + 1 < blocks ? kept.between[b].data_ptr<float>() + i * s.pooled() : out;
        k.forward(s, xi, packed[b].const_data_ptr<float>(), yi, kept.argmax[b].data_ptr<uint8_t>() + i * s.pooled(),
                  for_kernel);
        k.activate(f, yi, s.pooled());
        xi = yi;
      }
      transpose(out, last.pooled() / last.out, last.out, y.data_ptr<float>() + i * last.pooled());
    }
  });
  return {y, kept.packed()};
}

// kept is from forward.
Gradients backward(const at::Tensor &dy_, const at::Tensor &y, const at::Tensor &x_, at::TensorList weights,
                   at::TensorList kept_, int64_t activation, bool input) {
  const Kernels &k = kernels();
  const Activation f = for_kernels(activation);
  const std::vector<Shape> shapes = shapes_of(x_, weights);
  const size_t blocks = shapes.size();
  const Shape &first = shapes.front(), &last = shapes.back();
  const int64_t n = x_.size(0), parts = parts_of(n), piece = piece_size(k, shapes);
  const Kept kept = Kept::unpacked(kept_);
  at::Tensor dy = dy_.contiguous(), x = x_.contiguous(at::MemoryFormat::ChannelsLast);
  at::Tensor dx = input ? at::empty_like(x) : at::Tensor();
  at::Tensor scratch = floats(parts * 3 * piece);
  std::vector<at::Tensor> packed(blocks);
  std::vector<int64_t> at_block{0};  // where in a row of sums a block's gradients begin: of its weights, then of its biases
  for (size_t b = 0; b < blocks; b++) {
    at_block.push_back(at_block[b] + k.weights_gradient_size(shapes[b]) + shapes[b].out);
    if (b == 0 && !input) continue;
    packed[b] = floats(k.backward_weights_size(shapes[b]));
    k.pack_backward_weights(shapes[b], weights[b].contiguous().const_data_ptr<float>(), packed[b].data_ptr<float>());
  }
  const int64_t row = at_block[blocks];
  at::Tensor sums = at::zeros({parts * row}, at::kFloat);

  in_parts(n, parts, [&](int64_t part, int64_t begin, int64_t end) {
    float *sum = sums.data_ptr<float>() + part * row;
    float *image = scratch.data_ptr<float>() + part * 3 * piece, *gradient = image + piece, *next = gradient + piece;
    for (int64_t i = begin; i < end; i++) {
      const float *dyi = dy.const_data_ptr<float>() + i * last.pooled();
      if (f != Activation::kNone) {
        k.activation_gradient(f, y.const_data_ptr<float>() + i * last.pooled(), dyi, last.pooled(), next);
        dyi = next;
      }
      transpose(dyi, last.out, last.pooled() / last.out, gradient);
      for (size_t b = blocks; b-- > 0;) {
        const Shape &s = shapes[b];
        const uint8_t *argmax = kept.argmax[b].const_data_ptr<uint8_t>() + i * s.pooled();
        const float *xi = b ? kept.between[b - 1].const_data_ptr<float>() + i * s.image() : image_of(k, s, x, i, image);
        k.backward_weights(s, gradient, argmax, xi, sum + at_block[b], sum + at_block[b + 1] - s.out);
        if (b == 0 && !input) break;
        k.backward_input(s, gradient, argmax, packed[b].const_data_ptr<float>(), next);
        if (b && f != Activation::kNone) k.activation_gradient(f, xi, next, s.image(), next);
        std::swap(gradient, next);
      }
      if (input) std::copy_n(gradient, first.image(), dx.data_ptr<float>() + i * first.image());
    }
  });

  float *total = sums.data_ptr<float>();
  for (int64_t part = 1; part < parts; part++)
    for (int64_t i = 0; i < row; i++) total[i] += total[part * row + i];
  std::vector<at::Tensor> dweights, dbiases;
  for (size_t b = 0; b < blocks; b++) {
    dweights.push_back(at::empty(weights[b].sizes(), at::kFloat));
    k.unpack_weights_gradient(shapes[b], total + at_block[b], dweights[b].data_ptr<float>());
    dbiases.push_back(floats(shapes[b].out));
    std::copy_n(total + at_block[b + 1] - shapes[b].out, shapes[b].out, dbiases[b].data_ptr<float>());
  }
  return {dx, std::move(dweights), std::move(dbiases)};
}

struct ConvPool : torch::autograd::Function<ConvPool> {
  static at::Tensor forward(torch::autograd::AutogradContext *ctx, const at::Tensor &x, at::TensorList weights,
                            at::TensorList biases, int64_t activation) {
    at::AutoDispatchBelowADInplaceOrView below;
    static const auto op = operator_named<decltype(lenet::forward)>("lenet::conv_pool_forward");
    auto [y, kept] = op.call(x, weights, biases, activation);
    torch::autograd::variable_list saved{x, y};
    saved.insert(saved.end(), weights.begin(), weights.end());
    saved.insert(saved.end(), kept.begin(), kept.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["blocks"] = static_cast<int64_t>(weights.size());
    ctx->saved_data["activation"] = activation;
    return y;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext *ctx, torch::autograd::tensor_list dy) {
    TORCH_CHECK(!at::GradMode::is_enabled(), "conv_pool has no second derivative");
    static const auto op = operator_named<decltype(lenet::backward)>("lenet::conv_pool_backward");
    const auto saved = ctx->get_saved_variables();
    const size_t blocks = ctx->saved_data["blocks"].toInt();
    const at::TensorList all(saved), weights = all.slice(2, blocks), kept = all.slice(2 + blocks);
    return in_order_of_arguments(
        op.call(dy[0], all[1], all[0], weights, kept, ctx->saved_data["activation"].toInt(), ctx->needs_input_grad(0)));
  }
};

TORCH_LIBRARY_FRAGMENT(lenet, m) {
  m.def("conv_pool(Tensor x, Tensor[] weights, Tensor[] biases, int activation) -> Tensor", conv_pool);
  m.def("conv_pool_covers(Tensor x, Tensor[] weights) -> bool");
  m.def("conv_pool_forward(Tensor x, Tensor[] weights, Tensor[] biases, int activation) -> (Tensor y, Tensor[] kept)");
  m.def(
      "conv_pool_backward(Tensor dy, Tensor y, Tensor x, Tensor[] weights, Tensor[] kept, int activation, bool input) -> "
      "(Tensor dx, Tensor[] dweights, Tensor[] dbiases)");
}

TORCH_LIBRARY_IMPL(lenet, CPU, m) {
  m.impl("conv_pool_covers", [](const at::Tensor &, at::TensorList) { return true; });
  m.impl("conv_pool_forward", forward);
  m.impl("conv_pool_backward", backward);
}

}  // namespace

at::Tensor conv_pool(const at::Tensor &x, at::TensorList weights, at::TensorList biases, int64_t activation) {
  check_layers("conv_pool", weights, biases);
  const ActivationRow &f = activation_row(activation);
  if (!f.fused() || !covered(x, weights, biases)) return by_libtorch(x, weights, biases, f);
  return ConvPool::apply(x, weights, biases, activation);
}

}  // namespace lenet
