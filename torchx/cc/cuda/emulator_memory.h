// The emulator's watch over the memory of kernels. They are compiled with -fsanitize=thread,alignment: g++ then calls functions
// of ThreadSanitizer at every load and store, and one of UndefinedBehaviorSanitizer at those that are not aligned. Both
// libraries are left out, and emulator_memory.cc has functions of these names.
//
// For each byte of global memory it knows which blocks of the launch wrote and read it last. A write and another block's read
// or write are a race, whichever comes first, unless they are ordered as in CUDA's pattern of the last block: the one calls
// __threadfence() and then atomicAdd, and the other calls atomicAdd on the same address later. Whether each thread of a block
// has called __threadfence(), or one thread after a barrier, is not looked at; nor are races within a block, which show by the
// order of its threads.
//
// A build with AddressSanitizer (make asan) does without: that cannot be combined with -fsanitize=thread.
#pragma once

#include <stddef.h>

namespace lenet::cuda {

// Memory that is a block's own, at the time.
struct OwnMemory {
  const char *begin;
  size_t size;
};

// The stack of the fiber that runs, to which fibers switch.
extern OwnMemory fiber_stack;

void watch_launch(OwnMemory shared);
void watch_block();
void end_watch();

}  // namespace lenet::cuda
