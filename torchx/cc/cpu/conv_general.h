// The convolutions of any shape.
//
//   - The convolution's own map, four times the size of y, is never stored. A tile of 2 rows of it stays in registers until the
//     maximum of each 2x2 square is taken. y and one byte for each of its elements, which of the four it was, are kept.
//   - The gradient of that map is zero everywhere else, so backward does a quarter of the multiplications: for each element
//     of y it visits one 5x5 patch of x.
//   - Forward, lanes are output channels: one value of x, in all lanes, times a vector of weights. Where x has one channel,
//     lanes are columns of y: a vector of x times one weight.
//   - Backward, lanes are values of x side by side: with the channels last, a row of the patch is 5 * in of them.
//
// At the report's shapes, where they are not used, they reached with AVX2 (Zen 3): forward 37 % of the peak at 28x28 and 84 %
// at 12x12, the weights' gradient 27 and 29 %, the input's 30 %.
#pragma once

#include "conv_pool.h"

namespace lenet::LEVEL {
namespace {
namespace conv_general {

// Few values take a narrower vector, since most lanes of a wide one would be idle.
constexpr int kNarrow = LANES > 8 ? 8 : LANES;
int64_t lanes_for(int64_t n) { return n <= kNarrow ? kNarrow : LANES; }

int64_t padded_for(int64_t n) { return padded(n, lanes_for(n)); }

// ---- Layouts

int64_t forward_weights_size(const Shape &s) { return (1 + kSide * s.patch_row()) * padded_for(s.out); }

int64_t weights_gradient_size(const Shape &s) { return s.out * kSide * padded_for(s.patch_row()); }

// The four patches of an element of y, together, are 6x6: a square.
int64_t square_row(const Shape &s) { return (kSide + 1) * s.in; }
int64_t square_weights(const Shape &s) { return (kSide + 2) * padded_for(square_row(s)); }  // of one channel at one column

int64_t backward_weights_size(const Shape &s) { return s.out * 2 * square_weights(s); }

int64_t image_size(const Shape &s) { return s.image() + LANES; }

void pack_forward_weights(const Shape &s, const float *weight, const float *bias, float *packed) {
  const int64_t out = padded_for(s.out);
  zero(packed, forward_weights_size(s));
  for (int64_t o = 0; o < s.out; o++) packed[o] = bias[o];
  packed += out;
  each_weight(s,
              [&](int64_t o, int64_t c, int64_t i, int64_t j) { packed[((i * kSide + j) * s.in + c) * out + o] = *weight++; });
}

void unpack_weights_gradient(const Shape &s, const float *packed, float *dweight) {
  const int64_t row = padded_for(s.patch_row());
  each_weight(s,
              [&](int64_t o, int64_t c, int64_t i, int64_t j) { *dweight++ = packed[(o * kSide + i) * row + j * s.in + c]; });
}

// The filter of channel o, for a maximum in column 0 of the 2x2 and in column 1, as 7 rows of a square: a row of zeros, the
// five, a row of zeros. Read from the first row it is the filter of a maximum in row 1 of the 2x2, from the second row that of
// row 0.
void pack_backward_weights(const Shape &s, const float *weight, float *packed) {
  const int64_t row = padded_for(square_row(s)), size = square_weights(s);
  zero(packed, backward_weights_size(s));
  each_weight(s, [&](int64_t o, int64_t c, int64_t i, int64_t j) {
    for (int64_t column = 0; column < 2; column++)
      packed[(o * 2 + column) * size + (1 + i) * row + (column + j) * s.in + c] = *weight;
    weight++;
  });
}

// An image as floats, with room for a vector to reach past its end.
const float *image_of(const Shape &, const float *x, float *) { return x; }
const float *image_of(const Shape &s, const uint8_t *x, float *image) {
  const int64_t n = s.image();
  for (int64_t i = 0; i < n; i++) image[i] = x[i] * (1.0f / 255);
  zero(image + n, image_size(s) - n);
  return image;
}

// ---- Forward, one channel of input
//
// x is split into its even and its odd columns. Neighbouring elements of y then find the values at the same place of their
// squares side by side.

int64_t split_size(const Shape &s) { return s.image() + LANES; }  // room for a vector to reach past the end
bool splits(const Shape &s) { return s.in == 1 && s.width % 2 == 0; }

template <int... I>
struct Indices {};
template <int N, int... I>
struct First : First<N - 1, N - 1, I...> {};
template <int... I>
struct First<0, I...> {
  using Type = Indices<I...>;
};

// Vector K of v[0][0], v[1][0], ... v[5][0], v[0][1], v[1][1], ...: lanes of channels become channels of lanes.
template <int K, int N, typename V, int... L>
inline V interleaved(const V *v, Indices<L...>) {
  using Int = typename Vector<N>::Int;
  constexpr Int channel = {(K * N + L) % 6 ...};
  V v01 = __builtin_shufflevector(v[0], v[1], ((K * N + L) % 2 * N + (K * N + L) / 6)...);
  V v23 = __builtin_shufflevector(v[2], v[3], ((K * N + L) % 2 * N + (K * N + L) / 6)...);
  V v45 = __builtin_shufflevector(v[4], v[5], ((K * N + L) % 2 * N + (K * N + L) / 6)...);
  return channel < 2 ? v01 : channel < 4 ? v23 : v45;
}

// Stores the first n * 6 of six channels' N maxima, each vector whole where there is room.
template <int N, int... K>
inline void store_interleaved(const typename Vector<N>::Float *best, const typename Vector<N>::Int *which, int64_t n, float *y,
                              uint8_t *argmax, int64_t room, Indices<K...>) {
  using Float = typename Vector<N>::Float;
  using Byte = typename Vector<N>::Byte;
  using All = typename First<N>::Type;
  auto store = [&](int64_t at, Float values, Byte indices) {
    if (at + N <= room) {  // lanes beyond n are overwritten by the next columns
      *reinterpret_cast<Float *>(y + at) = values;
      *reinterpret_cast<Byte *>(argmax + at) = indices;
    } else {
      for (int l = 0; l < N && at + l < n * 6; l++) y[at + l] = values[l], argmax[at + l] = indices[l];
    }
  };
  ((K * N < n * 6 ? store(K * N, interleaved<K, N, Float>(best, All()),
                          __builtin_convertvector((interleaved<K, N, typename Vector<N>::Int>(which, All())), Byte))
                  : void()),
   ...);
}

// n <= N columns of a row of y, for CHANNELS channels. x points at the first value of the even columns that they meet, the odd
// ones are half an image further; y, argmax and room are as in forward_tile.
template <int N, int CHANNELS>
inline void forward_columns(const Shape &s, const float *x, const float *weights, int64_t n, float *y, uint8_t *argmax,
                            int64_t room) {
  using Float = typename Vector<N>::Float;
  using Int = typename Vector<N>::Int;
  const int64_t row = s.width / 2, odd = row * s.height, out = padded_for(s.out);

  Float sum[2][2][CHANNELS];
#pragma GCC unroll 2
  for (int r = 0; r < 2; r++)
#pragma GCC unroll 2
    for (int c = 0; c < 2; c++)
#pragma GCC unroll 6
      for (int o = 0; o < CHANNELS; o++) sum[r][c][o] = weights[o] - Float{};

  for (int64_t i = 0; i < kSide; i++, x += row) {
#pragma GCC unroll 5
    for (int j = 0; j < kSide; j++) {
      weights += out;
      Float v[2][2];
#pragma GCC unroll 2
      for (int r = 0; r < 2; r++)
#pragma GCC unroll 2
        for (int c = 0; c < 2; c++) v[r][c] = *reinterpret_cast<const Float *>(x + (j + c) % 2 * odd + r * row + (j + c) / 2);
#pragma GCC unroll 6
      for (int o = 0; o < CHANNELS; o++)
#pragma GCC unroll 2
        for (int r = 0; r < 2; r++)
#pragma GCC unroll 2
          for (int c = 0; c < 2; c++) sum[r][c][o] += v[r][c] * weights[o];
    }
  }

  Float best[CHANNELS];
  Int which[CHANNELS];
#pragma GCC unroll 6
  for (int o = 0; o < CHANNELS; o++) {
    const Float four[4] = {sum[0][0][o], sum[0][1][o], sum[1][0][o], sum[1][1][o]};
    largest<N>(four, best[o], which[o]);
  }
  if constexpr (CHANNELS == 6) {
    if (s.out == 6) return store_interleaved<N>(best, which, n, y, argmax, room, typename First<6>::Type());
  }
  for (int64_t l = 0; l < n; l++)
    for (int o = 0; o < CHANNELS; o++) y[l * s.out + o] = best[o][l], argmax[l * s.out + o] = which[o][l];
}

template <int N>
void forward_split(const Shape &s, const float *x, const float *weights, float *y, uint8_t *argmax, float *split) {
  constexpr int kChannels = REGISTERS == 32 ? 6 : 3;
  const int64_t h = s.pooled_height(), w = s.pooled_width(), half = s.image() / 2;
  for (int64_t i = 0; i < half; i++) split[i] = x[2 * i], split[half + i] = x[2 * i + 1];
  for (int64_t p = 0; p < h; p++) {
    for (int64_t q = 0; q < w; q += N) {
      const float *first = split + p * s.width + q;
      const int64_t n = w - q < N ? w - q : N;
      for (int64_t o = 0; o < s.out;) {
        const int64_t at = (p * w + q) * s.out + o, room = s.pooled() - at;
        if (o + kChannels <= s.out) {
          forward_columns<N, kChannels>(s, first, weights + o, n, y + at, argmax + at, room), o += kChannels;
        } else {
          forward_columns<N, 1>(s, first, weights + o, n, y + at, argmax + at, room), o += 1;
        }
      }
    }
  }
}

// ---- Forward, any number of channels

// One tile: the convolution at 2 rows x COLUMNS columns for VECTORS * N channels, then the maxima. x points at the tile's first
// patch, weights at its channels in the packed weights' first row, y and argmax at the tile's first element, of which room are
// left in the sample. IN is the number of input channels, where it is known when compiling: then columns have constant
// addresses.
template <int IN, int N, int VECTORS, int COLUMNS>
inline void forward_tile(const Shape &s, const float *x, const float *weights, float *y, uint8_t *argmax, int64_t room) {
  using Float = typename Vector<N>::Float;
  using Int = typename Vector<N>::Int;
  const int64_t in = IN ? IN : s.in, row = s.width * in, out = padded_for(s.out);

  Float sum[2][COLUMNS][VECTORS];
#pragma GCC unroll 2
  for (int r = 0; r < 2; r++)
#pragma GCC unroll 16
    for (int c = 0; c < COLUMNS; c++)
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) sum[r][c][v] = *reinterpret_cast<const Float *>(weights + v * N);

