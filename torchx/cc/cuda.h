// What the plug-in libtorchx_cuda has: the functions that need CUDA's half of libtorch. It is loaded when a CUDA device is
// asked for (cuda_loader.cc), before anything else asks libtorch about CUDA: libtorch looks for its CUDA half once, and
// remembers.
#pragma once

#include "torchx.h"

namespace lenet {

struct Cuda {
  int (*driver_version)();   // the newest CUDA that the driver supports, as 1000 * major + 10 * minor; 0 without a driver
  int (*runtime_version)();  // the CUDA that libtorch was built with
  int (*device_count)();     // throws what CUDA says
  void (*device)(int index, torchx_cuda_device *);
};

// The plug-in; cuda() with a driver that is new enough. Or an exception that says in one line what is missing and what to do.
const Cuda &cuda_plug_in();
const Cuda &cuda();

}  // namespace lenet

// The plug-in's one symbol.
extern "C" const lenet::Cuda lenet_cuda;
