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
template <int N, int kMask = 16>
__device__ __forceinline__ float sums_of_lanes(const float (&v)[N]) {
  if constexpr (N == 1) {
    float sum = v[0];
#pragma unroll
    for (int mask = kMask; mask > 0; mask /= 2) sum += __shfl_xor_sync(kAll, sum, mask);
    return sum;
  } else {
    const bool upper = lane() & kMask;
    float kept[N / 2];
#pragma unroll
    for (int i = 0; i < N / 2; i++)
      kept[i] = (upper ? v[i + N / 2] : v[i]) + __shfl_xor_sync(kAll, upper ? v[i] : v[i + N / 2], kMask);
    return sums_of_lanes<N / 2, kMask / 2>(kept);
  }
}

__device__ float largest_of_lanes(float x) {
  for (int mask = 16; mask > 0; mask /= 2) {
    const float other = __shfl_xor_sync(kAll, x, mask);
    x = other > x ? other : x;
  }
  return x;
}

}  // namespace
}  // namespace lenet::cuda
