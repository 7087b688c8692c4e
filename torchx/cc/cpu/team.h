// Threads that share numbered pieces of work.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace lenet {

// A team of the calling thread and others. Its regions are short, and there are thousands a second, so a thread that waits
// first looks again and again. It does so for a few microseconds, then lets others run, and soon sleeps: where two trainings
// share the processors, one that waits would take them from the other. OpenMP's threads look for milliseconds.
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
  void run(int pieces, const Body &body) {
    run(pieces, [](const void *b, int thread, int piece) { (*static_cast<const Body *>(b))(thread, piece); }, &body);
  }

 private:
  using Call = void (*)(const void *body, int thread, int piece);
  void run(int pieces, Call, const void *body);
  void work(int thread);    // takes pieces until there are none
  void live(int thread);    // of another thread
  template <typename Done>
  void wait(Done done);

  std::vector<std::thread> others_;
  std::mutex mutex_;
  std::condition_variable changed_;

  // Of the region under way.
  Call call_ = nullptr;  // null: the team ends
  const void *body_ = nullptr;
  int pieces_ = 0;
  alignas(64) std::atomic<int> next_{0};
  alignas(64) std::atomic<unsigned> regions_{0};  // begun so far
  alignas(64) std::atomic<int> running_{0};       // of the other threads
};

}  // namespace lenet
