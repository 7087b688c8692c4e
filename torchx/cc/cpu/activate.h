// The activations of activation.h on arrays.
#pragma once

#include "activation.h"
#include "vectors.h"

namespace lenet::LEVEL {
namespace {

// exp(x) = 2^n exp(r), with n the whole number nearest to x / ln 2 and |r| <= ln 2 / 2, by the Taylor polynomial of degree 7:
// its error is 2^-28 there, less than float32's rounding. Adding 1.5 * 2^23 rounds to a whole number, and leaves it in the low
// bits.
template <int N>
INLINE Float<N> exponential(Float<N> x) {
  constexpr float kRound = 12582912;
  x = smaller<N>(all<N>(88), larger<N>(all<N>(-87), x));  // beyond, the result is not a normal number; NaN stays
  const Float<N> shifted = x * 1.44269504f + kRound, n = shifted - kRound;
  const Float<N> r = x - n * 0.693145752f - n * 1.42860677e-6f;  // ln 2 in two parts, the first one with few digits
  const Float<N> e =
      1 + r * (1 + r * (1.f / 2 + r * (1.f / 6 + r * (1.f / 24 + r * (1.f / 120 + r * (1.f / 720 + r * (1.f / 5040)))))));
  return e * (Float<N>)(((Int<N>)shifted << 23) + (127 << 23));
}

struct Math {
  static Float<LANES> exp(Float<LANES> x) { return exponential<LANES>(x); }
  static Float<LANES> tanh(Float<LANES> x) { return 1 - 2 / (1 + exponential<LANES>(2 * x)); }
};

template <typename Formula>
KERNEL void activate_all(float *y, int64_t n) {
  for (int64_t i = 0; i < n; i += LANES) store<LANES>(y + i, Formula::value(load<LANES>(y + i)));
}

template <typename Formula>
KERNEL void times_slope_all(const float *y, float *gradient, int64_t n) {
  for (int64_t i = 0; i < n; i += LANES)
    store<LANES>(gradient + i, Formula::gradient(load<LANES>(y + i), load<LANES>(gradient + i)));
}

// n is rounded up to whole vectors. An activation without a formula leaves what is there: it never comes here.

// Replaces n values by f of them.
void activate(Activation f, float *y, int64_t n) {
  if (f != Activation::kNone) Formulas<Math>::with(f, [=](auto formula) { activate_all<decltype(formula)>(y, n); });
}

// The gradient of y = f(x) becomes that of x.
void times_slope(Activation f, const float *y, float *gradient, int64_t n) {
  if (f != Activation::kNone)
    Formulas<Math>::with(f, [=](auto formula) { times_slope_all<decltype(formula)>(y, gradient, n); });
}

}  // namespace
}  // namespace lenet::LEVEL
