// The first convolution of the report's network: 28x28 bytes, 1 to 6 channels, 12x12 after the pool.
//
// Forward, lanes are columns of y. Neighbours in y are two columns apart in the image, so the image is split into its even and
// its odd columns; a row of either has 16 floats, of which 14 are used, and no load of 8 floats crosses a cache line. y has
// twelve columns: eight fill a vector, and the last four of two rows share one, from a copy that has their pixels side by side.
//
// Backward, a lane is a tap of a filter's row, 5 of 8. The image is kept twice, the second time shifted by 8 floats: in one of
// the two, a load of 8 floats from any column stays within a cache line.
//
// Pixels are at most 1. So no sum can be NaN, and the maximum need not look for it, unless weights are not finite (or so large
// that their sums may not be). With such weights everything is NaN.
#pragma once

#include "conv_pool.h"

namespace lenet::LEVEL {
namespace {
namespace conv_28x28 {

using V = Float<8>;

constexpr int kChannels = 6;
constexpr int kTogether = 3;  // channels, of four sums each: all six at a time were slower, even with 32 registers
constexpr int kTwicePitch = 48;

struct alignas(64) Packed {
  float weights[kChannels / kTogether][25][kTogether];
  float bias[kChannels];
};

struct alignas(64) Scratch {
  float split[2][28][16];           // the image's even and odd columns
  float last[2][26][3][8];          // of it, columns 8 to 13 of rows y and y + 2, for each first column
  float tiles[3][kChannels][4][8];  // the convolution, at the four positions of 8 elements of y
  float twice[2][28][kTwicePitch];
  uint16_t place[kChannels * 144];
};

struct alignas(64) Sums {
  float weights[kChannels][5][8];
  float bias[4 * kChannels];  // four partial sums
};

void pack(const Shape &, const float *weight, const float *bias, float *to) {
  auto *packed = reinterpret_cast<Packed *>(to);
  float size = 0;
  for (int i = 0; i < 150; i++) size += __builtin_fabsf(weight[i]);
  for (int i = 0; i < kChannels; i++) size += __builtin_fabsf(bias[i]);
  const float poison = size < 1e30f ? 0 : __builtin_nanf("");
  for (int o = 0; o < kChannels; o++) {
    for (int t = 0; t < 25; t++) packed->weights[o / kTogether][t][o % kTogether] = weight[o * 25 + t] + poison;
    packed->bias[o] = bias[o] + poison;
  }
}

// ---- Forward

KERNEL void split(const uint8_t *image, float (*split)[28][16]) {
  using Bytes = Vector<16>::Byte;
  for (int y = 0; y < 28; y++, image += 28)
    for (int c = 0; c < 2; c++) {  // 16 bytes from the first, 16 to the last
      const Bytes b = *reinterpret_cast<const Bytes *>(image + c * 12);
      store<8>(split[0][y] + c * 6, load_pixels(__builtin_shufflevector(b, b, 0, 2, 4, 6, 8, 10, 12, 14)));
      store<8>(split[1][y] + c * 6, load_pixels(__builtin_shufflevector(b, b, 1, 3, 5, 7, 9, 11, 13, 15)));
    }
}

KERNEL void pair_rows(const float (*split)[28][16], float (*last)[26][3][8]) {
  for (int s = 0; s < 2; s++)
    for (int y = 0; y < 26; y++)
      for (int c = 0; c < 3; c++) {
        store<4>(last[s][y][c], load<4>(split[s][y] + 8 + c));
        store<4>(last[s][y][c] + 4, load<4>(split[s][y + 2] + 8 + c));
      }
}

// The convolution under eight elements of y, for kTogether channels: 4 sums each, of the positions of the 2x2. Even and odd
// columns are PARITY floats apart, rows ROW, columns COLUMN. out [kTogether][4][8].
template <int PARITY, int ROW, int COLUMN>
INLINE void tile(const float *x, const float (*weights)[kTogether], const float *bias, float (*out)[4][8]) {
  V sum[kTogether][4];
#pragma GCC unroll 6
  for (int o = 0; o < kTogether; o++)
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) sum[o][k] = all<8>(bias[o]);
  for (int i = 0; i < 5; i++, x += ROW) {
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++, weights++) {
      asm("" : "+r"(x));  // or GCC keeps vectors of x from tap to tap, and the sums on the stack
#pragma GCC unroll 4
      for (int k = 0; k < 4; k++) {
        const int r = k / 2, c = k % 2;
        const V v = load<8>(x + (j + c) % 2 * PARITY + r * ROW + (j + c) / 2 * COLUMN);
#pragma GCC unroll 6
        for (int o = 0; o < kTogether; o++) sum[o][k] += v * weights[0][o];
      }
    }
  }
#pragma GCC unroll 6
  for (int o = 0; o < kTogether; o++)
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) store<8>(out[o][k], sum[o][k]);
}

