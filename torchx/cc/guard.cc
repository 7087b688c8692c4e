// The handler may run on any thread, at any read. So it does nothing but walk a list that only grows, map memory, which is a
// system call, and set a flag.
#include "guard.h"

#include <c10/util/Exception.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>

namespace lenet {

struct Guarded {
  uintptr_t begin, end;  // of whole pages
  Guarded *next;
  std::atomic<bool> lost{false};
};

namespace {

std::atomic<Guarded *> first{nullptr};
uintptr_t page = 0;
struct sigaction before;  // Go's

// Everything else is for the handler that was there.
void forward(int signal, siginfo_t *info, void *context) {
  if (before.sa_flags & SA_SIGINFO) return before.sa_sigaction(signal, info, context);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) return before.sa_handler(signal);
  sigaction(signal, &before, nullptr);  // the read is repeated, and ends the process
}

void handle(int signal, siginfo_t *info, void *context) {
  const int error = errno;
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  if (info->si_code == BUS_ADRERR)
    for (Guarded *g = first.load(); g; g = g->next) {
      if (address < g->begin || address >= g->end) continue;
      const uintptr_t from = address / page * page;
      void *zeros = mmap(reinterpret_cast<void *>(from), g->end - from, PROT_READ, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0);
      if (zeros == MAP_FAILED) break;
      g->lost = true;
      errno = error;
      return;
    }
  errno = error;
  forward(signal, info, context);
}

void install() {
  page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;  // as Go demands of other handlers
  sigfillset(&action.sa_mask);
  TORCH_CHECK(sigaction(SIGBUS, nullptr, &before) == 0 && sigaction(SIGBUS, &action, nullptr) == 0,
              "no handler for SIGBUS: ", strerror(errno));
}

}  // namespace

const Guarded *guard(const void *memory, size_t bytes) {
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (page == 0) install();
  const auto begin = reinterpret_cast<uintptr_t>(memory) / page * page;
  const uintptr_t end = (reinterpret_cast<uintptr_t>(memory) + bytes + page - 1) / page * page;
  for (Guarded *g = first.load(); g; g = g->next)
    if (g->begin == begin && g->end == end) return g;
  auto *g = new Guarded{begin, end, first.load()};
  first = g;
  return g;
}

bool lost(const Guarded *g) { return g->lost; }

}  // namespace lenet
