// streams.h over CUDA's runtime.
#include "streams.h"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace lenet::cuda {
namespace {

struct Own {
  int device = 0;
  cudaStream_t stream = nullptr;
};
thread_local Own own;

struct Released {
  std::mutex mutex;
  std::map<int, std::vector<cudaStream_t>> streams;  // by device
};

Released &released() {
  static auto *all = new Released;  // threads may outlive the program's static objects
  return *all;
}

cudaStream_t stream_of(int device) {
  {
    const std::lock_guard<std::mutex> lock(released().mutex);
    auto &streams = released().streams[device];
    if (!streams.empty()) {
      cudaStream_t stream = streams.back();
      streams.pop_back();
      return stream;
    }
  }
  cudaStream_t stream = nullptr;
  C10_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

}  // namespace

void use_device(int index) {
  if (own.stream && own.device != index) release_stream();
  c10::cuda::set_device(static_cast<c10::DeviceIndex>(index));
  if (!own.stream) own = {index, stream_of(index)};
  c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromExternal(own.stream, static_cast<c10::DeviceIndex>(index)));
}

void synchronize_stream() {
  if (own.stream) C10_CUDA_CHECK(cudaStreamSynchronize(own.stream));
}

void release_stream() {
  if (!own.stream) return;
  // A stream whose work has failed is not handed on.
  const Own mine = std::exchange(own, {});
  c10::cuda::setCurrentCUDAStream(c10::cuda::getDefaultCUDAStream(static_cast<c10::DeviceIndex>(mine.device)));
  C10_CUDA_CHECK(cudaStreamSynchronize(mine.stream));
  const std::lock_guard<std::mutex> lock(released().mutex);
  released().streams[mine.device].push_back(mine.stream);
}

}  // namespace lenet::cuda