// The maxima of tiles, as eight rows of six channels (the last two lanes are not used), and which of the four each was.
INLINE void maxima(const float (*tiles)[4][8], V *rows, uint8_t (*which)[8]) {
  V best[8];
#pragma GCC unroll 6
  for (int o = 0; o < kChannels; o++) {
    const V f0 = load<8>(tiles[o][0]), f1 = load<8>(tiles[o][1]), f2 = load<8>(tiles[o][2]), f3 = load<8>(tiles[o][3]);
    const Int<8> is1 = f1 > f0, is3 = f3 > f2;
    const V top = larger<8>(f1, f0), bottom = larger<8>(f3, f2);
    const Int<8> lower = bottom > top;
    store_bytes<8>(which[o], lower ? 2 - is3 : -is1);
    best[o] = larger<8>(bottom, top);
  }
  best[6] = best[4], best[7] = best[5];
  transpose8(best, rows);
}

// y [12][12][6], argmax [6][144]. Two rows of y at a time go through a buffer: the processor begins the next tiles while it
// takes the maxima. A row of six is stored as eight, and the next one overwrites the two lanes too many.
//
// 88 % of the peak with AVX2, 90 % with AVX-512. The rest are the maxima.
KERNEL void convolve(const Packed &packed, Scratch &scratch, float *y, uint8_t *argmax) {
  for (int p = 0; p < 12; p += 2, y += 144, argmax += 24) {
    for (int o = 0; o < kChannels; o += kTogether) {
      const auto *w = packed.weights[o / kTogether];
      const float *b = packed.bias + o;
      tile<28 * 16, 16, 1>(scratch.split[0][2 * p], w, b, scratch.tiles[0] + o);
      tile<28 * 16, 16, 1>(scratch.split[0][2 * p + 2], w, b, scratch.tiles[1] + o);
      tile<26 * 24, 24, 8>(scratch.last[0][2 * p][0], w, b, scratch.tiles[2] + o);
    }
    V rows[8];
    uint8_t which[kChannels][8];
    for (int r = 0; r < 2; r++) {
      maxima(scratch.tiles[r], rows, which);
      for (int q = 0; q < 8; q++) store<8>(y + (r * 12 + q) * 6, rows[q]);
      for (int o = 0; o < kChannels; o++) __builtin_memcpy(argmax + o * 144 + r * 12, which[o], 8);
    }
    maxima(scratch.tiles[2], rows, which);
    for (int r = 0; r < 2; r++) {
      float *to = y + (r * 12 + 8) * 6;
      for (int q = 0; q < 3; q++) store<8>(to + q * 6, rows[r * 4 + q]);
      store<4>(to + 18, __builtin_shufflevector(rows[r * 4 + 3], rows[r * 4 + 3], 0, 1, 2, 3));
      for (int o = 4; o < kChannels; o++) to[18 + o] = rows[r * 4 + 3][o];
      for (int o = 0; o < kChannels; o++) __builtin_memcpy(argmax + o * 144 + r * 12 + 8, which[o] + r * 4, 4);
    }
  }
}

void forward(const Shape &, const float *packed, const uint8_t *x, float *y, uint8_t *argmax, float *memory) {
  auto &scratch = *reinterpret_cast<Scratch *>(memory);
  split(x, scratch.split);
  pair_rows(scratch.split, scratch.last);
  convolve(*reinterpret_cast<const Packed *>(packed), scratch, y, argmax);
}

// ---- Backward

// Where in `twice` the patch of each place of y begins, for a maximum in row 0 and column 0 of the 2x2, or in column 1.
struct PatchStarts {
  alignas(64) uint16_t start[2][144];
  constexpr PatchStarts() : start() {
    for (int p = 0; p < 144; p++)
      for (int s = 0; s < 2; s++) {
        const int column = 2 * (p % 12) + s, copy = column % 16 > 8;
        start[s][p] = static_cast<uint16_t>((copy * 28 + 2 * (p / 12)) * kTwicePitch + column + copy * 8);
      }
  }
};
constexpr PatchStarts patch_starts;

