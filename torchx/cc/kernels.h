// The kernels of conv_pool: functions on float32 arrays that know nothing of libtorch. conv_pool_kernels.cc is
// compiled once for each kind of vector instructions, in a namespace of its own; a table of functions is all that leaves it.
#pragma once

#include <stdint.h>

#include "activation.h"

namespace lenet {

constexpr int64_t kSide = 5;  // of the convolution

// A convolution and the 2x2 max-pool after it, of a sample with the channels last:
//
//   x  [height, width, in]
//   y  [h, w, out]           h = (height - 4) / 2, w = (width - 4) / 2, rounded down
//
//   y[p, q, o] = bias[o] + max over r, s in {0, 1} of  sum over i, j < 5, c < in of  x[2p+r+i, 2q+s+j, c] * weight[o, c, i, j]
struct Shape {
  int64_t height, width, in, out;

  int64_t pooled_height() const { return (height - kSide + 1) / 2; }
  int64_t pooled_width() const { return (width - kSide + 1) / 2; }
  int64_t pooled() const { return pooled_height() * pooled_width() * out; }
  int64_t image() const { return height * width * in; }
  int64_t patch_row() const { return kSide * in; }  // values side by side in x that one row of the filter meets
};

// Each function works on one sample, in memory that belongs to the calling thread. The functions _size return how many floats
// each piece of it has.
struct Kernels {
  // [1 + 5 * 5 * in, padded out]: the bias, then the weights, as forward takes them; from weight [out, in, 5, 5].
  int64_t (*forward_weights_size)(const Shape &);
  void (*pack_forward_weights)(const Shape &, const float *weight, const float *bias, float *packed);

  // [out, 5, padded 5 * in]: the gradient of the weights as backward_weights adds to it, and its way back to [out, in, 5, 5].
  int64_t (*weights_gradient_size)(const Shape &);
  void (*unpack_weights_gradient)(const Shape &, const float *packed, float *dweight);

  // [out, 2, 7, padded 6 * in]: the weights as backward_input takes them.
  int64_t (*backward_weights_size)(const Shape &);
  void (*pack_backward_weights)(const Shape &, const float *weight, float *packed);

  // x, or a gradient of it, with room for a vector to reach past its end.
  int64_t (*image_size)(const Shape &);
  void (*bytes_to_image)(const Shape &, const uint8_t *x, float *image);  // x / 255
  void (*floats_to_image)(const Shape &, const float *x, float *image);

  // argmax [h, w, out] is the position of the largest: 2r + s, the first of equals, as in libtorch's max-pool.
  int64_t (*forward_scratch_size)(const Shape &);
  void (*forward)(const Shape &, const float *x, const float *weights, float *y, uint8_t *argmax, float *scratch);

  // activate replaces n values of y by their activation. activation_gradient computes the gradient before the activation from
  // dy, the gradient after it, and y, the activation's values; gradient may be dy's memory. An activation without a formula
  // gives NaN.
  void (*activate)(Activation, float *y, int64_t n);
  void (*activation_gradient)(Activation, const float *y, const float *dy, int64_t n, float *gradient);

  // Adds a sample's share to dweights, packed, and dbias [out]. image is x with room to read past its end.
  void (*backward_weights)(const Shape &, const float *dy, const uint8_t *argmax, const float *image, float *dweights,
                           float *dbias);

  // Sets dimage to the gradient of x.
  void (*backward_input)(const Shape &, const float *dy, const uint8_t *argmax, const float *weights, float *dimage);
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

// The kernels for this processor, or those that use_kernels chose (operators.h).
const Kernels &kernels();

}  // namespace lenet
