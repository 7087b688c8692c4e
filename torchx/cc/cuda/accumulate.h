// The kernel of the accumulator, for logits and a loss that libtorch's operators made.
#pragma once

#include "kernels.h"

namespace lenet::cuda {

// Adds to sums: the mean loss times n; in how many rows of logits [n, classes] the first of the largest is at the label; n.
void accumulate(int n, int classes, const float *loss, const float *logits, const uint8_t *labels, double *sums, cudaStream_t);

}  // namespace lenet::cuda