  for (int64_t i = 0; i < kSide; i++, x += row) {
    for (int64_t j = 0; j < kSide * in; j++) {
      weights += out;
      Float w[VECTORS];
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) w[v] = *reinterpret_cast<const Float *>(weights + v * N);
#pragma GCC unroll 2
      for (int r = 0; r < 2; r++)
#pragma GCC unroll 16
        for (int c = 0; c < COLUMNS; c++)
#pragma GCC unroll 2
          for (int v = 0; v < VECTORS; v++) sum[r][c][v] += x[r * row + c * in + j] * w[v];
    }
  }

#pragma GCC unroll 8
  for (int q = 0; q < COLUMNS / 2; q++) {
#pragma GCC unroll 2
    for (int v = 0; v < VECTORS; v++) {
      const Float four[4] = {sum[0][2 * q][v], sum[0][2 * q + 1][v], sum[1][2 * q][v], sum[1][2 * q + 1][v]};
      Float best;
      Int which;
      largest<N>(four, best, which);
      int64_t at = q * s.out + v * N;
      if (at + N <= room) {  // lanes beyond the last channel are overwritten by the next element
        *reinterpret_cast<Float *>(y + at) = best;
        store_bytes<N>(argmax + at, which);
      } else {
        for (int l = 0; at + l < room; l++) y[at + l] = best[l], argmax[at + l] = which[l];
      }
    }
  }
}

template <int IN, int N, int VECTORS, int COLUMNS>
void forward_tiles(const Shape &s, const float *x, const float *weights, float *y, uint8_t *argmax) {
  const int64_t h = s.pooled_height(), w = s.pooled_width(), step = COLUMNS / 2;
  for (int64_t o = padded_for(s.out) - VECTORS * N; o >= 0; o -= VECTORS * N) {  // downwards: see forward_tile's stores
    for (int64_t p = 0; p < h; p++) {
      for (int64_t q = 0; q < w; q += step) {
        int64_t first = q + step <= w ? q : w - step;  // the last tile may cover some columns again
        int64_t at = (p * w + first) * s.out + o;
        forward_tile<IN, N, VECTORS, COLUMNS>(s, x + (2 * p * s.width + 2 * first) * s.in, weights + o, y + at, argmax + at,
                                              s.pooled() - at);
      }
    }
  }
}

// As many sums as the registers hold, beside the weights and a value of x.
template <int IN>
void forward_any(const Shape &s, const float *x, const float *weights, float *y, uint8_t *argmax) {
  const int64_t w = s.pooled_width();
  const bool narrow = lanes_for(s.out) < LANES, pairs = padded_for(s.out) / LANES % 2 == 0;
  if (narrow && w >= 6) return forward_tiles<IN, kNarrow, 1, 12>(s, x, weights, y, argmax);
  if (narrow) return forward_tiles<IN, kNarrow, 1, 2>(s, x, weights, y, argmax);
  if (REGISTERS == 32 && w >= 4) return forward_tiles<IN, LANES, 1, 8>(s, x, weights, y, argmax);
  if (pairs) return forward_tiles<IN, LANES, 2, 2>(s, x, weights, y, argmax);
  if (w >= 3) return forward_tiles<IN, LANES, 1, 6>(s, x, weights, y, argmax);
  return forward_tiles<IN, LANES, 1, 2>(s, x, weights, y, argmax);
}

// ---- Backward

// The gradient of the weights of CHANNELS channels, VECTORS * N values of each row: the sum over y's elements of dy times the
// patch of the maximum. All pointers are at the first channel, image and dweights at the first value too.
template <int N, int CHANNELS, int VECTORS>
inline void add_weights(const Shape &s, const float *dy, const uint8_t *argmax, const float *image, float *dweights,
                        float *dbias) {
  using Float = typename Vector<N>::Float;
  const int64_t h = s.pooled_height(), w = s.pooled_width(), row = s.width * s.in, padded = padded_for(s.patch_row());
  const int64_t patch[4] = {0, s.in, row, row + s.in};  // by argmax
  Float sum[CHANNELS][kSide][VECTORS] = {};
  float bias[CHANNELS] = {};
  for (int64_t p = 0; p < h; p++) {
    const float *square = image + 2 * p * row;
    for (int64_t q = 0; q < w; q++, square += 2 * s.in, dy += s.out, argmax += s.out) {
#pragma GCC unroll 2
      for (int o = 0; o < CHANNELS; o++) {
        const float *x = square + patch[argmax[o]];
        bias[o] += dy[o];
#pragma GCC unroll 5
        for (int i = 0; i < kSide; i++)
#pragma GCC unroll 2
          for (int v = 0; v < VECTORS; v++) sum[o][i][v] += dy[o] * *reinterpret_cast<const Float *>(x + i * row + v * N);
      }
    }
  }
#pragma GCC unroll 2
  for (int o = 0; o < CHANNELS; o++) {
    if (dbias) dbias[o] += bias[o];
#pragma GCC unroll 5
    for (int i = 0; i < kSide; i++)
#pragma GCC unroll 2
      for (int v = 0; v < VECTORS; v++) *reinterpret_cast<Float *>(dweights + (o * kSide + i) * padded + v * N) += sum[o][i][v];
  }
}

template <int N>
void add_all_weights(const Shape &s, const float *dy, const uint8_t *argmax, const float *image, float *dweights,
                     float *dbias) {
  const int64_t padded = padded_for(s.patch_row());
  for (int64_t v = 0; v < padded;) {
    const bool two = v + 2 * N <= padded;
    for (int64_t o = 0; o < s.out;) {
      float *to = dweights + o * kSide * padded + v, *bias = v == 0 ? dbias + o : nullptr;
      if (two) {
        add_weights<N, 1, 2>(s, dy + o, argmax + o, image + v, to, bias), o += 1;
      } else if (o + 2 <= s.out) {
        add_weights<N, 2, 1>(s, dy + o, argmax + o, image + v, to, bias), o += 2;
      } else {
        add_weights<N, 1, 1>(s, dy + o, argmax + o, image + v, to, bias), o += 1;
      }
    }
    v += two ? 2 * N : N;
  }
}

void backward_weights(const Shape &s, const float *dy, const uint8_t *argmax, const float *image, float *dweights,
                      float *dbias) {
  if (lanes_for(s.patch_row()) < LANES) return add_all_weights<kNarrow>(s, dy, argmax, image, dweights, dbias);
  add_all_weights<LANES>(s, dy, argmax, image, dweights, dbias);
}

// Adds to a square of dimage what the elements of y at one place, one for each channel, pass back: dy times the filter, at the
// place in the square where the maximum was. All pointers but dy and argmax are at the first of VECTORS * N values of a row.
template <int N, int VECTORS>
inline void add_square(const Shape &s, const float *dy, const uint8_t *argmax, const float *weights, float *dimage) {
  using Float = typename Vector<N>::Float;
  const int64_t row = s.width * s.in, padded = padded_for(square_row(s)), size = square_weights(s);
  const int64_t filter[4] = {padded, size + padded, 0, size};  // by argmax
  Float sum[kSide + 1][VECTORS] = {};
  for (int64_t o = 0; o < s.out; o++, weights += 2 * size) {
    const float *w = weights + filter[argmax[o]];
#pragma GCC unroll 6
    for (int i = 0; i <= kSide; i++)
#pragma GCC unroll 3
      for (int v = 0; v < VECTORS; v++) sum[i][v] += dy[o] * *reinterpret_cast<const Float *>(w + i * padded + v * N);
  }
#pragma GCC unroll 6
  for (int i = 0; i <= kSide; i++)
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS; v++) *reinterpret_cast<Float *>(dimage + i * row + v * N) += sum[i][v];
}

