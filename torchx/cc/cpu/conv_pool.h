// A convolution with its max-pool, as the step calls it: for images of one shape, by the kernels made for that shape, or by the
// general ones.
#pragma once

#include "kernels.h"
#include "vectors.h"

namespace lenet::LEVEL {
namespace {

// Images are dense, and `pitch` floats apart; vectors may read past the end of one. X is uint8_t, which stands for x / 255, or
// float. Layouts of packed weights, arg-max and sums are the kernels' own.
template <typename X>
struct ConvPool {
  Shape s;
  int64_t packed, sums, scratch;  // sizes in floats
  int64_t argmax;                 // bytes of an image
  void (*pack)(const Shape &, const float *weight, const float *bias, float *packed);

  // y is before the activation. The arg-max says which of the four positions was the largest: the first of equals, as in
  // libtorch's max-pool.
  void (*forward)(const Shape &, const float *packed, const X *x, float *y, uint8_t *argmax, float *scratch);

  // For n images, at most kGroup: adds to sums, and sets dx unless it is null.
  void (*backward)(const Shape &, const float *packed, int64_t n, const X *const *x, const float *dy, const uint8_t *argmax,
                   float *sums, float *dx, float *scratch);
  void (*unpack)(const Shape &, const float *sums, float *dweight, float *dbias);
};

constexpr int64_t kGroup = 4;

constexpr int64_t pitch(int64_t floats) { return padded(floats, 16); }

// The largest of four, and which it was: the first of equals. Not a number counts as the largest.
template <int N>
inline void largest(const typename Vector<N>::Float *four, typename Vector<N>::Float &best, typename Vector<N>::Int &which) {
  using Int = typename Vector<N>::Int;
  best = four[0];
  which = Int{};
#pragma GCC unroll 4
  for (int k = 1; k < 4; k++) {
    Int better = (four[k] > best) | (four[k] != four[k]);
    best = better ? four[k] : best;
    which = better ? Int{} + k : which;
  }
}

// Calls f(o, c, i, j) for every weight, in libtorch's order.
template <typename F>
INLINE void each_weight(const Shape &s, F f) {
  for (int64_t o = 0; o < s.out; o++)
    for (int64_t c = 0; c < s.in; c++)
      for (int64_t i = 0; i < kSide; i++)
        for (int64_t j = 0; j < kSide; j++) f(o, c, i, j);
}

}  // namespace
}  // namespace lenet::LEVEL
