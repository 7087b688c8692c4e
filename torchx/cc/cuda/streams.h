// The CUDA streams that threads compute on.
//
// libtorch's own come from a pool of 32, in turn: the next thread may get one that another thread computes on, or a ring copies
// on. These belong to one thread at a time. They are never destroyed, since libtorch's allocator keeps memory for each of them.
#pragma once

namespace lenet::cuda {

// Makes the calling thread work on a device, on a stream of its own: a new one, or one that was released. A thread that has a
// stream of this device keeps it.
void use_device(int index);

// Waits for all work on the calling thread's stream. A thread that has none waits for nothing.
void synchronize_stream();

// Waits for the calling thread's stream and leaves it to others.
void release_stream();

}  // namespace lenet::cuda
