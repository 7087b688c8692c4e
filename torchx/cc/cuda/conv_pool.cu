// conv_pool's kernels: a 5x5 convolution and the 2x2 max-pool after it, forward and back.
//
//   x [n, in, height, width]    y, argmax [n, out, h, w]    weight [out, in, 5, 5]
//
// Forward, what the convolution yields is never stored: a thread has a 6x6 patch of x in registers and computes the four
// positions that one value of y is the largest of, for some channels at once.
//
// Backward, only the position of the largest has a gradient: an "entry", h * w of them for each channel, its value g and its
// corner `at` in x. The gradient of the weights is, for each weight, a sum over entries, g * x[at + (i, j)]: a thread has a row
// of five weights. The gradient of x gets g * weight[i, j] at each at + (i, j): a warp takes one entry at a time, its lanes
// rows of the filter, none of which meet; each warp adds to a copy of its own, and the copies are added in order. There are
// nine times fewer multiplications than in a convolution's own gradient.
#include "activation.cuh"
#include "kernels.h"
#include "launch.h"

namespace lenet::cuda {
namespace {

constexpr int kThreads = 256, kWarps = kThreads / 32;
constexpr int kShared = (64 << 10) / sizeof(float);  // floats that a block may share, on the smallest of the GPUs
constexpr int kParts = 256;

__device__ float value(float x) { return x; }
__device__ float value(uint8_t x) { return x / 255.f; }

// T is x's type; a thread computes kGroup channels at one place, and a block some channels of one sample.
template <typename T, int kGroup>
__global__ void __launch_bounds__(kThreads) forward(Block s, int channels, const T *x, const float *weight, const float *bias,
                                                    Activation f, float *y, uint8_t *argmax) {
  const int h = (s.height - 4) / 2, w = (s.width - 4) / 2, places = h * w, image = s.in * s.height * s.width, taps = s.in * 25;
  const int sample = blockIdx.x, first = blockIdx.y * channels;
  float *pixels = shared_memory<float>(), *weights = pixels + image;  // weights [taps, channels]
  for (int i = threadIdx.x; i < image; i += kThreads) pixels[i] = value(x[static_cast<int64_t>(sample) * image + i]);
  for (int i = threadIdx.x; i < taps * channels; i += kThreads) {
    const int o = first + i / taps;
    weights[i % taps * channels + i / taps] = o < s.out ? weight[o * taps + i % taps] : 0;
  }
  __syncthreads();

  for (int item = threadIdx.x; item < places * (channels / kGroup); item += kThreads) {
    const int place = item % places, group = item / places * kGroup;
    const float *corner = pixels + place / w * 2 * s.width + place % w * 2;
    float sums[kGroup][4] = {};
    for (int c = 0; c < s.in; c++) {
      float patch[6][6];
#pragma unroll
      for (int i = 0; i < 6; i++)
#pragma unroll
        for (int j = 0; j < 6; j++) patch[i][j] = corner[(c * s.height + i) * s.width + j];
#pragma unroll
      for (int i = 0; i < 5; i++)
#pragma unroll
        for (int j = 0; j < 5; j++)
#pragma unroll
          for (int o = 0; o < kGroup; o++) {
            const float f = weights[(c * 25 + i * 5 + j) * channels + group + o];
#pragma unroll
            for (int r = 0; r < 4; r++) sums[o][r] += patch[i + r / 2][j + r % 2] * f;
          }
    }
    for (int o = 0; o < kGroup; o++) {
      const int channel = first + group + o;
      if (channel >= s.out) break;
      float largest = sums[o][0];
      int at = 0;
      for (int r = 1; r < 4; r++)
        if (sums[o][r] > largest || sums[o][r] != sums[o][r])
          largest = sums[o][r], at = r;  // NaN is the largest, as in libtorch
      largest += bias[channel];
      largest = activated(f, largest);
      const int64_t to = (static_cast<int64_t>(sample) * s.out + channel) * places + place;
      y[to] = largest;
      argmax[to] = at;
    }
  }
}

// How a block of threads shares its work: rows of a filter are taken by `splits` threads each, which divide the entries;
// `copies` warps have a copy of x's gradient each.
struct Division {
  int splits, copies;
};

template <typename T>
__global__ void __launch_bounds__(kThreads)
    backward(Block s, Division d, const T *x, const float *weight, Activation f, const float *y, const uint8_t *argmax,
             const float *dy, float *dx, float *sums, int stride) {
  const int h = (s.height - 4) / 2, w = (s.width - 4) / 2, places = h * w, entries = s.out * places;
  const int plane = s.height * s.width, image = s.in * plane, filter_rows = s.in * 5, rows = s.out * filter_rows;
  const int size = rows * 5 + s.out;  // of the gradients of weights and biases
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  float *pixels = shared_memory<float>(), *g = pixels + image, *parts = g + entries, *weights = parts + d.splits * size;
  float *copies = weights + (dx ? rows * 5 : 0);
  int *at = reinterpret_cast<int *>(copies + d.copies * image);

  for (int i = threadIdx.x; i < d.splits * size; i += kThreads) parts[i] = 0;
  if (dx)
    for (int i = threadIdx.x; i < rows * 5; i += kThreads) weights[i] = weight[i];

  for (int64_t sample = blockIdx.x; sample < s.n; sample += gridDim.x) {
    __syncthreads();  // all threads have finished the previous sample
    for (int i = threadIdx.x; i < image; i += kThreads) pixels[i] = value(x[sample * image + i]);
    for (int i = threadIdx.x; i < d.copies * image; i += kThreads) copies[i] = 0;
    for (int e = threadIdx.x; e < entries; e += kThreads) {
      const float from = y[sample * entries + e];
      g[e] = dy[sample * entries + e] * slope(f, from);
      const int place = e % places, r = argmax[sample * entries + e];
      at[e] = (place / w * 2 + r / 2) * s.width + place % w * 2 + r % 2;
    }
    __syncthreads();

    for (int item = threadIdx.x; item < rows * d.splits; item += kThreads) {
      const int row = item % rows, split = item / rows, o = row / filter_rows, in_filter = row % filter_rows;
      const float *from = pixels + in_filter / 5 * plane + in_filter % 5 * s.width;
      float sum[5] = {}, of_bias = 0;
      for (int e = o * places + split; e < (o + 1) * places; e += d.splits) {
        of_bias += g[e];
#pragma unroll
        for (int j = 0; j < 5; j++) sum[j] += g[e] * from[at[e] + j];
      }
      float *to = parts + split * size;
#pragma unroll
      for (int j = 0; j < 5; j++) to[row * 5 + j] += sum[j];
      if (in_filter == 0) to[rows * 5 + o] += of_bias;
    }

    if (!dx) continue;
    if (warp < d.copies)
      for (int o = warp; o < s.out; o += d.copies)
        for (int e = o * places; e < (o + 1) * places; e++) {
          for (int row = lane; row < filter_rows; row += 32) {
            float *to = copies + warp * image + row / 5 * plane + row % 5 * s.width + at[e];
            const float *f = weights + (o * filter_rows + row) * 5;
#pragma unroll
            for (int j = 0; j < 5; j++) to[j] += g[e] * f[j];
          }
          __syncwarp();  // the next entry's rows may be another lane's
        }
    __syncthreads();
    for (int i = threadIdx.x; i < image; i += kThreads) {
      float sum = 0;
      for (int c = 0; c < d.copies; c++) sum += copies[c * image + i];
      dx[sample * image + i] = sum;
    }
  }

  __syncthreads();
  for (int i = threadIdx.x; i < size; i += kThreads) {
    float sum = 0;
    for (int split = 0; split < d.splits; split++) sum += parts[split * size + i];
    sums[static_cast<int64_t>(blockIdx.x) * stride + i] = sum;
  }
}

// A warp's lanes have neighbouring columns; its eight warps divide the parts.
__global__ void __launch_bounds__(kThreads) add(const float *sums, int parts, int size, float *total) {
  __shared__ float of_warp[kWarps][32];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, i = blockIdx.x * 32 + lane;
  float sum = 0;
  if (i < size) {
#pragma unroll 8
    for (int part = warp; part < parts; part += kWarps) sum += sums[static_cast<int64_t>(part) * size + i];
  }
  of_warp[warp][lane] = sum;
  __syncthreads();
  if (warp > 0 || i >= size) return;
  for (int other = 1; other < kWarps; other++) sum += of_warp[other][lane];
  total[i] = sum;
}

// How many channels of a sample a block computes forward: all of them, or as many as fit in shared memory, rounded down to a
// multiple of group.
int channels_of(const Block &s, int group) {
  const int all = (s.out + group - 1) / group * group, room = (kShared - s.image()) / (s.in * 25) / group * group;
  return all < room ? all : room;
}

int backward_size(const Block &s, const Division &d, bool input) {
  return s.image() + 2 * s.pooled() + d.splits * (s.weights() + s.out) + (input ? s.weights() + d.copies * s.image() : 0);
}

// As many splits as give each thread a row, and as many copies as there are warps, as far as there is room.
Division division(const Block &s, bool input) {
  Division d = {1, input ? 1 : 0};
  while (d.splits < kThreads / (s.out * s.in * 5) && backward_size(s, {d.splits + 1, d.copies}, input) <= kShared) d.splits++;
  while (input && d.copies < kWarps && backward_size(s, {d.splits, d.copies + 1}, input) <= kShared) d.copies++;
  return d;
}

template <typename T, int kGroup>
void start_forward(const Block &s, const void *x, const float *weight, const float *bias, Activation f, float *y,
                   uint8_t *argmax, cudaStream_t stream) {
  const int channels = channels_of(s, kGroup);
  launch(forward<T, kGroup>, dim3(s.n, (s.out + channels - 1) / channels), kThreads,
         (s.image() + s.in * 25 * channels) * sizeof(float), stream, s, channels, static_cast<const T *>(x), weight, bias, f, y,
         argmax);
}

template <typename T>
void start_backward(const Block &s, const void *x, const float *weight, Activation f, const float *y, const uint8_t *argmax,
                    const float *dy, float *dx, float *sums, int stride, cudaStream_t stream) {
  const Division d = division(s, dx);
  launch(backward<T>, dim3(conv_pool_parts(s.n)), kThreads, backward_size(s, d, dx) * sizeof(float), stream, s, d,
         static_cast<const T *>(x), weight, f, y, argmax, dy, dx, sums, stride);
}

}  // namespace

bool conv_pool_covers(const Block &s) { return backward_size(s, {1, 1}, true) <= kShared && channels_of(s, 4) > 0; }

void conv_pool_forward(const Block &s, const void *x, bool bytes, const float *weight, const float *bias, Activation f,
                       float *y, uint8_t *argmax, cudaStream_t stream) {
  const auto start = s.out % 4 ? (bytes ? start_forward<uint8_t, 2> : start_forward<float, 2>)
                               : (bytes ? start_forward<uint8_t, 4> : start_forward<float, 4>);
  start(s, x, weight, bias, f, y, argmax, stream);
}

int conv_pool_parts(int n) { return n < kParts ? n : kParts; }

void conv_pool_backward(const Block &s, const void *x, bool bytes, const float *weight, Activation f, const float *y,
                        const uint8_t *argmax, const float *dy, float *dx, float *sums, int stride, cudaStream_t stream) {
  (bytes ? start_backward<uint8_t> : start_backward<float>)(s, x, weight, f, y, argmax, dy, dx, sums, stride, stream);
}

void add_parts(const float *sums, int parts, int size, float *total, cudaStream_t stream) {
  launch(add, dim3((size + 31) / 32), kThreads, 0, stream, sums, parts, size, total);
}

}  // namespace lenet::cuda
