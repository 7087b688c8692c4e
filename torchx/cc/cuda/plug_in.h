// The plug-in libtorchx_cuda: the functions that need CUDA's half of libtorch. It is loaded when a CUDA device is asked for
// (../loader.cc), and before anything else asks libtorch about CUDA: libtorch looks for its CUDA half only once.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "torchx.h"

namespace at {
class Tensor;
}

namespace lenet {

struct Cuda {
  int (*driver_version)();   // the newest CUDA that the driver supports, as 1000 * major + 10 * minor; 0 without a driver
  int (*runtime_version)();  // the CUDA that libtorch was built with
  int (*device_count)();     // 0 where the driver shows none; throws CUDA's other errors
  void (*device)(int index, torchx_cuda_device *);
  int64_t (*free_memory)(int index);

  // Makes the calling thread work on a device and on a stream that no other thread has, and which can be captured.
  void (*use)(int index);
  void (*synchronize)();  // waits for that stream; does nothing without one
  void (*release)();      // waits for it and gives it back, for the next use

  // A graph: what is queued on the calling thread's stream between begin and end is recorded, not executed. One is recorded at
  // a time: begin waits for other threads' end. A graph whose end has thrown can only be freed.
  void *(*begin_graph)();
  void (*end_graph)(void *graph);
  void (*replay_graph)(void *graph);
  void (*free_graph)(void *graph);

  // A ring of buffers in pinned host memory (ring.cc), for the calling thread's device.
  void *(*new_ring)(size_t buffers, size_t bytes);
  uint8_t *(*ring_buffer)(void *ring, size_t i);
  void (*send)(void *ring, size_t i, at::Tensor &to);
  void (*wait)(void *ring, size_t i);
  void (*free_ring)(void *ring);
};

// The plug-in; and the plug-in if the driver is new enough for it. Otherwise they throw, and say in one line what is missing
// and what to do.
const Cuda &cuda_plug_in();
const Cuda &cuda_with_driver();

}  // namespace lenet

// The plug-in's one symbol.
extern "C" const lenet::Cuda lenet_cuda;
