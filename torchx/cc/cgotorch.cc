// gotorch's C++ half, from its module, unchanged, as one translation unit: eight times faster to compile than its nine files.
//
// One name is moved aside. When a program starts, gotorch calls SetNumThreads(CPUs / 2), which on one CPU is 0, which
// libtorch answers with an exception that ends the process. Ours takes at least one thread.
#define SetNumThreads gotorch_SetNumThreads
#include "cgotorch/device.h"
#undef SetNumThreads

#define SetNumThreads gotorch_SetNumThreads
#include "cgotorch/cuda.cc"
#include "cgotorch/device.cc"
#include "cgotorch/functional.cc"
#include "cgotorch/init.cc"
#include "cgotorch/memory.cc"
#include "cgotorch/optim.cc"
#include "cgotorch/pickle.cc"
#include "cgotorch/tensor.cc"
#include "cgotorch/torch.cc"
#undef SetNumThreads

extern "C" void SetNumThreads(int32_t n) { gotorch_SetNumThreads(n < 1 ? 1 : n); }
