// torchx.h: CUDA devices, graphs and rings, all by the plug-in.
#include "cuda/plug_in.h"

#include "face.h"

using namespace lenet::face;
using lenet::cuda_plug_in;
using lenet::cuda_with_driver;

char *torchx_cuda_device_count(int *n) {
  return caught([&] { *n = cuda_with_driver().device_count(); });
}

char *torchx_cuda_device_at(int index, torchx_cuda_device *device) {
  return caught([&] { cuda_with_driver().device(index, device); });
}

char *torchx_cuda_versions(int *plug_in, int *driver) {
  return caught([&] {
    *plug_in = cuda_plug_in().runtime_version();
    *driver = cuda_plug_in().driver_version();
  });
}

char *torchx_cuda_free_memory(int index, int64_t *bytes) {
  return caught([&] { *bytes = cuda_with_driver().free_memory(index); });
}

char *torchx_cuda_use(int index) {
  return caught([&] { cuda_with_driver().use(index); });
}

char *torchx_cuda_synchronize() {
  return caught([&] { cuda_with_driver().synchronize(); });
}

char *torchx_cuda_release() {
  return caught([&] { cuda_with_driver().release(); });
}

char *torchx_graph_begin(void **graph) {
  return caught([&] { *graph = cuda_with_driver().begin_graph(); });
}

char *torchx_graph_end(void *graph) {
  return caught([&] { cuda_with_driver().end_graph(graph); });
}

char *torchx_graph_replay(void *graph) {
  return caught([&] { cuda_with_driver().replay_graph(graph); });
}

void torchx_graph_free(void *graph) { cuda_with_driver().free_graph(graph); }

char *torchx_ring(size_t buffers, size_t bytes, void **ring) {
  return caught([&] { *ring = cuda_with_driver().new_ring(buffers, bytes); });
}

uint8_t *torchx_ring_buffer(void *ring, size_t i) { return cuda_with_driver().ring_buffer(ring, i); }

char *torchx_ring_send(void *ring, size_t i, void *tensor) {
  return caught([&] { cuda_with_driver().send(ring, i, tensor_of(tensor)); });
}

char *torchx_ring_wait(void *ring, size_t i) {
  return caught([&] { cuda_with_driver().wait(ring, i); });
}

void torchx_ring_free(void *ring) { cuda_with_driver().free_ring(ring); }
