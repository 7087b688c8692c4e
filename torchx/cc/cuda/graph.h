// A CUDA graph: libtorch's, made safe for threads that capture at the same time, and for captures that fail.
#pragma once

#include <ATen/cuda/CUDAGraph.h>

#include <memory>
#include <mutex>

namespace lenet::cuda {

// libtorch's graph changes the state of the device's random generator when a capture begins or ends and when the graph is
// freed. There is no lock around that, and the state is of one capture at a time. So no other graph begins, ends or is freed
// between the begin and the end of one.
class Graph {
 public:
  // Begins to record what the calling thread queues on its stream, in place of executing it. Waits for other threads' captures.
  // The thread ends the capture, or frees the graph, before it begins another.
  static std::unique_ptr<Graph> begin();

  // Ends the recording, on the thread that began it. Throws where what was queued cannot be recorded; then the graph can only
  // be freed.
  void end();

  void replay() { graph_.replay(); }

  ~Graph();

 private:
  // Where a capture fails, libtorch's graph leaves its memory pools open. The allocators go on to ask it, freed or not, whether
  // memory is for them.
  struct Recording : at::cuda::CUDAGraph {
    ~Recording();
  };

  Graph();

  std::unique_lock<std::mutex> capturing_;
  Recording graph_;  // freed before the lock is
};

}  // namespace lenet::cuda
