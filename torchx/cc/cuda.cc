// The plug-in: cuda.h over CUDA's runtime and CUDA's half of libtorch.
#include "cuda.h"

#include <c10/cuda/CUDAException.h>
#include <cuda_runtime_api.h>

#include <cstring>

namespace {

int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

int runtime_version() { return CUDART_VERSION; }

int device_count() {
  int n = 0;
  C10_CUDA_CHECK(cudaGetDeviceCount(&n));
  return n;
}

void device(int index, torchx_cuda_device *d) {
  cudaDeviceProp p;
  C10_CUDA_CHECK(cudaGetDeviceProperties(&p, index));
  std::strncpy(d->name, p.name, sizeof d->name - 1);
  d->name[sizeof d->name - 1] = 0;
  d->memory_bytes = p.totalGlobalMem;
  d->major = p.major;
  d->minor = p.minor;
}

}  // namespace

const lenet::Cuda lenet_cuda = {driver_version, runtime_version, device_count, device};
