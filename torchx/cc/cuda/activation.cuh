// The activations in CUDA kernels. One without a formula gives NaN.
#pragma once

#include "../activation.h"
#include "launch.h"

namespace lenet::cuda {
namespace {

struct Math {
  static __device__ float exp(float x) { return expf(x); }
  static __device__ float tanh(float x) { return tanhf(x); }
};

// Called, and not inlined: many places share the code.
__device__ __noinline__ float activated(Activation f, float x) {
  float y = NAN;
  Formulas<Math>::with(f, [&](auto formula) { y = formula.value(x); });
  return y;
}

// The derivative at the x for which activated returned y.
__device__ float slope(Activation f, float y) {
  float d = NAN;
  Formulas<Math>::with(f, [&](auto formula) { d = formula.gradient(y, 1.f); });
  return d;
}

}  // namespace
}  // namespace lenet::cuda
