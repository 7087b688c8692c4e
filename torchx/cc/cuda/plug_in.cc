// The plug-in: plug_in.h over CUDA's runtime and CUDA's half of libtorch.
#include "plug_in.h"

#include <ATen/Context.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include <cstring>

#include "graph.h"
#include "ring.h"
#include "streams.h"

namespace {

int driver_version() {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess ? version : 0;
}

int runtime_version() { return CUDART_VERSION; }

int device_count() {
  int n = 0;
  const cudaError_t error = cudaGetDeviceCount(&n);
  if (error == cudaErrorNoDevice) {
    cudaGetLastError();  // or the next check would find it
    return 0;
  }
  C10_CUDA_CHECK(error);
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

int64_t free_memory(int index) {
  c10::cuda::CUDAGuard guard(index);
  size_t free = 0, total = 0;
  C10_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  return free;
}

void use(int index) {
  lenet::cuda::use_device(index);
  at::globalContext().setAllowTF32CuDNN(false);  // float32 is float32, on every device
}

lenet::cuda::Graph &graph_of(void *graph) { return *static_cast<lenet::cuda::Graph *>(graph); }

void *begin_graph() { return lenet::cuda::Graph::begin().release(); }
void end_graph(void *graph) { graph_of(graph).end(); }
void replay_graph(void *graph) { graph_of(graph).replay(); }
void free_graph(void *graph) { delete &graph_of(graph); }

lenet::cuda::Ring &ring_of(void *ring) { return *static_cast<lenet::cuda::Ring *>(ring); }

void *new_ring(size_t buffers, size_t bytes) { return new lenet::cuda::Ring(buffers, bytes); }
uint8_t *ring_buffer(void *ring, size_t i) { return ring_of(ring).buffer(i); }
void send(void *ring, size_t i, at::Tensor &to) { ring_of(ring).send(i, to); }
void wait(void *ring, size_t i) { ring_of(ring).wait(i); }
void free_ring(void *ring) { delete &ring_of(ring); }

}  // namespace

const lenet::Cuda lenet_cuda = {driver_version,
                                runtime_version,
                                device_count,
                                device,
                                free_memory,
                                use,
                                lenet::cuda::synchronize_stream,
                                lenet::cuda::release_stream,
                                begin_graph,
                                end_graph,
                                replay_graph,
                                free_graph,
                                new_ring,
                                ring_buffer,
                                send,
                                wait,
                                free_ring};