template <int N>
void add_all_squares(const Shape &s, const float *dy, const uint8_t *argmax, const float *weights, float *dimage) {
  const int64_t h = s.pooled_height(), w = s.pooled_width(), padded = padded_for(square_row(s));
  constexpr int kVectors = REGISTERS == 32 ? 3 : 2;
  for (int64_t p = 0; p < h; p++) {
    for (int64_t q = 0; q < w; q++, dy += s.out, argmax += s.out) {
      float *to = dimage + (2 * p * s.width + 2 * q) * s.in;
      int64_t v = 0;
      for (; v + kVectors * N <= padded; v += kVectors * N) add_square<N, kVectors>(s, dy, argmax, weights + v, to + v);
      for (; v < padded; v += N) add_square<N, 1>(s, dy, argmax, weights + v, to + v);
    }
  }
}

void backward_input(const Shape &s, const float *dy, const uint8_t *argmax, const float *weights, float *dimage) {
  zero(dimage, image_size(s));
  if (lanes_for(square_row(s)) < LANES) return add_all_squares<kNarrow>(s, dy, argmax, weights, dimage);
  add_all_squares<LANES>(s, dy, argmax, weights, dimage);
}

// ---- As the step calls them

template <typename X>
int64_t scratch_size(const Shape &s) {
  return padded(image_size(s), 16) + (splits(s) ? split_size(s) : 0);
}

