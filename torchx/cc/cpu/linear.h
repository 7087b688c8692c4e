// Linear layers: y [rows, out] = x [rows, in] * weight^T + bias, and their gradients, by one micro-kernel on packed panels.
//
//   forward          y  [rows, out] = x  [rows, in]  * forward panels [in][kPanel outputs]
//   inputs' gradient dx [rows, in]  = dy [rows, out] * back panels [out][kPanel inputs]
//   weights'         dw [out, in]   = dy^T x, over all rows of the batch, from panels that a tile reads from start to end:
//                                     dy [out / kTall][rows][kTall], x [in / kWidth][rows][kWidth]
//
// Rows of x, y, dx and dy are row_pitch floats apart. Beyond their values they hold zeros or what is computed from zeros.
#pragma once

#include "vectors.h"

namespace lenet::LEVEL {
namespace {

constexpr int kPanel = 3 * LANES;                // of the weights; the last panel has one, two or three vectors
constexpr int kRows = 4;                         // of a tile, so 12 sums
constexpr int kTall = REGISTERS == 32 ? 12 : 6;  // outputs of a tile of the weights' gradient
constexpr int kWidth = 2 * LANES;                // inputs of one: 12 or 24 sums

int64_t row_pitch(int64_t n) { return padded(n, kWidth); }
int64_t tall_panels(int64_t n) { return (n + kTall - 1) / kTall; }
int64_t wide_panels(int64_t n) { return (n + kWidth - 1) / kWidth; }

// y [ROWS][VECTORS * LANES] = a * b + bias, where a [ROWS][n] has ROW floats from row to row and COLUMN from column to column,
// and b is dense [n][VECTORS * LANES]. With ADD, y is added to.
template <int ROWS, int VECTORS, bool ADD>
INLINE void multiply_tile(const float *a, int64_t row, int64_t column, const float *b, int64_t n, float *y, int64_t y_row,
                          const float *bias) {
  constexpr int N = LANES;
  Float<N> sum[ROWS][VECTORS];
#pragma GCC unroll 12
  for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS; v++)
      sum[r][v] = ADD ? load<N>(y + r * y_row + v * N) : bias ? load<N>(bias + v * N) : Float<N>{};
  for (int64_t k = 0; k < n; k++, a += column, b += VECTORS * N) {
    Float<N> w[VECTORS];
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS; v++) w[v] = load<N>(b + v * N);
#pragma GCC unroll 12
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
      for (int v = 0; v < VECTORS; v++) sum[r][v] += a[r * row] * w[v];
  }
#pragma GCC unroll 12
  for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 3
    for (int v = 0; v < VECTORS; v++) store<N>(y + r * y_row + v * N, sum[r][v]);
}

// y [rows][columns] = x [rows][n] * panels + bias, which may be null. A panel stays in the first cache for all rows. rows is a
// multiple of kRows, columns of LANES.
//
// Forward, with the sigmoids, 88 % of the peak with AVX2, 84 % with AVX-512; the inputs' gradients 93 % and 92 %.
KERNEL void multiply(int64_t rows, int64_t columns, int64_t n, const float *x, int64_t x_row, const float *panels, float *y,
                     int64_t y_row, const float *bias) {
  for (int64_t c = 0; c < columns; c += kPanel, panels += kPanel * n) {
    const float *b = bias ? bias + c : nullptr;
    for (int64_t r = 0; r < rows; r += kRows) {
      const float *from = x + r * x_row;
      float *to = y + r * y_row + c;
      if (columns - c >= kPanel) {
        multiply_tile<kRows, 3, false>(from, x_row, 1, panels, n, to, y_row, b);
      } else if (columns - c == 2 * LANES) {
        multiply_tile<kRows, 2, false>(from, x_row, 1, panels, n, to, y_row, b);
      } else {
        multiply_tile<kRows, 1, false>(from, x_row, 1, panels, n, to, y_row, b);
      }
    }
  }
}

// Adds rows [rows][n], n rounded up to whole vectors, to sums.
KERNEL void add_rows(const float *x, int64_t rows, int64_t row, int64_t n, float *sums) {
  for (int64_t c = 0; c < n; c += LANES) {
    Float<LANES> sum = load<LANES>(sums + c);
    for (int64_t r = 0; r < rows; r++) sum += load<LANES>(x + r * row + c);
    store<LANES>(sums + c, sum);
  }
}

// ---- Weights in panels

