// LeNet on a GPU: functions that start kernels on a stream, on arrays in the device's memory. They know nothing of libtorch's
// tensors. They return before the work is done; a kernel that cannot be started throws.
//
//   pass     forward through the network and, when it learns, back through it; a block of threads has one or two images
//   finish   what sums over the batch: the gradients of the parameters, the loss; and the update of the parameters
//   train    both, for many batches: one launch, of one block for each multiprocessor, which wait for each other
//
// The order of every sum is fixed by the shapes and the number of blocks: the same input gives the same bits on every GPU of a
// kind.
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

// Of the network: images of rows x cols; outputs of two convolutions, 5x5, each with a 2x2 max-pool after it, and of three
// linear layers.
struct Sizes {
  int rows, cols, channels1, channels2, hidden1, hidden2, classes;
};

constexpr int kLayers = 5, kConvolutions = 2, kLinears = 3;
constexpr int kMostBlocks = 132, kMostSamples = 2;  // of a pass; of a block at a time

// A value for each layer's weight and bias: [out, in, 5, 5] or [out, in], and [out].
template <typename T>
struct Each {
  T weight[kLayers], bias[kLayers];
};

// Image i of a batch of n is images[order[first + i]], or images[first + i] where order is null: bytes that stand for x / 255.
// labels likewise.
struct Batch {
  const uint8_t *images, *labels;
  const int32_t *order;
  int64_t first;
  int n;
};

// What a pass leaves for finish. Rows are aligned to 16 bytes.
struct Pass {
  float *inputs[kLinears], *gradients[kLinears];  // [n, features]: of each linear layer; of its outputs before the activation
  float *filters;                                 // [blocks, part]: parts of the gradients of the convolutions' parameters
  double *losses;                                 // [blocks, kMostSamples]: the sums of losses
  int *right;                                     // [blocks, kMostSamples]: how many images were answered rightly
  unsigned *arrived;                              // for train: how often blocks have waited for each other
};

// The bytes of a Pass for up to n images, and the Pass in that memory, which is aligned to 256 bytes.
size_t pass_size(const Sizes &, int n);
Pass pass_in(void *memory, const Sizes &, int n);

// The limits of a device, which choose among the kernels.
struct Device {
  int shared;           // bytes of shared memory that a block may have
  int multiprocessors;  // each of which runs a block at least
  int major;            // of the compute capability
  bool together;        // whether all blocks of a launch can wait for each other: train needs it
};

// Whether there is a kernel for a network of these sizes.
bool covers(const Sizes &, const Device &);

// The network and how it learns.
struct Network {
  Sizes sizes;
  Each<const float *> params;
  Activation activation;
  float label_smoothing;  // as in network.h
};

// An optimizer's update rule, as PyTorch has it, and what it remembers of each parameter.
enum class Rule { kNone, kSGD, kAdam, kAdamW };

struct Update {
  Rule rule;
  float weight_decay, momentum, beta1, beta2, log_beta1, log_beta2, epsilon, average;  // momentum 0, average 0: none is kept
  bool nesterov;
  const float *learning_rate;  // of each batch
  Each<float *> value, momentum_or_first, second, averages;
  Each<float *> step;  // Adam's: how many there have been. Null: it does not count.
};

// logits [n, classes]. The labels may be null.
void logits(const Device &, const Network &, const Batch &, const Pass &, float *logits, cudaStream_t);

// Adds the loss summed over images, the right answers and n to sums.
void evaluate(const Device &, const Network &, const Batch &, const Pass &, double *sums, cudaStream_t);

// As evaluate, and sets the gradients of the loss's mean.
void differentiate(const Device &, const Network &, const Batch &, const Pass &, const Each<float *> &gradients, double *sums,
                   cudaStream_t);

// As evaluate, and updates the parameters: with as many batches of size images, from `all`, as there are; the last one may be
// smaller. p is for min(size, all.n) images.
void train(const Device &, const Network &, const Batch &all, int size, const Pass &p, const Update &, double *sums,
           cudaStream_t);

// The update alone, from gradients. sizes are the parameters' numbers of elements.
void update(const Each<int> &sizes, const Each<const float *> &gradients, const Update &, cudaStream_t);

}  // namespace lenet::cuda
