// The second convolution of the report's network: 12x12, 6 to 16 channels, 4x4 after the pool.
//
// Forward, lanes are the 16 channels of y: a value of x, in all lanes, times the weights of a tap.
//
// The gradient of the weights visits, for each element of y, the patch of x that gave the maximum: 5 rows of 30 floats, in 32
// lanes. x is copied so that every row of every patch starts at a cache line.
//
// The gradient of x is kept as 6x6 squares of 2x2 pixels x 6 channels, 24 floats. Whatever its arg-max, an element of y
// contributes to 3x3 squares; its filter is stored for each of the four arg-max, with zeros around. One row of three squares,
// 9 sums, is done at a time, for several images: its filters are 18 KB and stay in the first cache. From place to place the
// leftmost square is complete: it is stored, and the sums move one square to the left.
#pragma once

#include "conv_pool.h"

namespace lenet::LEVEL {
namespace {
namespace conv_12x12 {

constexpr int kIn = 6, kOut = 16, kPlaces = 16, kRow = 12 * kIn;
constexpr int kSquare = 24, kFilter = 3 * kSquare;     // a square; a row of three
constexpr int kWide = 2 * LANES, kParts = 32 / kWide;  // a patch's row of 30 floats, in parts of two vectors

struct alignas(64) Packed {
  float weights[150][kOut];  // [5 rows][5 columns * 6 channels][out]
  float bias[kOut];
  float filters[3][kOut][4][kFilter];  // [row of squares][out][arg-max][3 squares][2 rows][2 columns][in]
};

struct alignas(64) Scratch {
  float two_rows[2][8][kOut];                                            // of the convolution
  float patches[kParts][12][8][kWide];                                   // x: [part of a patch's row][row][first column]
  uint16_t place[kGroup][kPlaces][kOut], filter[kGroup][kPlaces][kOut];  // where a patch and a filter begin
  float squares[kGroup][36][kSquare];
};

struct alignas(64) Sums {
  float weights[kOut][kParts][5][kWide];
  float bias[kOut];
};

void pack(const Shape &s, const float *weight, const float *bias, float *to) {
  auto *packed = reinterpret_cast<Packed *>(to);
  for (int o = 0; o < kOut; o++) packed->bias[o] = bias[o];
  alignas(64) float last[kOut][25][kIn];  // channels last
  each_weight(s, [&](int64_t o, int64_t c, int64_t i, int64_t j) { last[o][i * 5 + j][c] = *weight++; });
  for (int t = 0; t < 25; t++)
    for (int c = 0; c < kIn; c++)
      for (int o = 0; o < kOut; o++) packed->weights[t * kIn + c][o] = last[o][t][c];
  // For a maximum at (r, s) of the 2x2, the filter lies r rows lower and s columns further right in the squares' 6x6 pixels.
  for (int o = 0; o < kOut; o++)
    for (int k = 0; k < 4; k++)
      for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
          const int y = i + k / 2, x = j + k % 2;
          float *pixel = packed->filters[y / 2][o][k] + x / 2 * kSquare + y % 2 * 12 + x % 2 * kIn;
          for (int c = 0; c < kIn; c++) pixel[c] = last[o][i * 5 + j][c];
        }
}

// ---- Forward

// The convolution at 2 rows x COLUMNS columns.
template <int COLUMNS>
INLINE void tile(const float *x, const float (*weights)[kOut], const float *bias, float (*out)[8][kOut]) {
  constexpr int N = LANES, kVectors = kOut / N;
  Float<N> sum[2][COLUMNS][kVectors];
#pragma GCC unroll 2
  for (int r = 0; r < 2; r++)
#pragma GCC unroll 8
    for (int c = 0; c < COLUMNS; c++)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; v++) sum[r][c][v] = load<N>(bias + v * N);
  for (int i = 0; i < 5; i++, x += kRow) {
#pragma GCC unroll 2
    for (int j = 0; j < 5 * kIn; j++, weights++) {
      Float<N> w[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; v++) w[v] = load<N>(weights[0] + v * N);
#pragma GCC unroll 2
      for (int r = 0; r < 2; r++)
#pragma GCC unroll 8
        for (int c = 0; c < COLUMNS; c++)
#pragma GCC unroll 2
          for (int v = 0; v < kVectors; v++) sum[r][c][v] += x[r * kRow + c * kIn + j] * w[v];
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < 2; r++)
#pragma GCC unroll 8
    for (int c = 0; c < COLUMNS; c++)
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; v++) store<N>(out[r][c] + v * N, sum[r][c][v]);
}

// y, argmax [16 places][16 channels]. Two rows of the convolution at a time go through a buffer, as in conv_28x28.h.
//
// 96 % of the peak with AVX2, 97 % with AVX-512.
KERNEL void convolve(const Packed &packed, float (*two_rows)[8][kOut], const float *x, float *y, uint8_t *argmax) {
  for (int p = 0; p < 4; p++, x += 2 * kRow) {
    if constexpr (REGISTERS == 32 && LANES == 16) {
      tile<8>(x, packed.weights, packed.bias, two_rows);
    } else {
      tile<3>(x, packed.weights, packed.bias, two_rows);
      tile<3>(x + 3 * kIn, packed.weights, packed.bias, reinterpret_cast<float(*)[8][kOut]>(two_rows[0][3]));
      tile<2>(x + 6 * kIn, packed.weights, packed.bias, reinterpret_cast<float(*)[8][kOut]>(two_rows[0][6]));
    }
    for (int q = 0; q < 4; q++)
      for (int h = 0; h < kOut; h += 8, y += 8, argmax += 8) {
        Float<8> four[4], best;
        Int<8> which;
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) four[k] = load<8>(two_rows[k / 2][2 * q + k % 2] + h);
        largest<8>(four, best, which);
        store<8>(y, best);
        store_bytes<8>(argmax, which);
      }
  }
}

