// A stand-in for NVIDIA's runtime and driver, for tests of the plug-in on machines without a GPU.
//
// It defines the functions that the plug-in and libtorch's CUDA half call in these tests. A device's memory is the host's.
// Copies are done at once, kernels are left out, and what was asked of a stream is recorded as operations, each with those that
// CUDA does before it: the one before it on its stream, and those before an event that the stream waits for.
//
// A program that preloads it finds two devices, or none where the environment variable CUDA_VISIBLE_DEVICES is empty; of
// compute capability 9.0, or of what the variable STAND_IN_CAPABILITY says.
#pragma once

#include <cuda_runtime_api.h>

#include <string>
#include <thread>
#include <vector>

namespace lenet::runtime {

struct Operation {
  const void *to, *from;  // of a copy; of a memset, to
  cudaStream_t stream;
  std::vector<int> after;
  bool complete;  // the host has waited for it
};

// The number of devices. With none, CUDA's functions fail as they do where no GPU is visible.
void set_devices(int n);

// Whether anything has opened a context on a device, which takes some 0.5 GB of its memory.
bool context_is_open(int device);

// Operations are numbered from 0.
Operation operation(int number);
int last_copy(const void *to);          // the last copy to an address; -1: there was none
int queue(void *memory, cudaStream_t);  // an operation that reads and writes this memory, as a kernel does
bool is_before(int first, int then);    // whether CUDA does one before the other
bool is_complete(cudaStream_t);         // whether the host has waited for all of its operations

std::vector<cudaStream_t> streams();  // all that were created, in their order
bool is_non_blocking(cudaStream_t);   // whether it does not wait for the default stream

// What a program must not do, such as freeing memory from which a copy is under way.
std::vector<std::string> faults();

// The calls of some functions, by all threads, in their order: captures, their ends, queries of captures, frees.
struct Call {
  std::string function;
  std::thread::id thread;
  const void *memory;  // that was freed
};
std::vector<Call> calls();
void forget_calls();

// A launch of a kernel: the bytes of shared memory that it asked for, and the limit that was set for the kernel last.
struct Launch {
  size_t shared;
  int limit;
  bool together;  // cooperative
};
std::vector<Launch> launches();

constexpr int kSharedMemory = 227 << 10;  // bytes that a block may have

// Makes the next call of a function fail with an error.
void fail_next(const std::string &function, cudaError_t);

}  // namespace lenet::runtime
