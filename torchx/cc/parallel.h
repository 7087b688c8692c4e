// Work that all of libtorch's threads share.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>

namespace lenet {

// Calls body(t, threads) on each of the threads, below autograd.
template <typename Body>
void on_each_thread(Body body) {
  const int64_t threads = at::get_num_threads();
  at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
    at::AutoDispatchBelowADInplaceOrView below;  // the setting belongs to the thread
    for (int64_t t = begin; t < end; t++) body(t, threads);
  });
}

}  // namespace lenet
