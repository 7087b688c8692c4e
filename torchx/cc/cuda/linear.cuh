// The linear layers and the loss, of a block's samples, in shared memory.
//
// A weight is read once for all samples of the block. Forward, a warp takes four rows of weights at a time, its lanes share the
// inputs, and the rows' sums over the lanes are made together. Backward, threads have two columns of weights each, and divide the
// rows.
//
// These are functions that are called, and not inlined: the three layers share the code, which a multiprocessor has to fetch.
#pragma once

#include "activation.cuh"
#include "warp.cuh"

namespace lenet::cuda {
namespace {

// Where a layer's values go, beside the shared memory: rows of a matrix in the device's memory, for those samples that the batch
// has. Null: nowhere.
struct Rows {
  float *at;
  int stride, there;

  __device__ void put(int sample, int column, float value) const {
    if (at && sample < there) at[sample * stride + column] = value;
  }
};

// Weights are in shared memory, at an offset in floats, or elsewhere in the device's memory.
template <bool kShared>
struct Weights {
  const float *at;
  int offset;

  __device__ const float *get() const { return kShared ? shared_memory<float>() + offset : at; }
};

// out [kSamples, rows] from in [kSamples, features], weights [rows, features] and bias [rows]. Those that are ints are offsets in
// shared memory.
template <int kSamples, bool kShared>
__device__ __noinline__ void linear_forward(int features, int rows, int in, Weights<kShared> weights, int bias, Activation f, int out,
                                            Rows to) {
  constexpr int kRows = 4, kSums = kRows * kSamples;
  float *const memory = shared_memory<float>();
#pragma unroll 1
  for (int first = warp() * kRows; first < rows; first += kWarps * kRows) {
    float sums[kSums] = {};
    const float *row[kRows];
#pragma unroll
    for (int r = 0; r < kRows; r++) row[r] = weights.get() + (first + r < rows ? first + r : first) * features;
#pragma unroll 4
    for (int k = lane(); k < features; k += 32) {
      float x[kSamples];
#pragma unroll
      for (int s = 0; s < kSamples; s++) x[s] = memory[in + s * features + k];
#pragma unroll
      for (int r = 0; r < kRows; r++) {
        const float w = row[r][k];
#pragma unroll
        for (int s = 0; s < kSamples; s++) sums[r * kSamples + s] += w * x[s];
      }
    }
    const float sum = sums_of_lanes(sums);
    const int which = lane() / (32 / kSums), o = first + which / kSamples, sample = which % kSamples;
    if (lane() % (32 / kSums) || o >= rows) continue;
    const float y = activated(f, sum + memory[bias + o]);
    memory[out + sample * rows + o] = y;
    to.put(sample, o, y);
  }
}

// How many threads divide the rows of two columns.
__host__ __device__ constexpr int splits_of(int features) {
  const int half = (features + 1) / 2;
  return half < kThreads ? kThreads / half : 1;
}
__host__ __device__ constexpr int split_sums(int samples, int features) { return splits_of(features) * samples * features; }

// The gradients of the inputs before their activation, of which y [kSamples, features] are the values after it: that of sample s
// and input k goes to out + s * of_sample + k * of_input. gradient [rows, kSamples] is the outputs'. parts has room for
// split_sums(kSamples, features). The block's threads wait for each other within.
template <int kSamples, bool kShared>
__device__ __noinline__ void linear_backward(int features, int rows, int gradient, Weights<kShared> weights, int parts, Activation f, int y,
                                             int out, int of_sample, int of_input, Rows to) {
  float *const memory = shared_memory<float>();
  const int half = (features + 1) / 2, splits = splits_of(features);
#pragma unroll 1
  for (int i = threadIdx.x; i < splits * half; i += kThreads) {
    const int split = i / half, k = i - split * half;
    const bool second = k + half < features;
    float sums[2][kSamples] = {};
    const float *row = weights.get() + split * features + k;
#pragma unroll 5
    for (int o = split; o < rows; o += splits, row += splits * features) {
      const float w = row[0], v = second ? row[half] : 0;
#pragma unroll
      for (int s = 0; s < kSamples; s++) {
        const float g = memory[gradient + o * kSamples + s];
        sums[0][s] += g * w, sums[1][s] += g * v;
      }
    }
#pragma unroll
    for (int s = 0; s < kSamples; s++) {
      float *part = memory + parts + (split * kSamples + s) * features + k;
      part[0] = sums[0][s];
      if (second) part[half] = sums[1][s];
    }
  }
  __syncthreads();
#pragma unroll 1
  for (int i = threadIdx.x; i < kSamples * features; i += kThreads) {
    float sum = 0;
#pragma unroll 4
    for (int split = 0; split < splits; split++) sum += memory[parts + split * kSamples * features + i];
    const int sample = kSamples == 1 ? 0 : i / features, k = i - sample * features;
    const float g = sum * slope(f, memory[y + i]);
    memory[out + sample * of_sample + k * of_input] = g;
    to.put(sample, k, g);
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
  float largest = -INFINITY, total = 0, mean = 0;
#pragma unroll 1
  for (int c = lane(); c < classes; c += 32) largest = logits[c] > largest ? logits[c] : largest;
  largest = largest_of_lanes(largest);
  int first = classes;
#pragma unroll 1
  for (int c = lane(); c < classes; c += 32) {
    total += expf(logits[c] - largest);
    mean += logits[c] / classes;
    if (logits[c] == largest && c < first) first = c;
  }
  total = sum_of_lanes(total), mean = sum_of_lanes(mean);
  for (int mask = 16; mask > 0; mask /= 2) {
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
