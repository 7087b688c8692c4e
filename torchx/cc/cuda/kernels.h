// The operators' work on a GPU: functions that start CUDA kernels on a stream, on float32 arrays in the device's memory. They
// know nothing of libtorch's tensors. They return before the work is done; a kernel that cannot be started throws.
//
// The order of every sum is fixed by the shapes: the same input gives the same bits on every GPU of a kind.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../activation.h"

#ifdef LENET_EMULATED
#include "emulator.h"
#else
#include <cuda_runtime_api.h>
#endif

namespace lenet::cuda {

// A 5x5 convolution and the 2x2 max-pool after it, of n samples x [in, height, width], channels first.
struct Block {
  int n, height, width, in, out;

  int pooled_height() const { return (height - 4) / 2; }
  int pooled_width() const { return (width - 4) / 2; }
  int pooled() const { return out * pooled_height() * pooled_width(); }
  int image() const { return in * height * width; }
  int weights() const { return out * in * 25; }
};

// Whether the kernels can compute a block of this shape: its image and a part of its weights must fit into shared memory.
bool conv_pool_covers(const Block &);

// y [n, out, h, w] and argmax, of the same shape: where of the four the largest was, 2 * row + column. x is float32, or bytes
// that stand for x / 255.
void conv_pool_forward(const Block &, const void *x, bool bytes, const float *weight, const float *bias, Activation, float *y,
                       uint8_t *argmax, cudaStream_t);

// Parts of the gradient of weight, [out, in, 5, 5], and of bias, [out], after it: for part p at sums + p * stride; and the
// gradient of x, unless dx is null. There are conv_pool_parts(n) parts.
int conv_pool_parts(int n);
void conv_pool_backward(const Block &, const void *x, bool bytes, const float *weight, Activation, const float *y,
                        const uint8_t *argmax, const float *dy, float *dx, float *sums, int stride, cudaStream_t);

// total [size] is the sum of the parts, [parts, size].
void add_parts(const float *sums, int parts, int size, float *total, cudaStream_t);

// Linear layers with an activation between each and the next. Layer l takes inputs[l] [n, features[l]] to [n, features[l + 1]].
constexpr int kMostLayers = 8;
constexpr int kMostFeatures = 2048;

struct Layers {
  int n, layers;
  Activation activation;
  int features[kMostLayers + 1];
  const float *weight[kMostLayers];  // [features[l + 1], features[l]]
};

struct Pointers {
  const float *at[kMostLayers];
};
struct Targets {
  float *at[kMostLayers];
};

// outputs[l] is layer l's, after its activation where it has one.
void linear_forward(const Layers &, const float *x, const Pointers &biases, const Targets &outputs, cudaStream_t);

// gradients[l], of layer l's output before its activation, for all but the last, from the last one's, dy; and dx, unless it is
// null.
void linear_backward_inputs(const Layers &, const Pointers &inputs, const float *dy, const Targets &gradients, float *dx,
                            cudaStream_t);

// The gradients of weights and biases from those of the layers' outputs.
void linear_backward_weights(const Layers &, const Pointers &inputs, const Pointers &gradients, const Targets &dweights,
                             const Targets &dbiases, cudaStream_t);

// The softmax cross-entropy, the mean over rows, of logits [n, classes], and its gradient, of the same shape. A label that is
// not below classes makes the loss NaN.
void cross_entropy(int n, int classes, float label_smoothing, const float *logits, const uint8_t *labels, float *loss,
                   float *gradient, cudaStream_t);

// Adds to sums: the mean loss times n; in how many rows the first of the largest logits is at the label; n.
void accumulate(int n, int classes, const float *loss, const float *logits, const uint8_t *labels, double *sums, cudaStream_t);

}  // namespace lenet::cuda
