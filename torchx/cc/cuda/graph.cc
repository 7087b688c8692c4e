// graph.h over libtorch.
#include "graph.h"

#include <ATen/core/CachingHostAllocator.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/util/Exception.h>

#include <utility>

namespace lenet::cuda {
namespace {

std::mutex capture;

// What was closed before the capture failed is refused, and that is all right.
template <typename Body>
void try_to(Body body) {
  try {
    body();
  } catch (const c10::Error &) {
  }
}

}  // namespace

Graph::Graph() : capturing_(capture) {}

std::unique_ptr<Graph> Graph::begin() {
  std::unique_ptr<Graph> graph(new Graph);
  // Other threads, such as the loader's, may call CUDA meanwhile.
  graph->graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  return graph;
}

void Graph::end() {
  const auto lock = std::move(capturing_);
  graph_.capture_end();
}

Graph::~Graph() {
  if (!capturing_) capturing_ = std::unique_lock<std::mutex>(capture);
}

Graph::Recording::~Recording() {
  if (capture_ended_ || mempool_id_ == c10::MempoolId_t{0, 0}) return;
  namespace allocator = c10::cuda::CUDACachingAllocator;
  const auto &host = at::getHostAllocator(at::kCUDA);
  try_to([&] { allocator::endAllocateToPool(capture_dev_, mempool_id_); });
  try_to([&] { allocator::releasePool(capture_dev_, mempool_id_); });
  try_to([&] { host->end_allocate_to_pool(mempool_id_); });
  try_to([&] { host->release_pool(mempool_id_); });
}

}  // namespace lenet::cuda
