// A ring of buffers in pinned host memory, from which a GPU copies while it computes.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lenet::cuda {

// Buffer i goes through a piece of device memory of its own: a stream for copies fills that, the training thread's stream
// copies it on to where the network reads. So the next batches come over while a step computes, and a captured step finds each
// batch at one address. Two events a buffer keep the order: `copied`, after which the host may fill it again; `taken`, after
// which the stream for copies may overwrite its device memory.
class Ring {
 public:
  Ring(size_t buffers, size_t bytes);  // on the calling thread's device, for its stream
  ~Ring();                             // waits for the copies
  Ring(const Ring &) = delete;
  Ring &operator=(const Ring &) = delete;

  uint8_t *buffer(size_t i) { return slots_.at(i).host; }

  // Copies buffer i to a tensor of as many bytes on the device, after what its stream has yet to do. Returns at once.
  void send(size_t i, at::Tensor &to);

  // Returns when buffer i has been copied from, on any thread.
  void wait(size_t i);

 private:
  struct Slot {
    uint8_t *host = nullptr;
    at::Tensor device;
    cudaEvent_t copied = nullptr, taken = nullptr;
  };

  size_t bytes_;
  c10::cuda::CUDAStream computing_, copying_;
  std::vector<Slot> slots_;
};

}  // namespace lenet::cuda