int64_t packed_size(const Shape &s) { return padded(forward_weights_size(s), 16) + backward_weights_size(s); }
int64_t sums_size(const Shape &s) { return padded(weights_gradient_size(s), 16) + padded(s.out, 16); }

void pack(const Shape &s, const float *weight, const float *bias, float *packed) {
  pack_forward_weights(s, weight, bias, packed);
  pack_backward_weights(s, weight, packed + padded(forward_weights_size(s), 16));
}

template <typename X>
void forward(const Shape &s, const float *packed, const X *image, float *y, uint8_t *argmax, float *scratch) {
  const float *x = image_of(s, image, scratch);
  if (splits(s)) return forward_split<LANES>(s, x, packed, y, argmax, scratch + padded(image_size(s), 16));
  if (s.in == 6) return forward_any<6>(s, x, packed, y, argmax);
  forward_any<0>(s, x, packed, y, argmax);
}

template <typename X>
void backward(const Shape &s, const float *packed, int64_t n, const X *const *images, const float *dy, const uint8_t *argmax,
              float *sums, float *dx, float *scratch) {
  float *dbias = sums + padded(weights_gradient_size(s), 16);
  for (int64_t i = 0; i < n; i++, dy += pitch(s.pooled()), argmax += pitch(s.pooled())) {
    backward_weights(s, dy, argmax, image_of(s, images[i], scratch), sums, dbias);
    if (dx) backward_input(s, dy, argmax, packed + padded(forward_weights_size(s), 16), dx + i * pitch(s.image()));
  }
}

void unpack(const Shape &s, const float *sums, float *dweight, float *dbias) {
  unpack_weights_gradient(s, sums, dweight);
  for (int64_t o = 0; o < s.out; o++) dbias[o] = sums[padded(weights_gradient_size(s), 16) + o];
}

}  // namespace conv_general
}  // namespace
}  // namespace lenet::LEVEL
