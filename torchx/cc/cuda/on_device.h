// For files that register operators on a GPU: the device's name in the dispatcher, and the stream on which the calling thread
// computes. With LENET_EMULATED, the device is the CPU.
#pragma once

#ifdef LENET_EMULATED
#include "emulator.h"
#define LENET_DEVICE CPU
#else
#include <c10/cuda/CUDAStream.h>
#define LENET_DEVICE CUDA
#endif

namespace lenet::cuda {

inline cudaStream_t current_stream() {
#ifdef LENET_EMULATED
  return nullptr;
#else
  return c10::cuda::getCurrentCUDAStream();
#endif
}

}  // namespace lenet::cuda
