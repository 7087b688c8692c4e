// linear's kernels: layers with an activation between each and the next. At LeNet's sizes, a step's layers are only 30 million
// multiplications, and the time goes into waiting for one kernel to end before the next begins. So there are few kernels.
//
// Forward, and back through the layers' inputs, a block takes two samples through all layers; the activations stay in the
// memory that its threads share, and the weights come from the L2 cache, each for both samples. The gradients of the weights,
// which sum over samples, are tiles of 16x16 for all layers in one launch.
#include "activation.cuh"
#include "kernels.h"
#include "launch.h"

namespace lenet::cuda {
namespace {

#ifdef LENET_EMULATED
constexpr int kThreads = 128;
#else
constexpr int kThreads = 1024;
#endif
constexpr int kWarps = kThreads / 32;
constexpr int kSamples = 2;

__global__ void __launch_bounds__(kThreads)
    forward(const __grid_constant__ Layers l, int most, const float *x, const __grid_constant__ Pointers biases,
            const __grid_constant__ Targets outputs) {
  float *in = shared_memory<float>(), *out = in + kSamples * most;  // [kSamples, most]
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kSamples;
  for (int i = threadIdx.x; i < kSamples * l.features[0]; i += kThreads) {
    const int s = i / l.features[0], k = i % l.features[0];
    in[s * most + k] = first + s < l.n ? x[(first + s) * l.features[0] + k] : 0;
  }
  __syncthreads();
  for (int layer = 0; layer < l.layers; layer++) {
    const int features = l.features[layer], rows = l.features[layer + 1];
    for (int o = warp; o < rows; o += kWarps) {
      const float *weight = l.weight[layer] + static_cast<int64_t>(o) * features;
      float sums[kSamples] = {};
#pragma unroll 8
      for (int k = lane; k < features; k += 32) {
        const float f = weight[k];
#pragma unroll
        for (int s = 0; s < kSamples; s++) sums[s] += f * in[s * most + k];
      }
#pragma unroll
      for (int s = 0; s < kSamples; s++) {
        for (int mask = 16; mask; mask /= 2) sums[s] += __shfl_xor_sync(0xffffffff, sums[s], mask);
        if (lane != s) continue;
        float y = sums[s] + biases.at[layer][o];
        if (layer + 1 < l.layers) y = activated(l.activation, y);
        out[s * most + o] = y;
        if (first + s < l.n) outputs.at[layer][(first + s) * rows + o] = y;
      }
    }
    __syncthreads();
    float *const swapped = in;
    in = out, out = swapped;
  }
}

// gradients[l] for each layer but the last, and dx unless it is null. For each input k, some threads divide the layer's
// outputs.
__global__ void __launch_bounds__(kThreads)
    backward_inputs(const __grid_constant__ Layers l, int most, const __grid_constant__ Pointers inputs, const float *dy,
                    const __grid_constant__ Targets gradients, float *dx) {
  float *of_out = shared_memory<float>(), *of_in = of_out + kSamples * most, *parts = of_in + kSamples * most;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kSamples;
  const int classes = l.features[l.layers];
  for (int i = threadIdx.x; i < kSamples * classes; i += kThreads) {
    const int s = i / classes, o = i % classes;
    of_out[s * most + o] = first + s < l.n ? dy[(first + s) * classes + o] : 0;
  }
  __syncthreads();
  for (int layer = l.layers - 1; layer >= (dx ? 0 : 1); layer--) {
    const int features = l.features[layer], rows = l.features[layer + 1];
    const int splits = features < kThreads ? kThreads / features : 1;
    for (int i = threadIdx.x; i < splits * features; i += kThreads) {
      const int k = i % features, split = i / features;
      const float *weight = l.weight[layer] + k;
      float sums[kSamples] = {};
#pragma unroll 8
      for (int o = split; o < rows; o += splits) {
        const float f = weight[static_cast<int64_t>(o) * features];
#pragma unroll
        for (int s = 0; s < kSamples; s++) sums[s] += f * of_out[s * most + o];
      }
#pragma unroll
      for (int s = 0; s < kSamples; s++) parts[(split * kSamples + s) * features + k] = sums[s];
    }
    __syncthreads();
    float *const to = layer ? gradients.at[layer - 1] : dx;
    for (int i = threadIdx.x; i < kSamples * features; i += kThreads) {
      const int s = i / features, k = i % features;
      if (first + s >= l.n) continue;
      float sum = 0;
      for (int split = 0; split < splits; split++) sum += parts[(split * kSamples + s) * features + k];
      if (layer) sum *= slope(l.activation, inputs.at[layer][(first + s) * features + k]);
      of_in[s * most + k] = sum;
      to[(first + s) * features + k] = sum;
    }
    __syncthreads();
    float *const swapped = of_out;
    of_out = of_in, of_in = swapped;
  }
}

constexpr int kTile = 16, kRows = 32;  // a tile's side; samples that it takes at a time
constexpr int kTileThreads = 64;       // each has two by two of the tile

__host__ __device__ int tiles(int n) { return (n + kTile - 1) / kTile; }
__host__ __device__ int tiles(const Layers &l, int layer) { return tiles(l.features[layer]) * tiles(l.features[layer + 1]); }

__global__ void __launch_bounds__(kTileThreads)
    backward_weights(const __grid_constant__ Layers l, const __grid_constant__ Pointers inputs,
                     const __grid_constant__ Pointers gradients, const __grid_constant__ Targets dweights,
                     const __grid_constant__ Targets dbiases) {
  __shared__ float g[kRows][kTile], x[kRows][kTile];
  int layer = 0, tile = blockIdx.x;
  for (; tile >= tiles(l, layer); layer++) tile -= tiles(l, layer);
  const int features = l.features[layer], rows = l.features[layer + 1];
  const int o0 = tile / tiles(features) * kTile, k0 = tile % tiles(features) * kTile;
  const int o = threadIdx.x / 8 * 2, k = threadIdx.x % 8 * 2;  // in the tile
  float sums[2][2] = {}, of_bias[2] = {};
  for (int64_t n0 = 0; n0 < l.n; n0 += kRows) {
#pragma unroll
    for (int i = threadIdx.x; i < kRows * kTile; i += kTileThreads) {
      const int64_t n = n0 + i / kTile;
      const int column = i % kTile;
      g[i / kTile][column] = n < l.n && o0 + column < rows ? gradients.at[layer][n * rows + o0 + column] : 0;
      x[i / kTile][column] = n < l.n && k0 + column < features ? inputs.at[layer][n * features + k0 + column] : 0;
    }
    __syncthreads();
#pragma unroll 8
    for (int n = 0; n < kRows; n++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        of_bias[i] += g[n][o + i];
#pragma unroll
        for (int j = 0; j < 2; j++) sums[i][j] += g[n][o + i] * x[n][k + j];
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < 2; i++) {
    if (o0 + o + i >= rows) break;
    for (int j = 0; j < 2; j++)
      if (k0 + k + j < features) dweights.at[layer][static_cast<int64_t>(o0 + o + i) * features + k0 + k + j] = sums[i][j];
    if (k0 + k == 0) dbiases.at[layer][o0 + o + i] = of_bias[i];
  }
}

int most_features(const Layers &l) {
  int most = 0;
  for (int i = 0; i <= l.layers; i++) most = l.features[i] > most ? l.features[i] : most;
  return most;
}

dim3 blocks(const Layers &l) { return dim3((l.n + kSamples - 1) / kSamples); }

}  // namespace

void linear_forward(const Layers &l, const float *x, const Pointers &biases, const Targets &outputs, cudaStream_t stream) {
  const int most = most_features(l);
  launch(forward, blocks(l), kThreads, 2 * kSamples * most * sizeof(float), stream, l, most, x, biases, outputs);
}

void linear_backward_inputs(const Layers &l, const Pointers &inputs, const float *dy, const Targets &gradients, float *dx,
                            cudaStream_t stream) {
  const int most = most_features(l), parts = most > kThreads ? most : kThreads;
  launch(backward_inputs, blocks(l), kThreads, kSamples * (2 * most + parts) * sizeof(float), stream, l, most, inputs, dy,
         gradients, dx);
}

void linear_backward_weights(const Layers &l, const Pointers &inputs, const Pointers &gradients, const Targets &dweights,
                             const Targets &dbiases, cudaStream_t stream) {
  int count = 0;
  for (int layer = 0; layer < l.layers; layer++) count += tiles(l, layer);
  launch(backward_weights, dim3(count), kTileThreads, 0, stream, l, inputs, gradients, dweights, dbiases);
}

}  // namespace lenet::cuda
