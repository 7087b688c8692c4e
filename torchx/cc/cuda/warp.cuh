// Threads, and sums over a warp's lanes.
#pragma once

#include "launch.h"

namespace lenet::cuda {
namespace {

constexpr int kThreads = 512, kWarps = kThreads / 32;

__device__ int lane() { return threadIdx.x % 32; }
__device__ int warp() { return threadIdx.x / 32; }

constexpr unsigned kAll = 0xffffffff;  // lanes

// The sums over the lanes of each of a lane's N values, for N a power of two up to 32. Each lane gets one of the sums: that of
// value lane / (32 / N). In each step a lane hands on the half of its values that it will not have in the end.
template <int N>
__device__ float sums_of_lanes(float (&v)[N]) {
  int mask = 16;
#pragma unroll
  for (int half = N / 2; half > 0; half /= 2, mask /= 2) {
    const bool upper = lane() & mask;
#pragma unroll
    for (int i = 0; i < half; i++) {
      const float given = upper ? v[i] : v[i + half], kept = upper ? v[i + half] : v[i];
      v[i] = kept + __shfl_xor_sync(kAll, given, mask);
    }
  }
#pragma unroll
  for (; mask > 0; mask /= 2) v[0] += __shfl_xor_sync(kAll, v[0], mask);
  return v[0];
}

__device__ float largest_of_lanes(float x) {
  for (int mask = 16; mask > 0; mask /= 2) {
    const float other = __shfl_xor_sync(kAll, x, mask);
    x = other > x ? other : x;
  }
  return x;
}

__device__ float sum_of_lanes(float x) {
  for (int mask = 16; mask > 0; mask /= 2) x += __shfl_xor_sync(kAll, x, mask);
  return x;
}

}  // namespace
}  // namespace lenet::cuda
