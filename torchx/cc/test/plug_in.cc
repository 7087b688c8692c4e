// The plug-in on a stand-in for NVIDIA's runtime (runtime.h): libtorch's CUDA half is the real one.
#include "../cuda/plug_in.h"

#include <ATen/core/CachingHostAllocator.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "cuda/kernels.h"
#include "runtime.h"

namespace runtime = lenet::runtime;

namespace {

constexpr int kBytes = 64;

void demand(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "plug-in: %s\n", what);
  std::exit(1);
}

at::Tensor bytes_on(int device) {
  return at::empty({kBytes}, at::TensorOptions(at::kByte).device(at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device))));
}

cudaStream_t current_stream() { return c10::cuda::getCurrentCUDAStream(); }

void in_thread(const std::function<void()> &body) { std::thread(body).join(); }

// Threads wait at it until n have come.
class Meeting {
 public:
  explicit Meeting(int n) : missing_(n) {}
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (--missing_ == 0) all_.notify_all();
    all_.wait(lock, [this] { return missing_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_;
  int missing_;
};

// Two threads at once, each on a stream of its own: first runs, and then second.
void on_two_streams(const std::function<void()> &first, const std::function<void()> &second) {
  Meeting begun(2), ended(2);
  std::thread thread([&] {
    lenet_cuda.use(0);
    first();
    begun.wait();
    ended.wait();
    lenet_cuda.release();
  });
  begun.wait();
  in_thread([&] {
    lenet_cuda.use(0);
    second();
    lenet_cuda.release();
  });
  ended.wait();
  thread.join();
}

// Comes first: a context that is open stays so.
void a_wait_opens_no_context_on_another_device() {
  void *ring = nullptr;
  at::Tensor to;
  in_thread([&] {
    lenet_cuda.use(1);
    to = bytes_on(1);
    ring = lenet_cuda.new_ring(2, kBytes);
    lenet_cuda.send(ring, 0, to);
  });
  demand(!runtime::context_is_open(0), "work on cuda:1 has opened a context on cuda:0");
  in_thread([&] { lenet_cuda.wait(ring, 0); });
  demand(!runtime::context_is_open(0), "a wait for a ring of cuda:1 has opened a context on cuda:0");
  in_thread([&] { lenet_cuda.free_ring(ring); });
  demand(!runtime::context_is_open(0), "freeing a ring of cuda:1 has opened a context on cuda:0");
}

// As a sweep whose trials go on in another round, on another thread.
void a_batch_is_copied_on_the_stream_of_the_thread_that_sends_it() {
  void *ring = nullptr;
  at::Tensor to;
  int first = -1;
  on_two_streams(
      [&] {
        ring = lenet_cuda.new_ring(1, kBytes);
        to = bytes_on(0);
        lenet_cuda.ring_buffer(ring, 0)[0] = 1;
        lenet_cuda.send(ring, 0, to);
        first = runtime::last_copy(to.data_ptr());
      },
      [&] {
        const int step_before = runtime::queue(to.data_ptr(), current_stream());
        lenet_cuda.wait(ring, 0);
        lenet_cuda.ring_buffer(ring, 0)[0] = 2;
        lenet_cuda.send(ring, 0, to);
        const int step = runtime::queue(to.data_ptr(), current_stream());
        const int copy = runtime::last_copy(to.data_ptr());
        const int upload = runtime::last_copy(runtime::operation(copy).from);
        demand(runtime::is_before(step_before, copy), "a batch was copied before the step on the last one was done");
        demand(runtime::is_before(copy, step), "a step did not wait for the copy of its batch");
        demand(runtime::is_before(upload, copy), "a batch was copied before it was on the device");
        demand(runtime::is_before(first, upload), "a batch was overwritten before it was taken");
        demand(static_cast<uint8_t *>(to.data_ptr())[0] == 2, "a batch has other bytes");
      });
  lenet_cuda.free_ring(ring);
}

void a_ring_is_freed_after_the_copies_of_all_threads() {
  void *ring = nullptr;
  at::Tensor to, other;
  on_two_streams(
      [&] {
        ring = lenet_cuda.new_ring(2, kBytes);
        to = bytes_on(0), other = bytes_on(0);
        lenet_cuda.send(ring, 0, to);
      },
      [&] {
        lenet_cuda.send(ring, 1, other);
        const int copies[] = {runtime::last_copy(to.data_ptr()), runtime::last_copy(other.data_ptr())};
        lenet_cuda.free_ring(ring);
        for (int copy : copies) demand(runtime::operation(copy).complete, "a ring was freed before a copy from it was done");
      });
  demand(runtime::faults().empty(), "a ring was freed before a copy to it was done");
}

// libtorch's pool has 32 of them.
void threads_and_rings_have_streams_of_their_own() {
  constexpr int kThreads = 40;
  std::vector<cudaStream_t> streams;
  std::mutex mutex;
  Meeting begun(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++)
    threads.emplace_back([&] {
      lenet_cuda.use(0);
      void *ring = lenet_cuda.new_ring(1, kBytes);
      at::Tensor to = bytes_on(0);
      lenet_cuda.send(ring, 0, to);
      const auto copy = runtime::operation(runtime::last_copy(to.data_ptr()));
      {
        const std::lock_guard<std::mutex> lock(mutex);
        streams.insert(streams.end(), {copy.stream, runtime::operation(runtime::last_copy(copy.from)).stream});
        demand(copy.stream == current_stream(), "a batch was copied on another stream than the thread's");
      }
      begun.wait();
      lenet_cuda.free_ring(ring);
      lenet_cuda.release();
    });
  for (std::thread &t : threads) t.join();
  demand(std::set<cudaStream_t>(streams.begin(), streams.end()).size() == 2 * kThreads, "a stream was given out twice");
  demand(std::all_of(streams.begin(), streams.end(), runtime::is_non_blocking), "a stream waits for the default stream");
}

void a_stream_is_given_back_with_its_work_done_and_serves_again() {
  cudaStream_t given_back = nullptr;
  in_thread([&] {
    lenet_cuda.use(0);
    given_back = current_stream();
    at::Tensor memory = bytes_on(0);
    runtime::queue(memory.data_ptr(), given_back);
    lenet_cuda.release();
    demand(runtime::is_complete(given_back), "a stream was given back before its work was done");
    demand(current_stream() != given_back, "a thread computes on a stream that it gave back");
  });
  const size_t before = runtime::streams().size();
  for (int i = 0; i < 100; i++)
    in_thread([&] {
      lenet_cuda.use(0);
      demand(current_stream() == given_back, "a stream that was given back was not used again");
      lenet_cuda.use(0);
      demand(current_stream() == given_back, "a thread was given another stream");
      lenet_cuda.release();
    });
  demand(runtime::streams().size() == before, "streams were made though one was free");
}

void captures_come_one_after_the_other() {
  runtime::forget_calls();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([] {
      lenet_cuda.use(0);
      for (int i = 0; i < 20; i++) {
        void *graph = lenet_cuda.begin_graph();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        lenet_cuda.end_graph(graph);
        lenet_cuda.replay_graph(graph);
        lenet_cuda.free_graph(graph);
      }
      lenet_cuda.release();
    });
  for (std::thread &t : threads) t.join();
  std::thread::id capturing;
  int captures = 0;
  for (const runtime::Call &call : runtime::calls()) {
    if (call.function == "cudaStreamBeginCapture") {
      demand(capturing == std::thread::id(), "a capture began during another one");
      capturing = call.thread, captures++;
    } else if (call.function == "cudaGraphInstantiateWithFlags") {
      demand(capturing == call.thread, "a capture ended that had not begun");
      capturing = {};
    } else if (call.function == "cudaGraphExecDestroy") {
      demand(capturing == std::thread::id(), "a graph was freed during a capture");
    }
  }
  demand(captures == 4 * 20, "not all captures were made");
}

bool called(const char *function, const void *memory = nullptr) {
  const std::vector<runtime::Call> calls = runtime::calls();
  return std::any_of(calls.begin(), calls.end(),
                     [&](const runtime::Call &c) { return c.function == function && (!memory || c.memory == memory); });
}

// While a capture is open, libtorch's allocators, of the device's and of pinned memory, ask for each piece whether it is for
// the capture.
void a_capture_that_fails_leaves_nothing_in_the_allocators() {
  for (const char *function : {"cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiateWithFlags"})
    in_thread([&] {
      lenet_cuda.use(0);
      c10::cuda::CUDACachingAllocator::emptyCache();
      runtime::forget_calls();
      runtime::fail_next(function, cudaErrorStreamCaptureInvalidated);
      void *graph = nullptr;
      const void *memory = nullptr;  // that the step would need: the first of a piece from CUDA
      bool thrown = false;
      try {
        graph = lenet_cuda.begin_graph();
        memory = bytes_on(0).data_ptr();
        lenet_cuda.end_graph(graph);
      } catch (const std::exception &) {
        thrown = true;
      }
      demand(thrown, "a capture that failed threw nothing");
      if (graph) {
        lenet_cuda.free_graph(graph);
        c10::cuda::CUDACachingAllocator::emptyCache();
        demand(called("cudaFree", memory), "the memory of a capture that failed is not free");
      }
      runtime::forget_calls();
      bytes_on(0);
      demand(!called("cudaStreamGetCaptureInfo"), "after a capture that failed, the allocator still asks for it");
      at::getHostAllocator(at::kCUDA)->allocate(kBytes);
      demand(!called("cudaStreamGetCaptureInfo"),
             "after a capture that failed, the allocator of pinned memory still asks for it");

      graph = lenet_cuda.begin_graph();  // and another one can be made
      lenet_cuda.end_graph(graph);
      lenet_cuda.free_graph(graph);
      lenet_cuda.release();
    });
}

// Two networks of different sizes share a kernel: the limit of its shared memory is as much as there is, and not what one of
// the launches needs, so that launches at the same time do not lower it for each other.
void a_kernel_may_always_have_all_shared_memory() {
  using namespace lenet::cuda;
  const auto launch = [](const Sizes &s) {
    Network net{s, {}, lenet::Activation::kTanh, 0};
    logits({runtime::kSharedMemory, 132, 9, true}, net, Batch{nullptr, nullptr, nullptr, 0, 10}, Pass{}, nullptr, nullptr);
  };
  const size_t before = runtime::launches().size();
  launch({64, 64, 6, 16, 120, 84, 10});
  launch({40, 40, 6, 16, 120, 84, 10});
  const std::vector<runtime::Launch> all = runtime::launches();
  demand(all.size() == before + 2, "two passes are not two launches");
  demand(all[before].shared > all[before + 1].shared && all[before + 1].shared > 48 << 10,
         "the launches do not need what they should");
  for (size_t i = before; i < all.size(); i++)
    demand(all[i].limit == runtime::kSharedMemory, "a launch has set another limit of shared memory than the device's");
}

void no_visible_device_is_none() {
  runtime::set_devices(0);
  demand(lenet_cuda.device_count() == 0, "there is no GPU, and some were counted");
  demand(cudaPeekAtLastError() == cudaSuccess, "a count of no GPUs leaves an error behind");
}

}  // namespace

int main() {
  a_wait_opens_no_context_on_another_device();
  a_batch_is_copied_on_the_stream_of_the_thread_that_sends_it();
  a_ring_is_freed_after_the_copies_of_all_threads();
  threads_and_rings_have_streams_of_their_own();
  a_stream_is_given_back_with_its_work_done_and_serves_again();
  captures_come_one_after_the_other();
  a_capture_that_fails_leaves_nothing_in_the_allocators();
  a_kernel_may_always_have_all_shared_memory();
  no_visible_device_is_none();
  std::puts("plug-in: 9 tests passed");
}
