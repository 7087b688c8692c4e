// The sizes of LeNet, and the strides of images in shared memory.
//
// A kernel takes a shape as a type: Report, whose sizes the compiler knows, and perhaps the activation, or Any, which holds
// them. The code is the same.
#pragma once

#include "activation.cuh"
#include "kernels.h"
#include "launch.h"

namespace lenet::cuda {
namespace {

struct Any : Sizes {
  Chosen activation;
};

// The lab report's network, with any number of classes.
template <typename A>
struct Report {
  static constexpr int rows = 28, cols = 28, channels1 = 6, channels2 = 16, hidden1 = 120, hidden2 = 84;
  int classes;
  A activation;  // Known or Chosen

  static bool is(const Sizes &s) {
    return s.rows == rows && s.cols == cols && s.channels1 == channels1 && s.channels2 == channels2 && s.hidden1 == hidden1 &&
           s.hidden2 == hidden2;
  }
};

constexpr int kTaps = 25;  // of a filter of 5x5

// A plane of an image in shared memory: its rows are `stride` apart, its channels `plane`.
struct Extent {
  int rows, cols, stride, plane;
};

__host__ __device__ constexpr int most(int a, int b) { return a > b ? a : b; }
__host__ __device__ constexpr int least(int a, int b) { return a < b ? a : b; }
__host__ __device__ constexpr int groups_of(int n, int group) { return (n + group - 1) / group; }
__host__ __device__ constexpr int round_up(int n, int to) { return groups_of(n, to) * to; }

// The strides keep a warp's lanes in different banks: where lanes have the rows of a filter, of some channels, each with a
// column of its own or the one after it.
template <typename S>
__host__ __device__ constexpr Extent image_of(const S &s) {
  const int stride = round_up(s.cols, 2);
  return {s.rows, s.cols, stride, s.rows * stride};
}

template <typename S>
__host__ __device__ constexpr Extent pooled1_of(const S &s) {
  const int rows = (s.rows - 4) / 2, cols = (s.cols - 4) / 2, stride = cols | 1;
  return {rows, cols, stride, round_up(rows * stride, 32) + 1};
}

// As fc1 takes it: without gaps.
template <typename S>
__host__ __device__ constexpr Extent pooled2_of(const S &s) {
  const Extent in = pooled1_of(s);
  const int rows = (in.rows - 4) / 2, cols = (in.cols - 4) / 2;
  return {rows, cols, cols, rows * cols};
}

// Of the linear layers: the inputs of each, and the outputs of the last.
struct Features {
  int of[kLinears + 1];
};
template <typename S>
__host__ __device__ constexpr Features features_of(const S &s) {
  return {{s.channels2 * pooled2_of(s).plane, s.hidden1, s.hidden2, s.classes}};
}

// The gradients of both convolutions' parameters in a row, as blocks leave their parts: conv1's weights and biases, conv2's.
template <typename S>
__host__ __device__ constexpr int filters1(const S &s) {
  return s.channels1 * kTaps;
}
template <typename S>
__host__ __device__ constexpr int filters2(const S &s) {
  return s.channels2 * s.channels1 * kTaps;
}
template <typename S>
__host__ __device__ constexpr int part_size(const S &s) {
  return filters1(s) + s.channels1 + filters2(s) + s.channels2;
}

// How far apart the rows of a Pass's matrices are: they are aligned to 16 bytes.
__host__ __device__ constexpr int stride_of(int features) { return round_up(features, 4); }

}  // namespace
}  // namespace lenet::cuda
