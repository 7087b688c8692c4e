// Ends a program that has too little address space (ulimit -v) with one line, before Go's runtime starts: where a mapping or a
// thread's stack cannot be had, that aborts with pages of traces, sometimes only after a while.
#ifdef __linux__
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>

namespace {

// What a training takes on two cores is 2.4 to 2.5 GB, nearly all of it reserved and never touched: libtorch's code, Go's
// arenas, the stacks of threads.
constexpr rlim_t kNeeded = rlim_t{2500000} << 10;

__attribute__((constructor)) void check_address_space() {
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= kNeeded) return;
  std::fprintf(stderr,
               "lenet: the address space is limited to %llu kB, and the program reserves up to %llu; raise the limit, as with "
               "ulimit -v unlimited\n",
               static_cast<unsigned long long>(limit.rlim_cur >> 10), static_cast<unsigned long long>(kNeeded >> 10));
  _exit(1);
}

}  // namespace
#endif
