// ring.h over CUDA's runtime.
#include "ring.h"

#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace lenet::cuda {

Ring::Ring(size_t buffers, size_t bytes) : bytes_(bytes), device_(c10::kCUDA, c10::cuda::current_device()), slots_(buffers) {
  try {
    const cudaStream_t computing = c10::cuda::getCurrentCUDAStream();
    C10_CUDA_CHECK(cudaStreamCreateWithFlags(&copying_, cudaStreamNonBlocking));
    for (Slot &s : slots_) {
      s.device = at::empty({static_cast<int64_t>(bytes)}, at::TensorOptions(at::kByte).device(device_));
      C10_CUDA_CHECK(cudaHostAlloc(reinterpret_cast<void **>(&s.host), bytes, cudaHostAllocDefault));
      for (cudaEvent_t *event : {&s.copied, &s.taken}) {
        // A wait for `copied` sleeps, since the waiting thread may share a core with the one that trains.
        C10_CUDA_CHECK(cudaEventCreateWithFlags(event, cudaEventDisableTiming | cudaEventBlockingSync));
        C10_CUDA_CHECK(cudaEventRecord(*event, computing));
      }
    }
  } catch (...) {
    free();
    throw;
  }
}

Ring::~Ring() {
  const c10::cuda::CUDAGuard guard(device_);
  free();
}

// A slot's last event `taken` comes after all copies from its memory, whichever streams they are on.
void Ring::free() noexcept {
  if (copying_) C10_CUDA_CHECK_WARN(cudaStreamSynchronize(copying_));
  for (Slot &s : slots_) {
    if (s.taken) C10_CUDA_CHECK_WARN(cudaEventSynchronize(s.taken));
    if (s.taken) C10_CUDA_CHECK_WARN(cudaEventDestroy(s.taken));
    if (s.copied) C10_CUDA_CHECK_WARN(cudaEventDestroy(s.copied));
    if (s.host) C10_CUDA_CHECK_WARN(cudaFreeHost(s.host));
  }
  if (copying_) C10_CUDA_CHECK_WARN(cudaStreamDestroy(copying_));
}

void Ring::send(size_t i, at::Tensor &to) {
  TORCH_CHECK(to.device() == device_ && to.is_contiguous() && to.nbytes() == bytes_, "a batch's memory must be ", bytes_,
              " bytes on ", device_);
  const cudaStream_t computing = c10::cuda::getCurrentCUDAStream(device_.index());
  Slot &s = slots_.at(i);
  C10_CUDA_CHECK(cudaStreamWaitEvent(copying_, s.taken));
  C10_CUDA_CHECK(cudaMemcpyAsync(s.device.mutable_data_ptr(), s.host, bytes_, cudaMemcpyHostToDevice, copying_));
  C10_CUDA_CHECK(cudaEventRecord(s.copied, copying_));
  C10_CUDA_CHECK(cudaStreamWaitEvent(computing, s.copied));
  C10_CUDA_CHECK(
      cudaMemcpyAsync(to.mutable_data_ptr(), s.device.const_data_ptr(), bytes_, cudaMemcpyDeviceToDevice, computing));
  C10_CUDA_CHECK(cudaEventRecord(s.taken, computing));
}

void Ring::wait(size_t i) {
  // Without it, a wait on the loader's thread would open a context on the first GPU, whichever GPU the ring is on.
  const c10::cuda::CUDAGuard guard(device_);
  C10_CUDA_CHECK(cudaEventSynchronize(slots_.at(i).copied));
}

}  // namespace lenet::cuda
