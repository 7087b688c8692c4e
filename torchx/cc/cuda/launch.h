// Launches a kernel: on a GPU, or, where LENET_EMULATED is defined, as fibers on the CPU (emulator.h). Kernels include this in
// place of CUDA's headers.
#pragma once

#ifdef LENET_EMULATED
#include "emulator.h"
#else
#include <cuda_runtime.h>

#include <stdexcept>
#include <string>

namespace lenet::cuda {

// The block's shared memory; launch was given its size in bytes.
template <typename T>
__device__ T *shared_memory() {
  extern __shared__ float4 memory[];
  return reinterpret_cast<T *>(memory);
}

// Copies 16 or 4 bytes to shared memory, where the GPU can without waiting for them. copied waits for all of the thread's.
__device__ inline void copy_later(float4 *to, const float4 *from) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to))), "l"(from)
               : "memory");
#else
  *to = *from;
#endif
}
__device__ inline void copy_later(uint32_t *to, const uint32_t *from) {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to))), "l"(from)
               : "memory");
#else
  *to = *from;
#endif
}
__device__ inline void copied() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

// Copies by the copy engine of GPUs from Hopper on: one thread starts them, and all wait for their arrival. Memory: 16 bytes of
// the block's shared memory.
class Arrival {
 public:
  __device__ explicit Arrival(float *memory) : barrier_(static_cast<unsigned>(__cvta_generic_to_shared(memory))) {}

  // Once, by all threads, which then wait for each other.
  __device__ void begin() {
#if __CUDA_ARCH__ >= 900
    if (threadIdx.x == 0)
      asm volatile("mbarrier.init.shared.b64 [%0], 1; fence.mbarrier_init.release.cluster;" ::"r"(barrier_) : "memory");
    __syncthreads();
#endif
  }
  // By one thread, before its copies: their bytes together. What it has seen of others' reads and writes is done before.
  __device__ void expect(unsigned bytes) {
#if __CUDA_ARCH__ >= 900
    asm volatile("fence.proxy.async; mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(barrier_), "r"(bytes) : "memory");
#endif
  }
  // To the same place in the shared memory of all blocks of the cluster whose bits are in blocks, each of which expects it.
  __device__ void copy(float *to, const float *from, unsigned bytes, uint16_t blocks) {
#if __CUDA_ARCH__ >= 900
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], %2, [%3], %4;" ::"r"(
            static_cast<unsigned>(__cvta_generic_to_shared(to))),
        "l"(from), "r"(bytes), "r"(barrier_), "h"(blocks)
        : "memory");
#endif
  }
  // phase: how often copies have arrived before.
  __device__ void wait(unsigned phase) {
#if __CUDA_ARCH__ >= 900
    asm volatile("{\n.reg .pred done;\nagain:\nmbarrier.try_wait.parity.shared.b64 done, [%0], %1;\n@!done bra again;\n}" ::"r"(
                     barrier_),
                 "r"(phase & 1)
                 : "memory");
#endif
  }

 private:
  unsigned barrier_;
};

// A block's number in its cluster.
__device__ inline unsigned cluster_rank() {
  unsigned rank = 0;
#if __CUDA_ARCH__ >= 900
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
#endif
  return rank;
}

// Waits for the other blocks of the cluster.
__device__ inline void wait_for_the_cluster() {
#if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;" ::: "memory");
#endif
}

inline void check(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA kernel: ") + cudaGetErrorString(error));
}

constexpr size_t kSharedByDefault = 48 << 10;  // what a block may have without setting an attribute

// cluster: how many blocks are neighbours that can copy to each other. together: all blocks run at the same time, and may wait
// for each other.
template <typename... Parameters, typename... Arguments>
void launch_kernel(void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared, unsigned cluster, bool together,
                   cudaStream_t stream, Arguments... arguments) {
  if (shared > kSharedByDefault) {  // the limit is the kernel's, not the launch's: always as much as there is
    int device = 0, most = 0;
    check(cudaGetDevice(&device));
    check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most));
  }
  cudaLaunchAttribute attributes[2];
  unsigned n = 0;
  if (together) {
    attributes[n].id = cudaLaunchAttributeCooperative;
    attributes[n++].val.cooperative = 1;
  }
  if (cluster > 1) {
    attributes[n].id = cudaLaunchAttributeClusterDimension;
    attributes[n++].val.clusterDim = {cluster, 1, 1};
  }
  cudaLaunchConfig_t config{};
  config.gridDim = grid, config.blockDim = threads, config.dynamicSmemBytes = shared, config.stream = stream;
  config.attrs = attributes, config.numAttrs = n;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared, cudaStream_t stream, Arguments... arguments) {
  launch_kernel(kernel, grid, threads, shared, 1, false, stream, arguments...);
}

}  // namespace lenet::cuda
#endif
