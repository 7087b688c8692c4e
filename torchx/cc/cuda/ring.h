// A ring of buffers in pinned host memory, from which a GPU copies while it computes.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lenet::cuda {

// Each buffer has its own piece of device memory. A stream for copies fills it from the buffer; the stream of the thread that
// sends copies it to the tensor that the network reads. So the next batches are copied to the device while a step computes, and
// a captured step finds every batch at the same address. Two events for each buffer keep the order: `copied`, after which the
// host may fill it again; `taken`, after which the stream for copies may overwrite its device memory.
class Ring {
 public:
  Ring(size_t buffers, size_t bytes);  // on the calling thread's device
  ~Ring();                             // waits for the copies
  Ring(const Ring &) = delete;
  Ring &operator=(const Ring &) = delete;

  uint8_t *buffer(size_t i) { return slots_.at(i).host; }

  // Queues a copy of buffer i to a tensor of as many bytes on the device, behind the work of the calling thread's stream, which
  // need not be that of earlier calls. Returns at once.
  void send(size_t i, at::Tensor &to);

  // Returns when buffer i has been copied and may be filled again. Any thread may call it.
  void wait(size_t i);

 private:
  struct Slot {
    uint8_t *host = nullptr;
    at::Tensor device;
    cudaEvent_t copied = nullptr, taken = nullptr;
  };

  void free() noexcept;

  size_t bytes_;
  c10::Device device_;
  cudaStream_t copying_ = nullptr;
  std::vector<Slot> slots_;
};

}  // namespace lenet::cuda
