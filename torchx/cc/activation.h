// The activations: their numbers, and the formulas of those that the kernels apply, on the CPU and on the GPU. activation.cc
// has a row for each, with its name and libtorch's operators.
//
// To add one: a number here; a formula and its case in Formulas, or a case that returns false; a row in activation.cc.
#pragma once

#include <stdint.h>

#ifdef __CUDACC__
#define LENET_FORMULA static __device__
#else
#define LENET_FORMULA static constexpr
#endif

namespace lenet {

// 0 is no activation, so that a number that was never set is refused.
enum class Activation : int64_t { kNone = 1, kSigmoid, kTanh, kReLU, kGELU };

// The formulas that kernels apply, for a float or a vector of floats V: value(x) is y = f(x), and gradient(y, dy) is dy f'(x).
// Each f is monotone, so that pool(f(x)) = f(pool(x)); and its slope follows from y, so that x need not be kept.
//
// Math provides exp and tanh. It is a type in the unnamed namespace of the file that includes this. The linker then does not
// share the functions made from these templates between files, which may be compiled for different processors.
template <typename Math>
struct Formulas {
  struct None {
    template <typename V>
    LENET_FORMULA V value(V x) { return x; }
    template <typename V>
    LENET_FORMULA V gradient(V, V dy) { return dy; }
  };

  struct Sigmoid {
    template <typename V>
    LENET_FORMULA V value(V x) { return 1 / (1 + Math::exp(-x)); }
    template <typename V>
    LENET_FORMULA V gradient(V y, V dy) { return dy * (1 - y) * y; }
  };

  struct Tanh {
    template <typename V>
    LENET_FORMULA V value(V x) { return Math::tanh(x); }
    template <typename V>
    LENET_FORMULA V gradient(V y, V dy) { return dy * (1 - y * y); }
  };

  struct ReLU {
    template <typename V>
    LENET_FORMULA V value(V x) { return x < 0 ? V{} : x; }  // NaN stays
    template <typename V>
    LENET_FORMULA V gradient(V y, V dy) { return y <= 0 ? V{} : dy; }
  };

  // Calls body with the formula of f. Returns false, and does nothing, if there is none: no kernel applies f.
  //
  // There is no default, so that a number without a case is an error of the compiler.
  template <typename Body>
  LENET_FORMULA bool with(Activation f, Body body) {
    switch (f) {
      case Activation::kNone: return body(None()), true;
      case Activation::kSigmoid: return body(Sigmoid()), true;
      case Activation::kTanh: return body(Tanh()), true;
      case Activation::kReLU: return body(ReLU()), true;
      case Activation::kGELU: return false;  // is not monotone
    }
    return false;  // not one of the numbers
  }
};

}  // namespace lenet

#undef LENET_FORMULA