void forward(const Shape &, const float *packed, const float *x, float *y, uint8_t *argmax, float *memory) {
  convolve(*reinterpret_cast<const Packed *>(packed), reinterpret_cast<Scratch *>(memory)->two_rows, x, y, argmax);
}

// ---- Backward

KERNEL void find_places(const uint8_t *argmax, uint16_t (*place)[kOut], uint16_t (*filter)[kOut]) {
  using Short = Vector<16>::Short;
  for (int p = 0; p < kPlaces; p++, argmax += kOut) {
    const Short k = __builtin_convertvector(*reinterpret_cast<const Vector<16>::Byte *>(argmax), Short);
    const uint16_t at = p / 4 * 2 * 8 + p % 4 * 2, wide = kWide, size = kFilter;
    *reinterpret_cast<Short *>(place[p]) = ((k >> 1) * 8 + (k & 1) + at) * wide;
    *reinterpret_cast<Short *>(filter[p]) = k * size;
  }
}

KERNEL void copy_patches(const float *x, float (*patches)[12][8][kWide]) {  // reads two floats past the end of x
  for (int y = 0; y < 12; y++)
    for (int c = 0; c < 8; c++)
#pragma GCC unroll 4
      for (int k = 0; k < 4; k++) {
        const float *from = x + y * kRow + c * kIn + k * 8;
        store<8>(patches[k * 8 / kWide][y][c] + k * 8 % kWide, load<8>(from));
      }
}

// 69 % of the peak with AVX2, 70 % with AVX-512, and 94 % is the most, with 30 of 32 lanes. It is bound by loads.
KERNEL void add_weights(const float (*patches)[12][8][kWide], const float *dy, const uint16_t (*place)[kOut], Sums &sums) {
  constexpr int N = LANES;
  for (int part = 0; part < kParts; part++)
    for (int o = 0; o < kOut; o++) {
      Float<N> sum[5][2];
#pragma GCC unroll 5
      for (int i = 0; i < 5; i++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) sum[i][v] = load<N>(sums.weights[o][part][i] + v * N);
#pragma GCC unroll 2
      for (int p = 0; p < kPlaces; p++) {
        const float *x = patches[part][0][0] + place[p][o];
#pragma GCC unroll 5
        for (int i = 0; i < 5; i++)
#pragma GCC unroll 2
          for (int v = 0; v < 2; v++) sum[i][v] += load<N>(x + i * 8 * kWide + v * N) * dy[p * kOut + o];
      }
#pragma GCC unroll 5
      for (int i = 0; i < 5; i++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++) store<N>(sums.weights[o][part][i] + v * N, sum[i][v]);
    }
  for (int p = 0; p < kPlaces; p++)
    for (int o = 0; o < kOut; o++) sums.bias[o] += dy[p * kOut + o];
}

