// A 5x5 convolution and the 2x2 max-pool after it, of a block's samples, in shared memory: forward and back.
//
// Forward, what the convolution yields is never stored: a thread has a 6x6 patch of x in registers and computes the four
// positions that one value of y is the largest of, for some channels at once.
//
// Backward, only the position of the largest has a gradient: an Entry, with its value and where it is in x. So there are nine
// times fewer multiplications than in a convolution's own gradient.
//
// - The gradient of a weight is a sum over entries, g * x[at + (i, j)]. A lane has a row of five weights, and a warp's lanes
// take
//   the same entry.
// - The gradient of x gets g * weight[i, j] at each at + (i, j). All entries of one place are in a window of 6x6 of x. A warp
// sums
//   such windows in registers, a lane having a row of five weights and the two rows of the window on which it may fall. Then
//   each value of x adds the windows that cover it.
#pragma once

#include "activation.cuh"
#include "shape.cuh"
#include "warp.cuh"

namespace lenet::cuda {
namespace {

struct alignas(8) Entry {
  float gradient;
  int at;  // 4 * the corner's offset in a plane of x + which of the four: 2 * row + column
};

constexpr int kRow = 5, kSide = 6, kWindow = kSide * kSide;
constexpr int kChannels = 32 / kRow;  // of which a warp's lanes have the filters' rows

// x [samples, channels, plane]; filters: for each tap of each channel of x, the output channels, in groups that are four apart.
// finish(sample, channel, place, largest, at) gets each value before the bias.
//
// kPairs: planes and rows of x begin at even offsets, and are read two values at a time. kSplit 2: two lanes, 16 apart, take
// half of the channels of x each, and then half of the group's outputs each.
template <int kGroup, int kSplit, bool kPairs, typename Finish>
__device__ void convolve(int samples, Extent in, int channels, const float *x, const float *filters, int groups, Extent out,
                         Finish finish) {
  const int places = out.rows * out.cols, items = samples * groups * places, width = 4 * groups;
  constexpr int kKept = kGroup / kSplit;
#pragma unroll 1
  for (int base = warp() * 32; base < items * kSplit; base += kThreads) {
    int item = kSplit == 1 ? base + lane() : base / 2 + lane() % 16;
    const int split = kSplit == 1 ? 0 : lane() / 16;
    const bool inside = item < items;
    if (!inside) item = 0;
    const int place = item % places, group = item / places % groups, sample = item / places / groups;
    const int corner = place / out.cols * 2 * in.stride + place % out.cols * 2;
    float sums[kGroup][4] = {};
    const int each = (channels + kSplit - 1) / kSplit;
#pragma unroll 3
    for (int i = 0; i < each; i++) {
      const int c = split * each + i;
      if (channels % kSplit && c >= channels) break;
      const float *from = x + (sample * channels + c) * in.plane + corner;
      float patch[kSide][kSide];
#pragma unroll
      for (int i = 0; i < kSide; i++)
#pragma unroll
        for (int j = 0; j < kSide; j += 2) {
          if (kPairs) {
            const float2 two = *reinterpret_cast<const float2 *>(from + i * in.stride + j);
            patch[i][j] = two.x, patch[i][j + 1] = two.y;
          } else {
            patch[i][j] = from[i * in.stride + j], patch[i][j + 1] = from[i * in.stride + j + 1];
          }
        }
      const float *row = filters + c * kTaps * width + 4 * group;
#pragma unroll
      for (int tap = 0; tap < kTaps; tap++) {
        const float4 four = *reinterpret_cast<const float4 *>(row + tap * width);
        const float f[4] = {four.x, four.y, four.z, four.w};
#pragma unroll
        for (int o = 0; o < kGroup; o++)
#pragma unroll
          for (int r = 0; r < 4; r++) sums[o][r] += patch[tap / 5 + r / 2][tap % 5 + r % 2] * f[o];
      }
    }
    if (kSplit == 2) {
#pragma unroll
      for (int o = 0; o < kKept; o++)
#pragma unroll
        for (int r = 0; r < 4; r++) {
          const float given = split ? sums[o][r] : sums[o + kKept][r], kept = split ? sums[o + kKept][r] : sums[o][r];
          sums[o][r] = kept + __shfl_xor_sync(kAll, given, 16);
        }
    }
    if (!inside) continue;
#pragma unroll
    for (int o = 0; o < kKept; o++) {
      float largest = sums[o][0];
      int at = 0;
#pragma unroll
      for (int r = 1; r < 4; r++)
        if (sums[o][r] > largest || sums[o][r] != sums[o][r])
          largest = sums[o][r], at = r;  // NaN is the largest, as in libtorch
      finish(sample, group * kGroup + split * kKept + o, place, largest, 4 * (corner + at / 2 * in.stride + at % 2) + at);
    }
  }
}

// The gradients of conv2's filters [out, channels * 25] and biases. x [samples, channels, plane]; entries [samples, out,
// places]. A warp takes an output channel at a time, its lanes the rows of the filter.
template <typename Emit>
__device__ void filters_of_many(int samples, Extent in, int channels, const float *x, const Entry *entries, int places, int out,
                                Emit emit) {
  const int rows = channels * kRow;
#pragma unroll 1
  for (int o = warp(); o < out; o += kWarps)
#pragma unroll 1
    for (int first = 0; first < rows; first += 32) {
      const int row = first + lane() < rows ? first + lane() : 0;
      float sums[kRow] = {}, of_bias = 0;
#pragma unroll 1
      for (int sample = 0; sample < samples; sample++) {
        const float *from = x + (sample * channels + row / kRow) * in.plane + row % kRow * in.stride;
        const Entry *entry = entries + (sample * out + o) * places;
#pragma unroll 4
        for (int p = 0; p < places; p++) {
          const Entry e = entry[p];
          const float *at = from + (e.at >> 2);
          of_bias += e.gradient;
#pragma unroll
          for (int j = 0; j < kRow; j++) sums[j] += e.gradient * at[j];
        }
      }
      if (first + lane() >= rows) continue;
#pragma unroll
      for (int j = 0; j < kRow; j++) emit((o * rows + row) * kRow + j, sums[j]);
      if (row == 0) emit(out * rows * kRow + o, of_bias);
    }
}

// The gradients of conv1's filters [out, 25] and biases, of x with one channel: parts [kWarps, out * 26]. A warp takes a place
// at a time, its lanes the filters' rows. entries [samples, out, stride].
__device__ void filters_of_one(int samples, Extent in, const float *x, const Entry *entries, int stride, int places, int out,
                               float *parts) {
  float *to = parts + warp() * out * (kTaps + 1);
  for (int first = 0; first < out; first += kChannels) {
    const int o = first + lane() / kRow, i = lane() % kRow;
    const bool inside = lane() < kChannels * kRow && o < out;
    float sums[kRow] = {}, of_bias = 0;
    if (inside) {
#pragma unroll 2
      for (int q = warp(); q < samples * places; q += kWarps) {
        const int sample = q / places;
        const Entry e = entries[(sample * out + o) * stride + q % places];
        const float *at = x + sample * in.plane + i * in.stride + (e.at >> 2);
        of_bias += e.gradient;
#pragma unroll
        for (int j = 0; j < kRow; j++) sums[j] += e.gradient * at[j];
      }
#pragma unroll
      for (int j = 0; j < kRow; j++) to[(o * kRow + i) * kRow + j] = sums[j];
      if (i == 0) to[out * kTaps + o] = of_bias;
    }
  }
}

// windows [samples, n, channels, 6, 6] of the gradient of x at n places, from masked [samples, out, n], an entry's gradient at
// the one of the four that was the largest, zeros at the others; and filters [out, channels * 25]. A warp takes kPlaces places
// and kChannels channels at a time, a lane a row of the filter.
template <int kPlaces>
__device__ void sum_windows(int samples, int channels, const float4 *masked, int n, int out, const float *filters,
                            float *windows) {
  const int of_sample = (n + kPlaces - 1) / kPlaces, of_channels = (channels + kChannels - 1) / kChannels;
#pragma unroll 1
  for (int item = warp(); item < samples * of_sample * of_channels; item += kWarps) {
    const int sample = item / of_channels / of_sample, first = item / of_channels % of_sample * kPlaces;
    const int c = item % of_channels * kChannels + lane() / kRow, i = lane() % kRow;
    const bool inside = lane() < kChannels * kRow && c < channels;
    const float *filter = filters + (inside ? c * kTaps + i * kRow : 0);
    const float4 *entry = masked + sample * out * n + first;
    float sums[kPlaces][2][kSide] = {};
#pragma unroll 2
    for (int o = 0; o < out; o++, filter += channels * kTaps, entry += n) {
      float weights[kRow];
#pragma unroll
      for (int j = 0; j < kRow; j++) weights[j] = filter[j];
#pragma unroll
      for (int p = 0; p < kPlaces; p++) {
        const float4 g = entry[first + p < n ? p : 0];
#pragma unroll
        for (int j = 0; j < kRow; j++) {
          sums[p][0][j] += g.x * weights[j], sums[p][0][j + 1] += g.y * weights[j];
          sums[p][1][j] += g.z * weights[j], sums[p][1][j + 1] += g.w * weights[j];
        }
      }
    }
#pragma unroll
    for (int p = 0; p < kPlaces; p++) {
      float *to = windows + ((sample * n + first + p) * channels + c) * kWindow;
      const bool there = inside && first + p < n;
#pragma unroll
      for (int j = 0; j < kSide; j++) {
        const float below = __shfl_down_sync(kAll, sums[p][0][j], 1);  // of the filter's next row
        if (there) to[(i + 1) * kSide + j] = sums[p][1][j] + (i + 1 < kRow ? below : 0);
        if (there && i == 0) to[j] = sums[p][0][j];
      }
    }
  }
}

// Adds to sums [2, 2] what n places from the first on add to the gradient of x, at rows 2 * row and 2 * row + 1 and columns
// likewise. windows are of one channel, `apart` from place to place.
__device__ void add_windows(const float *windows, int apart, Extent pooled, int first, int n, int row, int col,
                            float (&sums)[4]) {
#pragma unroll
  for (int up = 0; up < kSide / 2; up++)
#pragma unroll
    for (int left = 0; left < kSide / 2; left++) {
      const int y = row - up, x = col - left, place = y * pooled.cols + x - first;
      if (y < 0 || y >= pooled.rows || x < 0 || x >= pooled.cols || place < 0 || place >= n) continue;
      const float *from = windows + place * apart + 2 * up * kSide + 2 * left;
      const float2 upper = *reinterpret_cast<const float2 *>(from), lower = *reinterpret_cast<const float2 *>(from + kSide);
      sums[0] += upper.x, sums[1] += upper.y, sums[2] += lower.x, sums[3] += lower.y;
    }
}

}  // namespace
}  // namespace lenet::cuda
