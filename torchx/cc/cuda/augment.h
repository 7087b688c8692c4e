// Random shifts, rotations and scales of images on a GPU: augment.cu.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef LENET_EMULATED
#include "emulator.h"
#else
#include <cuda_runtime_api.h>
#endif

namespace lenet::cuda {

// The bounds of random changes, and what they are drawn from together with an image's index.
struct Augmentation {
  uint64_t seed, epoch;
  double shift;   // pixels, in each direction; whole pixels if it is the only bound
  double rotate;  // degrees, either way
  double scale;   // from 1 - scale to 1 + scale times as large
};

// n images, changed, and their labels. In the device's memory; indices in order are not checked.
struct Augmented {
  int n, rows, cols;
  const uint8_t *images, *labels;  // of the set: [N, rows, cols], [N]
  const int32_t *order;            // [n] indices into the set
  uint8_t *to, *to_labels;         // [n, rows, cols], [n]: image i is the set's image order[i]
};
void augment(const Augmentation &, const Augmented &, cudaStream_t);

}  // namespace lenet::cuda
