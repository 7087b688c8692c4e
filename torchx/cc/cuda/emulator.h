// CUDA kernels on the CPU, for tests without a GPU: the parts of CUDA's language that the kernels use, for g++.
//
// A block's threads are fibers of the calling thread. One runs at a time, until its next barrier, and after every barrier their
// order is another: where a barrier is missing, a result that depends on the order comes out wrong. So is the order of the
// blocks, of which one ends before the next begins: no block may wait for another. Shared memory begins as NaN.
//
// A launch that no GPU of the emulated kind accepts throws, as launch.h's does. These faults of a kernel end the process with a
// message:
//   - a barrier, or a shuffle, that not all of its threads reach;
//   - a load or store at an address that is not a multiple of its type's alignment;
//   - one block's access to memory that another block of the same launch writes, unless fences and atomics order the two
//     (emulator_memory.h).
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
#define __forceinline__

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

using cudaStream_t = void *;

// With CUDA's alignments, which the checks go by.
#define LENET_VECTORS(T, name)                               \
  struct alignas(2 * sizeof(T)) name##2 { T x, y; };         \
  struct alignas(4 * sizeof(T)) name##4 { T x, y, z, w; };   \
  inline name##2 make_##name##2(T x, T y) { return {x, y}; } \
  inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
LENET_VECTORS(float, float)
LENET_VECTORS(int, int)
LENET_VECTORS(unsigned, uint)
#undef LENET_VECTORS

namespace lenet::cuda {

struct Index {
  unsigned x, y, z;
};

// Of the fiber that runs.
extern Index thread_index, block_index;
extern dim3 block_size, grid_size;

void block_barrier();
void warp_barrier(unsigned lanes);
uint64_t shuffle(unsigned lanes, uint64_t bits, int from);
int add_atomically(int *at, int value);
void fence();

// The bytes of shared memory that a block may have on the emulated GPU. The environment variable LENET_EMULATED_GPU names its
// compute capability, such as 90 for 9.0; without it, it is 75, which has the least.
size_t shared_limit();

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

// The compute capability of the emulated GPU, times ten.
int compute_capability();

// The copies of launch.h, which here are made at once.
inline void copy_later(float4 *to, const float4 *from) { *to = *from; }
inline void copy_later(uint32_t *to, const uint32_t *from) { *to = *from; }
inline void copied() {}

inline unsigned cluster_rank() { return 0; }

class Arrival {
 public:
  explicit Arrival(float *) {}
  void begin() {}
  void expect(unsigned) {}
  void copy(float *to, const float *from, unsigned bytes, uint16_t) {
    for (unsigned i = 0; i < bytes / sizeof *to; i++) to[i] = from[i];
  }
  void wait(unsigned) {}
};

// The value of the lane `from`, or the lane's own where that lies outside of its section of width lanes.
template <typename T>
T shuffled(unsigned lanes, T value, int from, int section, int width) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  const int lane = thread_index.x % 32;
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  bits = shuffle(lanes, bits, from / width == section ? from : lane);
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace lenet::cuda

#define threadIdx ::lenet::cuda::thread_index
#define blockIdx ::lenet::cuda::block_index
#define blockDim ::lenet::cuda::block_size
#define gridDim ::lenet::cuda::grid_size

inline void __syncthreads() { ::lenet::cuda::block_barrier(); }
inline void __syncwarp(unsigned lanes = 0xffffffff) { ::lenet::cuda::warp_barrier(lanes); }
inline void __threadfence() { ::lenet::cuda::fence(); }

// The emulated kernels of a stream run one after another.
inline void cudaGridDependencySynchronize() {}
inline void cudaTriggerProgrammaticLaunchCompletion() {}

template <typename T>
T __shfl_sync(unsigned lanes, T value, int from, int width = 32) {
  const int lane = threadIdx.x % 32, section = lane / width;
  return ::lenet::cuda::shuffled(lanes, value, section * width + from % width, section, width);
}

template <typename T>
T __shfl_down_sync(unsigned lanes, T value, unsigned delta, int width = 32) {
  const int lane = threadIdx.x % 32;
  return ::lenet::cuda::shuffled(lanes, value, lane + delta, lane / width, width);
}

template <typename T>
T __shfl_xor_sync(unsigned lanes, T value, int mask, int width = 32) {
  const int lane = threadIdx.x % 32;
  return ::lenet::cuda::shuffled(lanes, value, lane ^ mask, lane / width, width);
}

template <typename T>
T __ldg(const T *from) {
  return *from;
}

inline int atomicAdd(int *at, int value) { return ::lenet::cuda::add_atomically(at, value); }
inline unsigned atomicAdd(unsigned *at, unsigned value) {
  return ::lenet::cuda::add_atomically(reinterpret_cast<int *>(at), value);
}

inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<uint64_t>(a) * b >> 32; }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned __int128>(a) * b >> 64;
}
