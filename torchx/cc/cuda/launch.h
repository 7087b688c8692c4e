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

constexpr size_t kSharedByDefault = 48 << 10;  // what a block may have without setting an attribute

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, int threads, size_t shared, cudaStream_t stream, Arguments... arguments) {
  cudaError_t error = cudaSuccess;
  if (shared > kSharedByDefault)
    error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
  cudaLaunchConfig_t config{};
  config.gridDim = grid, config.blockDim = threads, config.dynamicSmemBytes = shared, config.stream = stream;
  if (error == cudaSuccess) error = cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...);
  if (error != cudaSuccess) throw std::runtime_error(std::string("CUDA kernel: ") + cudaGetErrorString(error));
}

}  // namespace lenet::cuda
#endif
