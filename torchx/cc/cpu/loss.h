// Softmax cross-entropy of one image.
#pragma once

#include "activate.h"
#include "kernels.h"

namespace lenet::LEVEL {
namespace {

// logits and gradient have room for whole vectors; gradient, which may be null, is that of loss * share. With label smoothing
// s, the target is 1 - s at the label and s / classes more everywhere (Szegedy et al. 2016).
KERNEL double cross_entropy(const float *logits, int64_t classes, int64_t label, float smoothing, float share,
                            float *gradient) {
  using V = Float<LANES>;
  const int64_t whole = padded(classes);
  float largest = logits[0], total = 0;
  for (int64_t c = 0; c < classes; c++) {
    total += logits[c];
    if (logits[c] > largest) largest = logits[c];
  }
  alignas(64) float e[kMostClasses + LANES];
  for (int64_t c = 0; c < whole; c += LANES) store<LANES>(e + c, exponential<LANES>(load<LANES>(logits + c) - largest));
  float sum = 0;
  for (int64_t c = 0; c < classes; c++) sum += e[c];
  if (gradient) {
    const V scale = all<LANES>(share / sum), elsewhere = all<LANES>(smoothing / classes * share);
    for (int64_t c = 0; c < whole; c += LANES) store<LANES>(gradient + c, load<LANES>(e + c) * scale - elsewhere);
    for (int64_t c = classes; c < whole; c++) gradient[c] = 0;
    gradient[label] -= (1 - smoothing) * share;
  }
  const float target = smoothing > 0 ? (1 - smoothing) * logits[label] + smoothing / classes * total : logits[label];
  return __builtin_log(sum) + largest - target;
}

}  // namespace
}  // namespace lenet::LEVEL
