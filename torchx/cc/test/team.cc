// Team alone: each piece is done once, and what the pieces wrote is there when a region ends. The values are plain memory, so
// that ThreadSanitizer, with which this program is compiled, sees a piece that is not ordered before what follows.
#include "../cpu/team.h"

#include <c10/util/Exception.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

using lenet::Team;

namespace {

void demand(bool holds, const char *what) {
  if (holds) return;
  std::fprintf(stderr, "team: %s\n", what);
  std::exit(1);
}

// Regions of 1 to most pieces, each of which adds to a value of its own; the next region reads all of them.
void run_regions(Team &team, int regions, int most) {
  std::vector<int> times(most, 0), expected(most, 0);
  std::vector<long> sums(team.threads(), 0);
  for (int region = 0; region < regions; region++) {
    const int pieces = 1 + region % most;
    const int before = std::accumulate(times.begin(), times.end(), 0);
    team.run(pieces, [&](int thread, int piece) {
      times[piece]++;
      sums[thread] += before;  // each thread's own
    });
    for (int piece = 0; piece < pieces; piece++) expected[piece]++;
    demand(times == expected, "a piece was not done exactly once");
  }
}

void teams_of_all_sizes() {
  for (int threads = 1; threads <= 6; threads++) {
    Team team(threads);
    demand(team.threads() == threads, "a team has another number of threads");
    run_regions(team, 300, 40);
  }
}

// Its threads sleep between regions.
void a_team_that_waits() {
  Team team(3);
  for (int i = 0; i < 100; i++) {
    std::this_thread::sleep_for(std::chrono::microseconds(i * 5));
    run_regions(team, 2, 7);
  }
}

// As two trainings have them, on fewer processors than threads.
void teams_beside_each_other() {
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; t++)
    callers.emplace_back([] {
      Team team(3);
      run_regions(team, 200, 20);
    });
  for (std::thread &t : callers) t.join();
}

// As a network's mutex does it.
void a_team_that_several_threads_call_in_turn() {
  Team team(3);
  std::mutex mutex;
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; t++)
    callers.emplace_back([&] {
      for (int i = 0; i < 50; i++) {
        const std::lock_guard<std::mutex> lock(mutex);
        run_regions(team, 3, 9);
      }
    });
  for (std::thread &t : callers) t.join();
}

// Before its threads have begun, and while they look, yield or sleep.
void teams_that_end_at_any_time() {
  for (int i = 0; i < 150; i++) {
    Team team(1 + i % 4);
    if (i % 3) run_regions(team, i % 3, 5);
    std::this_thread::sleep_for(std::chrono::microseconds(i % 50 * 4));
  }
}

void too_many_pieces_are_refused() {
  Team team(2);
  bool thrown = false;
  try {
    team.run(int64_t{1} << 20, [](int, int) {});
  } catch (const c10::Error &) {
    thrown = true;
  }
  demand(thrown, "more pieces than a region can have were accepted");
  run_regions(team, 10, 10);
}

}  // namespace

int main() {
  teams_of_all_sizes();
  a_team_that_waits();
  teams_beside_each_other();
  a_team_that_several_threads_call_in_turn();
  teams_that_end_at_any_time();
  too_many_pieces_are_refused();
  std::puts("team: 6 tests passed");
}
