#include "team.h"

#include <c10/util/Exception.h>

#include <chrono>

namespace lenet {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLooks = 200;                                // before others may run
constexpr auto kYielding = std::chrono::microseconds(50);  // before a thread sleeps

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Team::Team(int threads) {
  try {
    for (int t = 1; t < threads; t++) others_.emplace_back([this, t] { live(t); });
  } catch (...) {  // the system gives no more threads
    end();
    throw;
  }
}

Team::~Team() { end(); }

void Team::end() {
  end_ = true;
  ticket_.fetch_add(uint64_t{1} << 2 * Ticket::kBits);  // another region, none of whose pieces is left
  wake();
  for (std::thread &t : others_) t.join();
}

template <typename Done>
void Team::wait(Done done) {
  for (int i = 0; i < kLooks; i++) {
    if (done()) return;
    pause();
  }
  for (const auto start = Clock::now(); Clock::now() - start < kYielding; std::this_thread::yield())
    if (done()) return;
  std::unique_lock<std::mutex> lock(mutex_);
  sleeping_.fetch_add(1);  // before it looks once more: who changes what it looks at then sees it
  changed_.wait(lock, done);
  sleeping_.fetch_sub(1);
}

void Team::wake() {
  if (sleeping_.load() == 0) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
  }
  changed_.notify_all();
}

void Team::run(int64_t pieces, Call call, const void *body) {
  const auto n = static_cast<uint64_t>(pieces);
  TORCH_CHECK(n <= Ticket::kMost, "a batch may have ", Ticket::kMost, " pieces of work, not ", pieces);
  if (others_.empty() || pieces == 1) {
    for (int piece = 0; piece < pieces; piece++) call(body, 0, piece);
    return;
  }
  call_ = call, body_ = body;
  done_.store(0, std::memory_order_relaxed);
  const uint64_t region = Ticket{ticket_.load(std::memory_order_relaxed)}.region() + 1;
  ticket_.store(region << 2 * Ticket::kBits | n << Ticket::kBits);
  wake();
  work(0);
  wait([&] { return done_.load() == n; });
}

void Team::work(int thread) {
  for (;;) {
    const Ticket ticket{ticket_.fetch_add(1)};
    if (ticket.piece() >= ticket.pieces()) return;
    call_(body_, thread, static_cast<int>(ticket.piece()));
    if (done_.fetch_add(1) + 1 == ticket.pieces()) wake();
  }
}

void Team::live(int thread) {
  for (uint64_t seen = 0; !end_;) {
    work(thread);
    wait([&] { return Ticket{ticket_.load()}.region() != seen; });
    seen = Ticket{ticket_.load()}.region();
  }
}

}  // namespace lenet
