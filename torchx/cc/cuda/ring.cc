// ring.h over CUDA's runtime.
#include "ring.h"

#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

namespace lenet::cuda {

Ring::Ring(size_t buffers, size_t bytes)
    : bytes_(bytes), computing_(c10::cuda::getCurrentCUDAStream()), copying_(c10::cuda::getStreamFromPool()), slots_(buffers) {
  for (Slot &s : slots_) {
    s.device = at::empty({static_cast<int64_t>(bytes)}, at::TensorOptions(at::kByte).device(computing_.device()));
    C10_CUDA_CHECK(cudaHostAlloc(reinterpret_cast<void **>(&s.host), bytes, cudaHostAllocDefault));
    for (cudaEvent_t *event : {&s.copied, &s.taken}) {
      // A wait for `copied` sleeps, since the waiting thread may share a core with the one that trains.
      C10_CUDA_CHECK(cudaEventCreateWithFlags(event, cudaEventDisableTiming | cudaEventBlockingSync));
      C10_CUDA_CHECK(cudaEventRecord(*event, computing_));
    }
  }
}

Ring::~Ring() {
  const c10::cuda::CUDAGuard guard(computing_.device());
  C10_CUDA_CHECK_WARN(cudaStreamSynchronize(copying_));
  C10_CUDA_CHECK_WARN(cudaStreamSynchronize(computing_));
  for (Slot &s : slots_) {
    if (s.copied) C10_CUDA_CHECK_WARN(cudaEventDestroy(s.copied));
    if (s.taken) C10_CUDA_CHECK_WARN(cudaEventDestroy(s.taken));
    if (s.host) C10_CUDA_CHECK_WARN(cudaFreeHost(s.host));
  }
}

void Ring::send(size_t i, at::Tensor &to) {
  TORCH_CHECK(to.device() == computing_.device() && to.is_contiguous() && to.nbytes() == bytes_, "a batch's memory must be ",
              bytes_, " bytes on ", computing_.device());
  Slot &s = slots_.at(i);
  C10_CUDA_CHECK(cudaStreamWaitEvent(copying_, s.taken));
  C10_CUDA_CHECK(cudaMemcpyAsync(s.device.mutable_data_ptr(), s.host, bytes_, cudaMemcpyHostToDevice, copying_));
  C10_CUDA_CHECK(cudaEventRecord(s.copied, copying_));
  C10_CUDA_CHECK(cudaStreamWaitEvent(computing_, s.copied));
  C10_CUDA_CHECK(
      cudaMemcpyAsync(to.mutable_data_ptr(), s.device.const_data_ptr(), bytes_, cudaMemcpyDeviceToDevice, computing_));
  C10_CUDA_CHECK(cudaEventRecord(s.taken, computing_));
}

void Ring::wait(size_t i) { C10_CUDA_CHECK(cudaEventSynchronize(slots_.at(i).copied)); }

}  // namespace lenet::cuda
