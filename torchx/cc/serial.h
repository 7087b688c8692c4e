// Work that libtorch is to do on the calling thread alone.
#pragma once

#include <ATen/Parallel.h>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace lenet {

// While it lives, libtorch's operators do not share their work among OpenMP's threads. Those would wait for more by looking
// again and again, for milliseconds, and take the processors from a network's own threads (cpu/team.h).
class Serial {
#ifdef _OPENMP
 public:
  Serial() { omp_set_num_threads(1); }
  ~Serial() { omp_set_num_threads(before_); }
  Serial(const Serial &) = delete;
  Serial &operator=(const Serial &) = delete;

 private:
  const int before_ = at::get_num_threads();  // which sets them up where nobody has yet
#endif
};

}  // namespace lenet
