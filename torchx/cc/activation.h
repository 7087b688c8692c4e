// The activations that conv_pool and linear apply: of the CPU's and of the GPU's kernels. Each is monotone, so that
// pool(f(x)) = f(pool(x)); and the slope of each follows from what it yields, so that its input need not be kept.
#pragma once

#include <stdint.h>

namespace lenet {

enum class Activation : int64_t { kNone, kSigmoid, kTanh, kReLU };  // in the order of operators.go

}  // namespace lenet
