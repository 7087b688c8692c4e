// What sums over a batch, after the pass: the gradients of the parameters, the loss and the right answers; and the update. Each
// gradient is one thread's in the end, which then updates the parameter. The work comes in units, each a block's:
//
//   linear layers   weight[o, k] gets the sum over n of gradient[n, o] * input[n, k]. A unit is a tile of 32 x 16 of them: the
//                   warps divide the images, a thread has 4 x 4 of the tile, and then the warps' sums are added
//   convolutions    the parts that the pass's blocks left are added, some columns in a unit
//   the loss        one unit
#pragma once

#include "kernels.h"
#include "shape.cuh"
#include "update.cuh"
#include "warp.cuh"

namespace lenet::cuda {
namespace {

constexpr int kTileRows = 32, kTileColumns = 16, kFour = 4;
constexpr int kImages = 256;  // in shared memory at a time
constexpr int kColumns = 96;  // of the parts, in a unit
constexpr int kSplits = kWarps * 32 / kColumns;

// In shared memory, in floats: the images' rows, or in their place the warps' sums.
constexpr int kOfInputs = kImages * kTileRows, kOfBiases = kWarps * kTileRows * kTileColumns;
constexpr int kReserved = 4;  // in front: the pass's
constexpr int kFinishFloats = kOfInputs + kImages * kTileColumns;
static_assert(kOfBiases + kWarps * kTileRows <= kFinishFloats && kSplits * kColumns <= kFinishFloats, "");

struct Finish {
  Sizes s;
  Features features;
  Pass from;
  Each<float *> gradients;
  Update update;
  double *sums;
  int units;
};

__host__ __device__ constexpr int tiles(int rows, int features) {
  return groups_of(rows, kTileRows) * groups_of(features, kTileColumns);
}

// value: the parameter's, where it is updated.
__device__ void store(float *gradients, const Update &u, const Parameter &p, float rate, int i, float value, float g) {
  if (gradients) gradients[i] = g;
  update_one(u, p, rate, i, value, g);
}

// Columns of a matrix [n, stride] for some images in shared memory, [kImages, kWidth]; zeros after the last image. Columns that
// the matrix lacks are left as they are.
template <int kWidth>
__device__ void stage_columns(float *to, const float *from, int stride, int first, int column, int n) {
  constexpr int kFours = kWidth / kFour,
                kApart = kThreads / kFours;  // threads for a row, and the rows that they take at a time
  const int image = threadIdx.x / kFours, at = threadIdx.x % kFours * kFour;
  const bool inside = column + at < stride;
  to += image * kWidth + at;
  from += static_cast<int64_t>(first + image) * stride + column + at;
#pragma unroll
  for (int i = 0; i < kImages; i += kApart, to += kApart * kWidth, from += kApart * stride) {
    if (first + image + i >= n)
      *reinterpret_cast<float4 *>(to) = float4{0, 0, 0, 0};
    else if (inside)
      copy_later(reinterpret_cast<float4 *>(to), reinterpret_cast<const float4 *>(from));
  }
}

// A linear layer's tile.
__device__ void finish_weights(const Finish &a, int layer, int tile, int n, float rate) {
  float *const outputs = shared_memory<float>() + kReserved, *const inputs = outputs + kOfInputs;
  const int features = a.features.of[layer], rows = a.features.of[layer + 1];
  const int across = groups_of(features, kTileColumns);
  const int first_o = tile / across * kTileRows, first_k = tile % across * kTileColumns;
  const int o = lane() / 4 * kFour, k = lane() % 4 * kFour;
  // The weight that is this thread's in the end, which comes meanwhile.
  static_assert(kTileRows * kTileColumns == kThreads, "");
  const int of_lane = threadIdx.x / kFour % 32, which = kConvolutions + layer;
  const int row = first_o + of_lane / 4 * kFour + threadIdx.x / (32 * kFour),
            column = first_k + of_lane % 4 * kFour + threadIdx.x % kFour;
  const bool there = row < rows && column < features;
  const Parameter weight = weight_of(a.update, which), bias = bias_of(a.update, which);
  const float value = there && weight.value ? weight.value[row * features + column] : 0;
  float sums[kFour][kFour] = {}, of_bias[kFour] = {};
#pragma unroll 1
  for (int first = 0; first < n; first += kImages) {
    if (first) __syncthreads();
    stage_columns<kTileRows>(outputs, a.from.gradients[layer], stride_of(rows), first, first_o, n);
    stage_columns<kTileColumns>(inputs, a.from.inputs[layer], stride_of(features), first, first_k, n);
    copied();
    __syncthreads();
#pragma unroll 4
    for (int image = warp(); image < kImages; image += kWarps) {
      const float4 g4 = *reinterpret_cast<const float4 *>(outputs + image * kTileRows + o);
      const float4 x4 = *reinterpret_cast<const float4 *>(inputs + image * kTileColumns + k);
      const float g[kFour] = {g4.x, g4.y, g4.z, g4.w}, x[kFour] = {x4.x, x4.y, x4.z, x4.w};
#pragma unroll
      for (int i = 0; i < kFour; i++) {
        if (first_k == 0) of_bias[i] += g[i];
#pragma unroll
        for (int j = 0; j < kFour; j++) sums[i][j] += g[i] * x[j];
      }
    }
  }
  __syncthreads();
  float *const of_warps = outputs, *const biases = outputs + kOfBiases;  // [kWarps, kFour, 32, kFour]; [kWarps, kTileRows]
#pragma unroll
  for (int i = 0; i < kFour; i++) {
    *reinterpret_cast<float4 *>(of_warps + ((warp() * kFour + i) * 32 + lane()) * kFour) =
        float4{sums[i][0], sums[i][1], sums[i][2], sums[i][3]};
    if (k == 0) biases[warp() * kTileRows + o + i] = of_bias[i];
  }
  __syncthreads();
  if (there) {
    float sum = 0;
#pragma unroll
    for (int w = 0; w < kWarps; w++) sum += of_warps[w * kThreads + threadIdx.x];
    store(a.gradients.weight[which], a.update, weight, rate, row * features + column, value, sum);
  }
  if (first_k > 0) return;
  // Two lanes for each row, which are 16 apart, add half of the warps' sums.
  if (threadIdx.x >= 2 * kTileRows) return;
  const int o_of = threadIdx.x / 32 * 16 + threadIdx.x % 16, half = threadIdx.x / 16 % 2;
  float sum = 0;
#pragma unroll
  for (int w = 0; w < kWarps; w += 2) sum += biases[(w + half) * kTileRows + o_of];
  sum += __shfl_xor_sync(kAll, sum, 16);
  if (half == 0 && first_o + o_of < rows)
    store(a.gradients.bias[which], a.update, bias, rate, first_o + o_of, bias.value ? bias.value[first_o + o_of] : 0, sum);
}

// Some of the convolutions' parameters.
__device__ void finish_filters(const Finish &a, int unit, int blocks, float rate) {
  float *const of_splits = shared_memory<float>() + kReserved;
  const int size = part_size(a.s), split = threadIdx.x / kColumns, column = threadIdx.x % kColumns,
            i = unit * kColumns + column;
  const int size1 = filters1(a.s) + a.s.channels1, layer = i < size1 ? 0 : 1, at = layer ? i - size1 : i;
  const int of_weights = layer ? filters2(a.s) : filters1(a.s);
  const Parameter p = at < of_weights ? weight_of(a.update, layer) : bias_of(a.update, layer);
  const float value = split == 0 && i < size && p.value ? p.value[at < of_weights ? at : at - of_weights] : 0;
  float sum = 0;
  if (i < size && split < kSplits) {
    const float *from = a.from.filters + static_cast<int64_t>(split) * size + i;
#pragma unroll 13
    for (int part = split; part < blocks; part += kSplits, from += kSplits * size) sum += *from;
  }
  if (split < kSplits) of_splits[split * kColumns + column] = sum;
  __syncthreads();
  if (split > 0 || i >= size) return;
#pragma unroll
  for (int other = 1; other < kSplits; other++) sum += of_splits[other * kColumns + column];
  if (at < of_weights)
    store(a.gradients.weight[layer], a.update, p, rate, at, value, sum);
  else
    store(a.gradients.bias[layer], a.update, p, rate, at - of_weights, value, sum);
}

// samples: of a block at a time.
__device__ void finish_losses(const Finish &a, int n, int blocks, int samples) {
  if (warp() > 0) return;
  double loss = 0;
  int right = 0;
#pragma unroll 1
  for (int i = lane(); i < blocks * kMostSamples; i += 32)
    if (i % kMostSamples < samples) loss += a.from.losses[i], right += a.from.right[i];
#pragma unroll 1
  for (int mask = 16; mask > 0; mask /= 2) {
    loss += __shfl_xor_sync(kAll, loss, mask);
    right += __shfl_xor_sync(kAll, right, mask);
  }
  if (lane() > 0) return;
  a.sums[0] += loss;
  a.sums[1] += right;
  a.sums[2] += n;
}

// All units, of the blocks that a launch has. n images, in the pass's blocks, so many samples in each at a time.
__device__ void finish_batch(const Finish &a, int n, int blocks, int samples, float rate) {
#pragma unroll 1
  for (int unit = blockIdx.x; unit < a.units; unit += gridDim.x) {
    if (unit != static_cast<int>(blockIdx.x)) __syncthreads();  // before the shared memory is used again
    int of_layer = unit, layer = 0;
    while (layer < kLinears && of_layer >= tiles(a.features.of[layer + 1], a.features.of[layer]))
      of_layer -= tiles(a.features.of[layer + 1], a.features.of[layer]), layer++;
    const int parts = groups_of(part_size(a.s), kColumns);
    if (layer < kLinears)
      finish_weights(a, layer, of_layer, n, rate);
    else if (of_layer < parts)
      finish_filters(a, of_layer, blocks, rate);
    else
      finish_losses(a, n, blocks, samples);
  }
}

}  // namespace
}  // namespace lenet::cuda
