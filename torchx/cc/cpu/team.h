// Threads that share numbered pieces of work.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace lenet {

// A team of the calling thread and others. A region is a number of pieces of work, and ends when all are done: nobody waits for
// a thread that has none of them, since it sleeps or the system runs something else on its processor.
//
// Regions are short, and there are thousands a second. So a thread that waits first looks again and again. It does so for a few
// microseconds, then lets others run, and soon sleeps: where two trainings share the processors, one that waits would take them
// from the other. OpenMP's threads look for milliseconds.
class Team {
 public:
  explicit Team(int threads);
  ~Team();
  Team(const Team &) = delete;
  Team &operator=(const Team &) = delete;

  int threads() const { return static_cast<int>(others_.size()) + 1; }

  // Calls body(thread, piece) for each piece from 0 to pieces - 1, on all threads, and returns when all are done. Pieces begin
  // in their order. body must not throw.
  template <typename Body>
  void run(int64_t pieces, const Body &body) {
    run(pieces, [](const void *b, int thread, int piece) { (*static_cast<const Body *>(b))(thread, piece); }, &body);
  }

 private:
  using Call = void (*)(const void *body, int thread, int piece);
  void run(int64_t pieces, Call, const void *body);
  void work(int thread);  // does pieces until there are none left
  void live(int thread);  // of another thread
  template <typename Done>
  void wait(Done done);
  void wake();  // whoever sleeps
  void end();   // of the other threads

  // What is left to do, in one number, so that a thread takes a piece in one step and knows which region it is of: the region,
  // its pieces, and how many of them were taken.
  struct Ticket {
    static constexpr int kBits = 20;
    static constexpr uint64_t kMask = (1 << kBits) - 1;
    static constexpr uint64_t kMost = kMask / 2;  // pieces: threads that find none left count on from there
    uint64_t value;
    uint64_t region() const { return value >> 2 * kBits; }
    uint64_t pieces() const { return value >> kBits & kMask; }
    uint64_t piece() const { return value & kMask; }
  };

  std::vector<std::thread> others_;
  std::mutex mutex_;
  std::condition_variable changed_;
  alignas(64) std::atomic<uint64_t> ticket_{0};
  alignas(64) std::atomic<uint64_t> done_{0};  // pieces of the region
  alignas(64) std::atomic<int> sleeping_{0};
  std::atomic<bool> end_{false};

  // Of the region: they do not change while a piece that was taken is not done.
  Call call_ = nullptr;
  const void *body_ = nullptr;
};

}  // namespace lenet
