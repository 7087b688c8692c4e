// emulator.h by fibers: ucontext gives each its stack, and setjmp switches between them. Unlike swapcontext, that takes no
// system call.
#undef _FORTIFY_SOURCE  // it would report a longjmp to another stack as an error

#include "emulator.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#include <setjmp.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace lenet::cuda {

Index thread_index, block_index;
dim3 block_size, grid_size;

namespace {

constexpr unsigned kWarp = 32;
constexpr size_t kStack = 64 << 10;

enum class State { ready, at_block_barrier, at_warp_barrier, done };

struct Fiber {
  ucontext_t begin;
  jmp_buf at;  // where it goes on
  bool begun = false;
  std::unique_ptr<char[]> stack;
  State state = State::ready;
};

std::vector<std::unique_ptr<Fiber>> fibers;  // made once, for the largest block so far
jmp_buf scheduler;
const std::function<void()> *body;
std::vector<uint32_t> exchanged;  // by the shuffle of each thread
std::vector<double> memory;       // that a block shares
uint64_t random_state = 1;

// AddressSanitizer is told of each switch: from where to where the other stack goes.
const void *scheduler_stack;
size_t scheduler_stack_size;

void leave_for([[maybe_unused]] const void *stack, [[maybe_unused]] size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(nullptr, stack, size);
#endif
}

void arrive([[maybe_unused]] const void **from, [[maybe_unused]] size_t *size) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, from, size);
#endif
}

// Without this, AddressSanitizer would ask for the signal stack before every longjmp, by a system call.
#define SWITCHES_STACKS __attribute__((no_sanitize("address")))

SWITCHES_STACKS void pause(State state) {
  Fiber &self = *fibers[thread_index.x];
  self.state = state;
  if (!_setjmp(self.at)) {
    leave_for(scheduler_stack, scheduler_stack_size);
    _longjmp(scheduler, 1);
  }
  arrive(&scheduler_stack, &scheduler_stack_size);
}

// Runs thread t until it pauses.
SWITCHES_STACKS void resume(unsigned t) {
  Fiber &fiber = *fibers[t];
  thread_index = {t, 0, 0};
  if (_setjmp(scheduler)) return arrive(nullptr, nullptr);
  leave_for(fiber.stack.get(), kStack);
  if (fiber.begun) _longjmp(fiber.at, 1);
  fiber.begun = true;
  setcontext(&fiber.begin);
}

void fiber_main() {
  arrive(&scheduler_stack, &scheduler_stack_size);
  for (;;) {
    (*body)();
    pause(State::done);
  }
}

// Steele, Lea, Flood 2014.
uint64_t split_mix() {
  uint64_t z = random_state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

// Releases the threads from begin to end that wait at this kind of barrier, if all of them but those that are done wait there.
bool release(State barrier, unsigned begin, unsigned end) {
  unsigned waiting = 0;
  for (unsigned i = begin; i < end; i++) {
    if (fibers[i]->state == State::done) continue;
    if (fibers[i]->state != barrier) return false;
    waiting++;
  }
  for (unsigned i = begin; i < end; i++)
    if (fibers[i]->state == barrier) fibers[i]->state = State::ready;
  return waiting > 0;
}

// Runs every fiber that is ready until its next barrier: in the threads' order, or backwards, from any of them on.
void run_ready(unsigned threads) {
  const uint64_t random = split_mix();
  const unsigned first = (random >> 1) % threads;
  for (unsigned i = 0; i < threads; i++) {
    unsigned t = (first + i) % threads;
    if (random & 1) t = threads - 1 - t;
    if (fibers[t]->state == State::ready) resume(t);
  }
}

void run_block(unsigned threads) {
  for (unsigned i = 0; i < threads; i++) fibers[i]->state = State::ready;
  std::memset(memory.data(), 0xff, memory.size() * sizeof(double));  // NaN
  for (;;) {
    run_ready(threads);
    bool released = release(State::at_block_barrier, 0, threads), done = true;
    for (unsigned w = 0; w < threads; w += kWarp)
      released |= release(State::at_warp_barrier, w, w + kWarp < threads ? w + kWarp : threads);
    for (unsigned i = 0; i < threads; i++) done &= fibers[i]->state == State::done;
    if (done) return;
    if (!released) {
      std::fprintf(stderr, "emulator: some threads of a block wait at a barrier that the others do not come to\n");
      std::abort();
    }
  }
}

}  // namespace

void block_barrier() { pause(State::at_block_barrier); }
void warp_barrier() { pause(State::at_warp_barrier); }

uint32_t shuffle_xor(uint32_t value, int mask) {
  exchanged[thread_index.x] = value;
  warp_barrier();
  value = exchanged[thread_index.x ^ mask];
  warp_barrier();
  return value;
}

void *shared_bytes() { return memory.data(); }

void run_blocks(dim3 grid, int threads, size_t shared, const std::function<void()> &kernel) {
  while (fibers.size() < static_cast<size_t>(threads)) {
    auto fiber = std::make_unique<Fiber>();
    fiber->stack.reset(new char[kStack]);
    getcontext(&fiber->begin);
    fiber->begin.uc_stack.ss_sp = fiber->stack.get();
    fiber->begin.uc_stack.ss_size = kStack;
    fiber->begin.uc_link = nullptr;
    makecontext(&fiber->begin, fiber_main, 0);
    fibers.push_back(std::move(fiber));
  }
  body = &kernel;
  exchanged.resize(threads);
  memory.resize(shared / sizeof(double) + 1);
  block_size = dim3(threads), grid_size = grid;
  for (unsigned y = 0; y < grid.y; y++)
    for (unsigned x = 0; x < grid.x; x++) {
      block_index = {x, y, 0};
      run_block(threads);
    }
}

}  // namespace lenet::cuda