KERNEL void find_places(const uint8_t *argmax, uint16_t *place) {  // both [6][144]
  using Short = Vector<16>::Short;
  for (int o = 0; o < kChannels; o++)
    for (int p = 0; p < 144; p += 16, argmax += 16, place += 16) {
      const Short k = __builtin_convertvector(*reinterpret_cast<const Vector<16>::Byte *>(argmax), Short);
      const Short at0 = *reinterpret_cast<const Short *>(patch_starts.start[0] + p),
                  at1 = *reinterpret_cast<const Short *>(patch_starts.start[1] + p);
      *reinterpret_cast<Short *>(place) = ((k & 1) == 1 ? at1 : at0) + (k >> 1) * static_cast<uint16_t>(kTwicePitch);
    }
}

// Loads of the last columns reach three floats past column 27, in lanes that are not used. They must not be what the other
// convolution left there: its 16-bit numbers are denormal as floats, and some processors take a hundred cycles for each of
// those.
KERNEL void copy_twice(const uint8_t *image, float (*twice)[28][kTwicePitch]) {
  for (int y = 0; y < 28; y++, image += 28) {
    for (int k = 0; k < 4; k++) {
      const int c = k < 3 ? k * 8 : 20;
      const V v = load_pixels(*reinterpret_cast<const Vector<8>::Byte *>(image + c));
      store<8>(twice[0][y] + c, v), store<8>(twice[1][y] + 8 + c, v);
    }
    store<4>(twice[0][y] + 28, Float<4>{});
  }
}

// dy [144][6]. Three channels x 5 rows of a filter are 15 sums.
//
// 46 % of the peak with AVX2 and with AVX-512, and 62 % is the most, with 5 of 8 lanes. It is bound by loads: each multiply-add
// has one of its own.
KERNEL void add_weights(const float (*twice)[28][kTwicePitch], const float *dy, const uint16_t *place, Sums &sums) {
  for (int o = 0; o < kChannels; o += 3) {
    V sum[3][5];
#pragma GCC unroll 3
    for (int c = 0; c < 3; c++)
#pragma GCC unroll 5
      for (int i = 0; i < 5; i++) sum[c][i] = load<8>(sums.weights[o + c][i]);
    const float *g = dy + o;
    const uint16_t *at = place + o * 144;
    for (int p = 0; p < 144; p++, g += 6, at++) {
#pragma GCC unroll 3
      for (int c = 0; c < 3; c++) {
        const float *x = twice[0][0] + at[c * 144];
#pragma GCC unroll 5
        for (int i = 0; i < 5; i++) sum[c][i] += load<8>(x + i * kTwicePitch) * g[c];
      }
    }
#pragma GCC unroll 3
    for (int c = 0; c < 3; c++)
#pragma GCC unroll 5
      for (int i = 0; i < 5; i++) store<8>(sums.weights[o + c][i], sum[c][i]);
  }
  V sum[3];
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) sum[k] = load<8>(sums.bias + k * 8);
  for (int i = 0; i < 864; i += 24)
#pragma GCC unroll 3
    for (int k = 0; k < 3; k++) sum[k] += load<8>(dy + i + k * 8);
#pragma GCC unroll 3
  for (int k = 0; k < 3; k++) store<8>(sums.bias + k * 8, sum[k]);
}

void backward(const Shape &, const float *, int64_t n, const uint8_t *const *x, const float *dy, const uint8_t *argmax,
              float *sums, float *, float *memory) {
  auto &scratch = *reinterpret_cast<Scratch *>(memory);
  for (int64_t i = 0; i < n; i++) {
    find_places(argmax + i * 864, scratch.place);
    copy_twice(x[i], scratch.twice);
    add_weights(scratch.twice, dy + i * 864, scratch.place, *reinterpret_cast<Sums *>(sums));
  }
}

void unpack(const Shape &, const float *from, float *dweight, float *dbias) {
  const auto &sums = *reinterpret_cast<const Sums *>(from);
  for (int o = 0; o < kChannels; o++) {
    for (int t = 0; t < 25; t++) dweight[o * 25 + t] = sums.weights[o][t / 5][t % 5];
    dbias[o] = (sums.bias[o] + sums.bias[6 + o]) + (sums.bias[12 + o] + sums.bias[18 + o]);
  }
}

}  // namespace conv_28x28
}  // namespace
}  // namespace lenet::LEVEL
