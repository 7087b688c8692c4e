// CUDA kernels on the CPU, for tests without a GPU: the parts of CUDA's language that the kernels use, for g++.
//
// A block's threads are fibers of the calling thread. One runs at a time, until its next barrier, and after every barrier their
// order is another: where a barrier is missing, a result that depends on the order comes out wrong. A barrier that not all
// threads reach ends the process with a message. Shared memory begins as NaN.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include <functional>

#define __global__
#define __device__ inline
#define __host__
#define __grid_constant__
#define __shared__ static
#define __launch_bounds__(...)

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

using cudaStream_t = void *;

namespace lenet::cuda {

struct Index {
  unsigned x, y, z;
};

// Of the fiber that runs.
extern Index thread_index, block_index;
extern dim3 block_size, grid_size;

void block_barrier();
void warp_barrier();
uint32_t shuffle_xor(uint32_t value, int mask);

void *shared_bytes();
void run_blocks(dim3 grid, int threads, size_t shared, const std::function<void()> &kernel);

template <typename T>
T *shared_memory() {
  return static_cast<T *>(shared_bytes());
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared, cudaStream_t, Arguments... arguments) {
  run_blocks(grid, threads, shared, [=] { kernel(static_cast<Parameters>(arguments)...); });
}

}  // namespace lenet::cuda

#define threadIdx ::lenet::cuda::thread_index
#define blockIdx ::lenet::cuda::block_index
#define blockDim ::lenet::cuda::block_size
#define gridDim ::lenet::cuda::grid_size

inline void __syncthreads() { ::lenet::cuda::block_barrier(); }
inline void __syncwarp() { ::lenet::cuda::warp_barrier(); }

inline float __shfl_xor_sync(unsigned, float value, int mask) {
  static_assert(sizeof(float) == sizeof(uint32_t));
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  bits = ::lenet::cuda::shuffle_xor(bits, mask);
  __builtin_memcpy(&value, &bits, sizeof bits);
  return value;
}
