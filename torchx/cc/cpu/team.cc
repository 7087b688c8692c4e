#include "team.h"

#include <chrono>

namespace lenet {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLooks = 200;                                // without the processor's being offered to others
constexpr auto kYielding = std::chrono::microseconds(50);  // until a thread sleeps

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

Team::Team(int threads) {
  for (int t = 1; t < threads; t++) others_.emplace_back([this, t] { live(t); });
}

Team::~Team() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    call_ = nullptr;
    regions_.fetch_add(1, std::memory_order_release);
  }
  changed_.notify_all();
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
  changed_.wait(lock, done);
}

void Team::run(int pieces, Call call, const void *body) {
  next_.store(0, std::memory_order_relaxed);
  call_ = call, body_ = body, pieces_ = pieces;
  if (others_.empty() || pieces == 1) return work(0);
  running_.store(static_cast<int>(others_.size()), std::memory_order_relaxed);
  {
    std::lock_guard<std::mutex> lock(mutex_);  // so that a thread that is about to sleep is not missed
    regions_.fetch_add(1, std::memory_order_release);
  }
  changed_.notify_all();
  work(0);
  wait([this] { return running_.load(std::memory_order_acquire) == 0; });
}

void Team::work(int thread) {
  for (int piece; (piece = next_.fetch_add(1, std::memory_order_relaxed)) < pieces_;) call_(body_, thread, piece);
}

void Team::live(int thread) {
  for (unsigned seen = 0;; seen++) {
    wait([&] { return regions_.load(std::memory_order_acquire) != seen; });
    if (!call_) return;
    work(thread);
    bool last;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      last = running_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    if (last) changed_.notify_all();
  }
}

}  // namespace lenet