int64_t forward_size(int64_t in, int64_t out) { return in * padded(out); }
int64_t back_size(int64_t in, int64_t out) { return padded(in) * out; }

// Packs rows o to o + kPanel of weight [out, in], as far as there are so many, into both kinds of panels.
KERNEL void pack_linear(const float *weight, int64_t in, int64_t out, int64_t o, float *forward, float *back) {
  constexpr int kColumns = LANES < 8 ? LANES : 8;
  const int64_t used = out - o < kPanel ? out - o : kPanel, width = padded(used);
  weight += o * in, forward += o * in;
  for (int64_t c = 0; c < width; c += kColumns) {
    int64_t k = 0;
    if (LANES >= 8 && c + 8 <= used)
      for (; k + 8 <= in; k += 8) {
        Float<8> rows[8], columns[8];
        for (int i = 0; i < 8; i++) rows[i] = load<8>(weight + (c + i) * in + k);
        transpose8(rows, columns);
        for (int i = 0; i < 8; i++) store<8>(forward + (k + i) * width + c, columns[i]);
      }
    for (; k < in; k++)
      for (int64_t i = c; i < c + kColumns; i++) forward[k * width + i] = i < used ? weight[i * in + k] : 0;
  }
  for (int64_t c = 0; c < in; c += kPanel, back += kPanel * out) {
    const int64_t left = in - c < kPanel ? in - c : kPanel, wide = padded(left);
    for (int64_t r = 0; r < used; r++) {
      float *to = back + (o + r) * wide;
      const float *from = weight + r * in + c;
      int64_t k = 0;
      for (; k + LANES <= left; k += LANES) store<LANES>(to + k, load<LANES>(from + k));
      for (; k < left; k++) to[k] = from[k];
      for (; k < wide; k++) to[k] = 0;
    }
  }
}

// ---- The weights' gradient

// Copies rows of x, WIDTH values each, to a panel.
template <int WIDTH>
INLINE void to_panel(const float *x, int64_t rows, int64_t row, float *panel) {
  constexpr int N = WIDTH < LANES ? 4 : WIDTH % LANES ? 4 : LANES;
  for (int64_t r = 0; r < rows; r++, x += row, panel += WIDTH) {
#pragma GCC unroll 8
    for (int v = 0; v + N <= WIDTH; v += N) store<N>(panel + v, load<N>(x + v));
#pragma GCC unroll 4
    for (int v = WIDTH / N * N; v < WIDTH; v++) panel[v] = x[v];
  }
}

// 94 % of the peak with AVX2, 95 % with AVX-512.
//
// Some tiles of a layer's weights' gradient: inputs kWidth * wide and after, and outputs from kTall * first to kTall * last,
// of rows many samples. xs and dys are the layer's panels, each with room for panel_rows. dweight [out, in].
constexpr int64_t kTalls = 10;  // last - first at most
KERNEL void weights_gradient(const float *xs, const float *dys, int64_t rows, int64_t panel_rows, int64_t wide, int64_t first,
                             int64_t last, int64_t in, int64_t out, float *dweight) {
  constexpr int64_t kChunk = 2048 / LANES;  // rows: the panels of so many fit into the first cache
  alignas(64) float sums[kTalls * kTall][kWidth];
  xs += wide * panel_rows * kWidth;
  for (int64_t from = 0; from < rows; from += kChunk) {
    const int64_t n = rows - from < kChunk ? rows - from : kChunk;
    for (int64_t t = first; t < last; t++) {
      const float *x = xs + from * kWidth, *dy = dys + (t * panel_rows + from) * kTall;
      float *sum = sums[(t - first) * kTall];
      if (from) {
        multiply_tile<kTall, 2, true>(dy, 1, kTall, x, n, sum, kWidth, nullptr);
      } else {
        multiply_tile<kTall, 2, false>(dy, 1, kTall, x, n, sum, kWidth, nullptr);
      }
    }
  }
  const int64_t columns = in - wide * kWidth < kWidth ? in - wide * kWidth : kWidth;
  for (int64_t o = first * kTall; o < last * kTall && o < out; o++) {
    const float *sum = sums[o - first * kTall];
    float *to = dweight + o * in + wide * kWidth;
    if (columns == kWidth) {
      for (int64_t c = 0; c < kWidth; c += LANES) store<LANES>(to + c, load<LANES>(sum + c));
    } else {
      for (int64_t c = 0; c < columns; c++) to[c] = sum[c];
    }
  }
}

}  // namespace
}  // namespace lenet::LEVEL
