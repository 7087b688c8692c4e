// The activations in kernels.
#pragma once

#include "../activation.h"
#include "launch.h"

namespace lenet::cuda {

static __device__ float activated(Activation f, float x) {
  switch (f) {
    case Activation::kSigmoid: return 1 / (1 + expf(-x));
    case Activation::kTanh: return tanhf(x);
    case Activation::kReLU: return x < 0 ? 0 : x;  // NaN stays
    default: return x;
  }
}

// The derivative, from what activated returned.
static __device__ float slope(Activation f, float y) {
  switch (f) {
    case Activation::kSigmoid: return y * (1 - y);
    case Activation::kTanh: return 1 - y * y;
    case Activation::kReLU: return y <= 0 ? 0 : 1;
    default: return 1;
  }
}

}  // namespace lenet::cuda