// 54 % of the peak with AVX2 and with AVX-512, and 69 % is the most: a filter of 25 taps is stored in squares of 36.
KERNEL void input_gradient(const Packed &packed, int64_t n, const float *dy, Scratch &scratch) {
  using V = Float<8>;
  for (int row = 0; row < 3; row++) {
    const float *filters = packed.filters[row][0][0];
    for (int64_t image = 0; image < n; image++)
      for (int p = 0; p < 4; p++) {
        const float *g = dy + (image * kPlaces + p * 4) * kOut;
        const uint16_t *f = scratch.filter[image][p * 4];
        float *to = scratch.squares[image][(p + row) * 6];
        const bool first = row == 0 || p == 3;  // the first to write this row of squares
        const auto put = [&](float *at, V v) { store<8>(at, first ? v : load<8>(at) + v); };
        V sum[9] = {};
        for (int q = 0; q < 4; q++, g += kOut, f += kOut, to += kSquare) {
#pragma GCC unroll 4
          for (int o = 0; o < kOut; o++) {
            const float *w = filters + o * 4 * kFilter + f[o];
#pragma GCC unroll 9
            for (int k = 0; k < 9; k++) sum[k] += load<8>(w + k * 8) * g[o];
          }
#pragma GCC unroll 3
          for (int k = 0; k < 3; k++) put(to + k * 8, sum[k]), sum[k] = sum[3 + k], sum[3 + k] = sum[6 + k], sum[6 + k] = V{};
        }
#pragma GCC unroll 6
        for (int k = 0; k < 6; k++) put(to + k * 8, sum[k]);
      }
  }
}

// A square is 12 floats of one row of dx, and 12 of the next.
KERNEL void squares_to_image(const float (*squares)[kSquare], float *dx) {
  for (int r = 0; r < 6; r++, dx += 2 * kRow)
    for (int c = 0; c < 6; c++, squares++)
      for (int half = 0; half < 2; half++) {
        const float *from = squares[0] + half * 12;
        float *to = dx + half * kRow + c * 12;
        store<8>(to, load<8>(from)), store<4>(to + 8, load<4>(from + 8));
      }
}

void backward(const Shape &, const float *from, int64_t n, const float *const *x, const float *dy, const uint8_t *argmax,
              float *sums, float *dx, float *memory) {
  const auto &packed = *reinterpret_cast<const Packed *>(from);
  auto &scratch = *reinterpret_cast<Scratch *>(memory);
  for (int64_t i = 0; i < n; i++) {
    find_places(argmax + i * 256, scratch.place[i], scratch.filter[i]);
    copy_patches(x[i], scratch.patches);
    add_weights(scratch.patches, dy + i * 256, scratch.place[i], *reinterpret_cast<Sums *>(sums));
  }
  if (!dx) return;
  input_gradient(packed, n, dy, scratch);
  for (int64_t i = 0; i < n; i++) squares_to_image(scratch.squares[i], dx + i * 864);
}

void unpack(const Shape &s, const float *from, float *dweight, float *dbias) {
  const auto &sums = *reinterpret_cast<const Sums *>(from);
  each_weight(s, [&](int64_t o, int64_t c, int64_t i, int64_t j) {
    const int64_t k = j * kIn + c;
    *dweight++ = sums.weights[o][k / kWide][i][k % kWide];
  });
  for (int o = 0; o < kOut; o++) dbias[o] = sums.bias[o];
}

}  // namespace conv_12x12
}  // namespace
}  // namespace lenet::LEVEL
