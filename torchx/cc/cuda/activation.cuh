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

// An activation that the compiler knows, or one that it does not: both convert to Activation.
template <Activation kActivation>
struct Known {
  __host__ __device__ constexpr operator Activation() const { return kActivation; }
};
struct Chosen {
  Activation activation;
  __host__ __device__ constexpr operator Activation() const { return activation; }
};

__device__ __forceinline__ float activated(Activation f, float x) {
  float y = NAN;
  Formulas<Math>::with(f, [&](auto formula) { y = formula.value(x); });
  return y;
}

// The derivative at the x for which activated returned y.
__device__ __forceinline__ float slope(Activation f, float y) {
  float d = NAN;
  Formulas<Math>::with(f, [&](auto formula) { d = formula.gradient(y, 1.f); });
  return d;
}

}  // namespace
}  // namespace lenet::cuda
