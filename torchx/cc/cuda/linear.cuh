// The linear layers and the loss, of a block's samples, in shared memory.
//
// A weight is read once for all samples of the block. Forward, a warp takes eight rows of weights at a time, its lanes share
// the inputs, and the rows' sums over the lanes are made together. Backward, threads have two columns of weights each, and
// divide the rows. The last layer is so small that a warp takes a sample through it, the loss, and back.
#pragma once

#include "activation.cuh"
#include "warp.cuh"

namespace lenet::cuda {
namespace {

// Where a layer's values go, beside the shared memory: rows of a matrix in the device's memory, for those samples that the
// batch has. Null: nowhere.
struct Rows {
  float *at;
  int stride, there;

  __device__ void put(int sample, int column, float value) const {
    if (at && sample < there) at[sample * stride + column] = value;
  }
};

// out [kSamples, rows] from in [kSamples, features], weights [rows, features] and bias [rows].
template <int kSamples>
__device__ void linear_forward(int features, int rows, const float *in, const float *weights, const float *bias, Activation f,
                               float *out, Rows to) {
  constexpr int kRows = 8, kSums = kRows * kSamples;
#pragma unroll 1
  for (int first = warp() * kRows; first < rows; first += kWarps * kRows) {
    float sums[kSums] = {};
    const float *const row = weights + first * features;
    const int most = rows - 1 - first;  // after the last row comes that again
#pragma unroll 4
    for (int k = lane(); k < features; k += 32) {
      float x[kSamples];
#pragma unroll
      for (int s = 0; s < kSamples; s++) x[s] = in[s * features + k];
#pragma unroll
      for (int r = 0; r < kRows; r++) {
        const float w = row[(r < most ? r : most) * features + k];
#pragma unroll
        for (int s = 0; s < kSamples; s++) sums[r * kSamples + s] += w * x[s];
      }
    }
    const float sum = sums_of_lanes(sums);
    const int which = lane() / (32 / kSums), o = first + which / kSamples, sample = which % kSamples;
    if (lane() % (32 / kSums) || o >= rows) continue;
    const float y = activated(f, sum + bias[o]);
    out[sample * rows + o] = y;
    to.put(sample, o, y);
  }
}

// How many threads, a power of two, have the columns of a layer, two each: some have none. And how many such groups divide its
// rows.
__host__ __device__ constexpr int across_of(int features) {
  int across = 32;
  while (across < kThreads && 2 * across < features) across *= 2;
  return across;
}
__host__ __device__ constexpr int splits_of(int features) { return kThreads / across_of(features); }
__host__ __device__ constexpr int split_sums(int samples, int features) { return splits_of(features) * samples * features; }

// finish(sample, k, sum) gets each gradient of the inputs [kSamples, features], from those of the outputs, [rows, kSamples].
// parts has room for split_sums(kSamples, features). The block's threads wait for each other within.
template <int kSamples, typename Finish>
__device__ void linear_backward(int features, int rows, const float *gradient, const float *weights, float *parts,
                                Finish finish) {
  const int half = (features + 1) / 2, across = across_of(features), splits = splits_of(features);
  const int split = threadIdx.x / across;
#pragma unroll 1
  for (int k = threadIdx.x % across; k < half; k += across) {
    const bool second = k + half < features;
    float sums[2][kSamples] = {};
    const float *row = weights + split * features + k;
#pragma unroll 5
    for (int o = split; o < rows; o += splits, row += splits * features) {
      const float w = row[0], v = second ? row[half] : 0;
#pragma unroll
      for (int s = 0; s < kSamples; s++) {
        const float g = gradient[o * kSamples + s];
        sums[0][s] += g * w, sums[1][s] += g * v;
      }
    }
#pragma unroll
    for (int s = 0; s < kSamples; s++) {
      float *part = parts + (split * kSamples + s) * features + k;
      part[0] = sums[0][s];
      if (second) part[half] = sums[1][s];
    }
  }
  __syncthreads();
#pragma unroll 1
  for (int i = threadIdx.x; i < kSamples * features; i += kThreads) {
    float sum = 0;
#pragma unroll 8
    for (int part = 0; part < splits; part++) sum += parts[part * kSamples * features + i];
    finish(i / features, i % features, sum);
  }
}

// A warp's: logits [rows] of one sample, from in [features], weights [rows, features] and bias [rows].
__device__ void logits_of_sample(int features, int rows, const float *in, const float *weights, const float *bias,
                                 float *logits) {
  constexpr int kRows = 16;
#pragma unroll 1
  for (int first = 0; first < rows; first += kRows) {
    float sums[kRows] = {};
    const float *const row = weights + first * features;
    const int most = rows - 1 - first;
#pragma unroll 3
    for (int k = lane(); k < features; k += 32) {
      const float x = in[k];
#pragma unroll
      for (int r = 0; r < kRows; r++) sums[r] += row[(r < most ? r : most) * features + k] * x;
    }
    const float sum = sums_of_lanes(sums);
    const int o = first + lane() / (32 / kRows);
    if (lane() % (32 / kRows) == 0 && o < rows) logits[o] = sum + bias[o];
  }
  __syncwarp();
}

// A warp's: finish(k, sum) gets each gradient of the inputs of logits_of_sample, from those of the logits, [rows].
template <typename Finish>
__device__ void backward_of_sample(int features, int rows, const float *gradient, const float *weights, Finish finish) {
  __syncwarp();
#pragma unroll 1
  for (int k = lane(); k < features; k += 32) {
    float sum = 0;
#pragma unroll 10
    for (int o = 0; o < rows; o++) sum += gradient[o] * weights[o * features + k];
    finish(k, sum);
  }
}

struct Loss {
  float loss;
  bool right;  // whether the first of the largest logits is at the label
};

// A warp's: the softmax cross-entropy of a sample's logits. emit(c, g) gets its gradient, over n. A label that is not below
// classes makes the loss NaN.
template <typename Emit>
__device__ Loss cross_entropy(int classes, float smoothing, int n, const float *logits, int label, Emit emit) {
  float largest = -INFINITY;
  int first = classes;  // of the lane's largest
#pragma unroll 1
  for (int c = lane(); c < classes; c += 32)
    if (logits[c] > largest) largest = logits[c], first = c;
  const float own = largest;
  largest = largest_of_lanes(largest);
  if (own != largest) first = classes;
  float total = 0, mean = 0;
#pragma unroll 1
  for (int c = lane(); c < classes; c += 32) total += expf(logits[c] - largest), mean += logits[c] / classes;
#pragma unroll
  for (int mask = 16; mask > 0; mask /= 2) {
    total += __shfl_xor_sync(kAll, total, mask);
    mean += __shfl_xor_sync(kAll, mean, mask);
    const int other = __shfl_xor_sync(kAll, first, mask);
    first = other < first ? other : first;
  }
#pragma unroll 1
  for (int c = lane(); c < classes; c += 32)
    emit(c, expf(logits[c] - largest) / (total * n) - smoothing / classes / n - (c == label ? (1 - smoothing) / n : 0));
  if (label >= classes) return {NAN, false};
  return {logf(total) + largest - (1 - smoothing) * logits[label] - (smoothing > 0 ? smoothing * mean : 0), first == label};
}

}  // namespace
}  // namespace lenet::cuda
