// emulator.h by fibers: ucontext gives each its stack, and g++'s own setjmp switches between them. Unlike swapcontext, that
// takes no system call, and unlike libc's setjmp it is a few instructions.
#include "emulator.h"

#include "emulator_memory.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace lenet::cuda {

Index thread_index, block_index;
dim3 block_size, grid_size;

namespace {

constexpr unsigned kWarp = 32;
constexpr size_t kStack = 64 << 10;

enum class State { ready, at_block_barrier, at_warp_barrier, done };

using Place = void *[5];  // of a program's code and stack, for __builtin_setjmp

struct Fiber {
  ucontext_t begin;
  Place at;  // where it goes on
  bool begun = false;
  std::unique_ptr<char[]> stack;
  State state = State::ready;
  unsigned lanes = 0;  // of its warp, for which it waits
  uint64_t value = 0;  // at a shuffle: what it gives, and then what it gets
  int from = -1;       // the lane that it gets it from
};

std::vector<std::unique_ptr<Fiber>> fibers;  // made once, for the largest block so far
Place scheduler;
const std::function<void()> *body;
std::vector<double> memory;  // that a block shares
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

// Without this, AddressSanitizer would ask for the signal stack before every call that does not return, by a system call.
#define SWITCHES_STACKS __attribute__((no_sanitize("address")))

// A function of its own: g++ wants no jump in the function that set its place.
[[gnu::noinline, noreturn]] SWITCHES_STACKS void jump(Place &to) { __builtin_longjmp(to, 1); }

SWITCHES_STACKS void pause(State state) {
  Fiber &self = *fibers[thread_index.x];
  self.state = state;
  if (!__builtin_setjmp(self.at)) {
    leave_for(scheduler_stack, scheduler_stack_size);
    jump(scheduler);
  }
  arrive(&scheduler_stack, &scheduler_stack_size);
}

// Runs thread t until it pauses.
[[gnu::noinline]] SWITCHES_STACKS void resume(unsigned t) {
  Fiber &fiber = *fibers[t];
  thread_index = {t, 0, 0};
  fiber_stack = {fiber.stack.get(), kStack};
  if (__builtin_setjmp(scheduler)) return arrive(nullptr, nullptr);
  leave_for(fiber.stack.get(), kStack);
  if (fiber.begun) jump(fiber.at);
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

[[noreturn]] void end_with(unsigned thread, const char *fault) {
  std::fprintf(stderr, "emulator: block (%u, %u), thread %u: %s\n", block_index.x, block_index.y, thread, fault);
  std::abort();
}

// Releases the block's threads if all of them but those that are done wait at a block's barrier.
bool release_block(unsigned threads) {
  bool waiting = false;
  for (unsigned i = 0; i < threads; i++) {
    if (fibers[i]->state == State::done) continue;
    if (fibers[i]->state != State::at_block_barrier) return false;
    waiting = true;
  }
  for (unsigned i = 0; i < threads; i++)
    if (fibers[i]->state == State::at_block_barrier) fibers[i]->state = State::ready;
  return waiting;
}

// Gives those of a warp's lanes that shuffle what they want.
void exchange(unsigned first, unsigned end, unsigned lanes) {
  uint64_t given[kWarp];
  for (unsigned i = first; i < end; i++) given[i - first] = fibers[i]->value;
  for (unsigned i = first; i < end; i++) {
    Fiber &fiber = *fibers[i];
    if (!(lanes >> (i - first) & 1) || fiber.state != State::at_warp_barrier || fiber.from < 0) continue;
    const unsigned from = first + fiber.from;
    if (!(lanes >> fiber.from & 1) || from >= end || fibers[from]->state == State::done || fibers[from]->from < 0)
      end_with(i, "a shuffle takes the value of a lane that does not take part");
    fiber.value = given[fiber.from];
  }
}

// Releases those lanes of the warp whose first thread is `first` that wait for lanes which all wait for the same, or are done.
bool release_warp(unsigned first, unsigned threads) {
  const unsigned end = first + kWarp < threads ? first + kWarp : threads;
  bool released = false;
  for (unsigned i = first; i < end; i++) {
    if (fibers[i]->state != State::at_warp_barrier) continue;
    const unsigned lanes = fibers[i]->lanes;
    bool all = true;
    for (unsigned j = first; j < end && all; j++)
      if (lanes >> (j - first) & 1)
        all = fibers[j]->state == State::done || (fibers[j]->state == State::at_warp_barrier && fibers[j]->lanes == lanes);
    if (!all) continue;
    exchange(first, end, lanes);
    for (unsigned j = first; j < end; j++)
      if (lanes >> (j - first) & 1 && fibers[j]->state == State::at_warp_barrier) fibers[j]->state = State::ready;
    released = true;
  }
  return released;
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

unsigned waiting_thread() {
  unsigned t = 0;
  while (fibers[t]->state == State::done) t++;
  return t;
}

void run_block(unsigned threads) {
  for (unsigned i = 0; i < threads; i++) fibers[i]->state = State::ready;
  std::memset(memory.data(), 0xff, memory.size() * sizeof(double));  // NaN
  for (;;) {
    run_ready(threads);
    bool released = release_block(threads), done = true;
    for (unsigned w = 0; w < threads; w += kWarp) released |= release_warp(w, threads);
    for (unsigned i = 0; i < threads; i++) done &= fibers[i]->state == State::done;
    if (done) return;
    if (!released) end_with(waiting_thread(), "waits at a barrier that some of the threads do not come to");
  }
}

std::string emulated_gpu() {
  const char *variable = std::getenv("LENET_EMULATED_GPU");
  return variable ? variable : "75";
}

// What launch.h's launch throws.
void refuse(const std::string &why) { throw std::runtime_error("CUDA kernel: " + why); }

void check_launch(const dim3 &grid, int threads, size_t shared) {
  if (!grid.x || !grid.y || !grid.z || grid.x > INT32_MAX || grid.y > 65535 || grid.z > 1)
    refuse("invalid configuration argument: a grid of " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " x " +
           std::to_string(grid.z) + " blocks");
  if (threads < 1 || threads > 1024) refuse("invalid configuration argument: " + std::to_string(threads) + " threads");
  if (shared > shared_limit())
    refuse("invalid argument: a block asks for " + std::to_string(shared) + " bytes of shared memory, and may have " +
           std::to_string(shared_limit()));
}

}  // namespace

void block_barrier() { pause(State::at_block_barrier); }

uint64_t shuffle(unsigned lanes, uint64_t bits, int from) {
  const unsigned t = thread_index.x;
  if (!(lanes >> t % kWarp & 1)) end_with(t, "a warp's barrier or shuffle whose mask lacks the thread that calls it");
  fibers[t]->lanes = lanes, fibers[t]->value = bits, fibers[t]->from = from;
  pause(State::at_warp_barrier);
  return fibers[t]->value;
}

void warp_barrier(unsigned lanes) { shuffle(lanes, 0, -1); }

// CUDA C++ Programming Guide, "Technical Specifications per Compute Capability": maximum amount of shared memory per thread
// block.
size_t shared_limit() {
  const std::string name = emulated_gpu();
  for (const auto &[gpu, kilobytes] :
       {std::pair{"75", 64}, {"80", 163}, {"86", 99}, {"89", 99}, {"90", 227}, {"100", 227}, {"120", 99}})
    if (name == gpu) return kilobytes << 10;
  throw std::runtime_error("LENET_EMULATED_GPU is " + name + ": give 75, 80, 86, 89, 90, 100 or 120");
}

int compute_capability() { return std::stoi(emulated_gpu()); }

void *shared_bytes() { return memory.data(); }

void run_blocks(dim3 grid, int threads, size_t shared, const std::function<void()> &kernel) {
  check_launch(grid, threads, shared);
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
  memory.resize(shared / sizeof(double) + 1);
  block_size = dim3(threads), grid_size = grid;
  std::vector<Index> blocks;
  for (unsigned y = 0; y < grid.y; y++)
    for (unsigned x = 0; x < grid.x; x++) blocks.push_back({x, y, 0});
  watch_launch({reinterpret_cast<const char *>(memory.data()), memory.size() * sizeof(double)});
  for (size_t left = blocks.size(); left > 0; left--) {  // in random order
    std::swap(blocks[left - 1], blocks[split_mix() % left]);
    block_index = blocks[left - 1];
    watch_block();
    run_block(threads);
  }
  end_watch();
}

}  // namespace lenet::cuda
