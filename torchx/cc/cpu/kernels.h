// The CPU kernels of a training step: functions on arrays that know nothing of libtorch. kernels.cc is compiled once for each
// kind of vector instructions, in a namespace of its own; a table of functions is all that leaves it.
#pragma once

#include <stdint.h>

#include "activation.h"

namespace lenet {

constexpr int64_t kSide = 5;  // of the convolutions
constexpr int kConvolutions = 2, kLinears = 3;
constexpr int kMostClasses = 256;  // that a label, a byte, can name

// A convolution and the 2x2 max-pool after it, of an image with the channels last:
//
//   x  [height, width, in]
//   y  [h, w, out]           h = (height - 4) / 2, w = (width - 4) / 2, rounded down
//
//   y[p, q, o] = bias[o] + max over r, s in {0, 1} of  sum over i, j < 5, c < in of  x[2p+r+i, 2q+s+j, c] * weight[o, c, i, j]
struct Shape {
  int64_t height, width, in, out;

  int64_t pooled_height() const { return (height - kSide + 1) / 2; }
  int64_t pooled_width() const { return (width - kSide + 1) / 2; }
  int64_t places() const { return pooled_height() * pooled_width(); }
  int64_t pooled() const { return places() * out; }
  int64_t image() const { return height * width * in; }
  int64_t patch_row() const { return kSide * in; }  // values side by side in x that one row of the filter meets
  bool is(int64_t h, int64_t w, int64_t i, int64_t o) const { return height == h && width == w && in == i && out == o; }
};

// LeNet: both convolutions, each with its pool and its activation, and three linear layers, each but the last with its
// activation.
struct Architecture {
  Shape conv[kConvolutions];    // the first has one channel of input; an output is the next one's input
  int64_t width[kLinears + 1];  // inputs of each linear layer, and the classes
  Activation activation;
};

// Pointers to the parameters, or to their gradients, in libtorch's layouts: conv [out, in, 5, 5], linear [out, in].
template <typename T>
struct Tensors {
  T *conv[kConvolutions], *conv_bias[kConvolutions], *linear[kLinears], *linear_bias[kLinears];
};

// A batch: n images of a set, which are bytes that stand for x / 255.
struct Batch {
  const uint8_t *images;  // of the set: [N, height, width]
  const int32_t *order;   // [n]: the indices of the batch's images in the set; null: 0, 1, ...
  const uint8_t *labels;  // [n], each below the classes; null: there are none
  int64_t n;
  float label_smoothing;

  int64_t index(int64_t i) const { return order ? order[i] : i; }
};

// The memory of a step. Each is an array whose size `sizes` gives, at the beginning of a cache line, and zero at first: where
// nothing is written, the lanes that pad a row stay finite numbers. What an earlier batch left there does not matter.
struct Memory {
  int64_t images;  // of the largest batch
  float *packed;   // the weights in the kernels' layouts
  float *batch;    // what is kept of a batch
};

// In floats.
struct Sizes {
  int64_t packed, batch, arena;
};

// How many images are one piece of work. Sums depend on it: it is the same everywhere.
constexpr int64_t kBlock = 16;
inline int64_t blocks_of(int64_t n) { return (n + kBlock - 1) / kBlock; }

// A step on a batch is three regions of numbered pieces of work, which may be done in any order and at the same time:
//
//   pack   a part of the weights in the kernels' layouts
//   block  forward, loss and backward of some images, but for the linear weights' gradients
//   tile   a part of the linear weights' gradients, over all images; and one piece adds up the blocks' sums, in their order
//
// What a piece computes does not depend on who computes it.
struct Kernels {
  // The memory for batches of at most so many images, and each thread's own, its arena.
  Sizes (*sizes)(const Architecture &, int64_t images);

  int64_t (*packs)(const Architecture &);
  void (*pack)(const Architecture &, const Tensors<const float> &, int64_t piece, const Memory &);

  // backward: also what comes after the loss. logits, [n, classes], may be null.
  void (*block)(const Architecture &, const Batch &, int64_t piece, bool backward, const Memory &, float *arena, float *logits);
  double (*loss)(const Architecture &, int64_t n, const Memory &);  // summed over images, once all blocks are done

  int64_t (*tiles)(const Architecture &);
  void (*tile)(const Architecture &, int64_t n, int64_t piece, const Memory &, const Tensors<float> &gradients);
};

namespace plain {
extern const Kernels kernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
#endif

}  // namespace lenet
