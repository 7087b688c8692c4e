// The pass: forward through LeNet and, when it learns, back, for one or two images a block. All that a block computes stays in its
// shared memory. What sums over images is left to finish.cuh: the inputs of the linear layers and the gradients of their outputs, of
// which the weights' gradients are products; a part of the convolutions' gradients; and the loss.
//
//   image [rows, cols] -> y1 [channels1, h1, w1] -> y2 [channels2, h2, w2] -> fc1 -> fc2 -> fc3 = logits
//
// Where there is room, the weights are copied to shared memory, those of the linear layers while the convolutions are computed; they
// are read twice. Elsewhere they come from the caches.
#pragma once

#include "conv.cuh"
#include "finish.cuh"
#include "kernels.h"
#include "linear.cuh"

namespace lenet::cuda {
namespace {

constexpr int kGroup1 = 3, kGroup2 = 4, kSplit2 = 2;  // of convolve
constexpr int kPlaces = 2;                            // of sum_windows
constexpr int kRoom = 4608;                           // floats for a sample's windows and masked gradients, where memory is scarce

// Where things are in shared memory, in floats.
struct Layout {
  int raw, arrival, image, y1, y2, hidden1, hidden2, logits, entries1, entries2, gradient1, gradient2, gradient3, filters1, filters2, bias1,
      bias2, bias3, bias4, bias5, scratch, linear, windows, masked, size;
  int chunk;  // of places, whose windows are summed at a time

  __host__ __device__ constexpr int take(int floats) {  // returns where they begin
    const int from = size;
    size += round_up(floats, 4);
    return from;
  }
};

template <typename S>
__host__ __device__ constexpr Layout layout_of(const S &s, int samples, bool staged) {
  const Extent image = image_of(s), y1 = pooled1_of(s), y2 = pooled2_of(s);
  const int places1 = y1.rows * y1.cols, features = s.channels2 * y2.plane;
  Layout l{};
  l.arrival = l.take(kReserved);
  l.image = l.take(samples * image.plane);
  l.y1 = l.take(samples * s.channels1 * y1.plane);
  l.y2 = l.take(samples * features);
  l.hidden1 = l.take(samples * s.hidden1);
  l.hidden2 = l.take(samples * s.hidden2);
  l.logits = l.take(samples * s.classes);
  l.entries1 = l.take(2 * samples * s.channels1 * (places1 | 1));
  l.entries2 = l.take(2 * samples * features);
  l.gradient1 = l.take(samples * s.hidden1);
  l.gradient2 = l.take(samples * s.hidden2);
  l.gradient3 = l.take(samples * s.classes);
  l.filters1 = l.take(kTaps * 4 * groups_of(s.channels1, kGroup1));
  l.filters2 = l.take(staged ? filters2(s) : 0);
  l.bias1 = l.take(s.channels1);
  l.bias2 = l.take(s.channels2);
  l.bias3 = l.take(s.hidden1);
  l.bias4 = l.take(s.hidden2);
  l.bias5 = l.take(s.classes);
  int scratch = s.channels1 * kTaps * 4 * groups_of(s.channels2, kGroup2);  // filters2, grouped
  scratch = most(scratch, kWarps * s.channels1 * (kTaps + 1));
  scratch = most(scratch, split_sums(samples, features));
  scratch = most(scratch, split_sums(samples, s.hidden1));
  scratch = most(scratch, split_sums(samples, s.hidden2));
  l.scratch = l.take(scratch);
  // When the windows are summed, fc1's weights are not needed any more, and the other layers' not when the gradients that are summed
  // in them are made.
  const int weights1 = s.hidden1 * features, weights23 = s.hidden2 * s.hidden1 + s.classes * s.hidden2;
  const int of_place = s.channels1 * kWindow + 4 * s.channels2;
  l.chunk = staged || y2.plane * of_place <= kRoom ? y2.plane : most(kRoom / of_place, 1);
  const int windows = samples * l.chunk * s.channels1 * kWindow, masked = 4 * samples * l.chunk * s.channels2;
  l.linear = l.windows = l.take(most(staged ? weights1 : 0, windows));
  l.masked = l.take(most(staged ? weights23 : 0, masked));
  l.size = most(l.size, kReserved + kFinishFloats);  // the next images come while the batch is finished
  l.raw = l.take(round_up(samples * s.rows * s.cols, 4) / 4);
  return l;
}

enum class Mode { kLogits, kEvaluate, kLearn };

struct PassArguments {
  Network network;
  Mode mode;
  Pass to;
  float *logits;
};

__device__ int64_t index(const Batch &b, int i) { return b.order ? b.order[b.first + i] : b.first + i; }

// Whether images come four pixels at a time.
template <typename S>
__device__ bool by_four(const S &s, const Batch &b) {
  return s.cols % 4 == 0 && reinterpret_cast<uintptr_t>(b.images) % 4 == 0;
}

// Begins to copy the images from the first on to raw [kSamples, rows, cols] bytes; none where the batch has no more.
template <int kSamples, typename S>
__device__ void fetch_images(const S &s, const Batch &b, int first, uint8_t *raw) {
  const int size = s.rows * s.cols, unit = by_four(s, b) ? 4 : 1;
#pragma unroll 1
  for (int i = threadIdx.x * unit; i < kSamples * size; i += kThreads * unit) {
    const int sample = i / size;
    if (first + sample >= b.n) break;
    const uint8_t *from = b.images + index(b, first + sample) * size + i - sample * size;
    if (unit == 4)
      copy_later(reinterpret_cast<uint32_t *>(raw + i), reinterpret_cast<const uint32_t *>(from));
    else
      raw[i] = *from;
  }
}

// pixels [kSamples, plane] from raw, of which each thread takes what it fetched; zeros where the batch has no more.
template <int kSamples, typename S>
__device__ void spread_images(const S &s, Extent image, const Batch &b, int first, const uint8_t *raw, float *pixels) {
  const int size = s.rows * s.cols, unit = by_four(s, b) ? 4 : 1;
#pragma unroll 1
  for (int i = threadIdx.x * unit; i < kSamples * size; i += kThreads * unit) {
    const int sample = i / size, pixel = i - sample * size;
    float *to = pixels + sample * image.plane + pixel / s.cols * image.stride + pixel % s.cols;
    for (int j = 0; j < unit; j++) to[j] = first + sample < b.n ? raw[i + j] / 255.f : 0;
  }
}

// What a block's passes leave until they have all been made.
struct Answers {
  double loss;  // of a warp's sample
  int right;
};

// The label of a warp's sample, when the images are fetched.
__device__ int fetch_label(const Batch &b, int first, Mode mode) {
  const int sample = first + warp();
  return warp() < 2 && sample < b.n && mode != Mode::kLogits ? b.labels[index(b, sample)] : 0;
}

#ifdef LENET_CLOCK
__device__ long long clocks[64];
#define TICK(i) \
  if (blockIdx.x == 0 && threadIdx.x == 0) clocks[i] = clock64();
#else
#define TICK(i)
#endif

// One pass, of the images of the batch from the first on, which were fetched. again: not the first one of this block and batch.
// phase: how often the linear layers' weights have been copied before.
template <typename S, int kSamples, bool kStaged>
__device__ void pass_images(const S &s, const PassArguments &a, const Batch &batch, int first, int label, bool again, int phase, Answers &answers) {
  const Extent image = image_of(s), y1 = pooled1_of(s), y2 = pooled2_of(s);
  const int places1 = y1.rows * y1.cols, places2 = y2.plane, features = s.channels2 * places2;
  const int weights1 = s.hidden1 * features, weights2 = s.hidden2 * s.hidden1, weights3 = s.classes * s.hidden2;
  const bool learns = a.mode == Mode::kLearn;
  const Activation f = a.network.activation;
  const Each<const float *> &params = a.network.params;
  const int there = batch.n - first;  // images
  const Layout l = layout_of(s, kSamples, kStaged);
  float *const memory = shared_memory<float>();
  float *const pixels = memory + l.image, *const out1 = memory + l.y1, *const out2 = memory + l.y2, *const scratch = memory + l.scratch;
  Entry *const entries1 = reinterpret_cast<Entry *>(memory + l.entries1), *const entries2 = reinterpret_cast<Entry *>(memory + l.entries2);
  const int stride1 = places1 | 1;
  const Weights<kStaged> conv2{params.weight[1], l.filters2};
  const Weights<kStaged> fc1{params.weight[2], l.linear}, fc2{params.weight[3], l.masked}, fc3{params.weight[4], l.masked + weights2};
  Arrival arrival(memory + l.arrival);

  TICK(0)
  if (kStaged && threadIdx.x == 0) {
    arrival.expect((weights1 + weights2 + weights3) * sizeof(float));
    arrival.copy(memory + l.linear, params.weight[2], weights1 * sizeof(float));
    arrival.copy(memory + l.masked, params.weight[3], weights2 * sizeof(float));
    arrival.copy(memory + l.masked + weights2, params.weight[4], weights3 * sizeof(float));
  }
  const int taps = s.channels1 * kTaps, groups1 = groups_of(s.channels1, kGroup1), groups2 = groups_of(s.channels2, kGroup2);
  copied();  // the raw images
  spread_images<kSamples>(s, image, batch, first, reinterpret_cast<const uint8_t *>(memory + l.raw), pixels);
  TICK(1)
  {
    const int filter = threadIdx.x;
#pragma unroll 1
    for (int i = filter; i < filters1(s); i += kThreads)
      memory[l.filters1 + i % kTaps * 4 * groups1 + i / kTaps / kGroup1 * 4 + i / kTaps % kGroup1] = params.weight[0][i];
    const int rows[kLayers] = {s.channels1, s.channels2, s.hidden1, s.hidden2, s.classes}, biases[kLayers] = {l.bias1, l.bias2, l.bias3, l.bias4, l.bias5};
#pragma unroll
    for (int layer = 0; layer < kLayers; layer++)
#pragma unroll 1
      for (int i = threadIdx.x; i < rows[layer]; i += kThreads) memory[biases[layer] + i] = params.bias[layer][i];
#pragma unroll 1
    for (int i = threadIdx.x; kStaged && i < filters2(s); i += kThreads)
      copy_later(reinterpret_cast<uint32_t *>(memory + l.filters2) + i, reinterpret_cast<const uint32_t *>(params.weight[1]) + i);
  }
  __syncthreads();
  TICK(2)

  convolve<kGroup1, 1>(kSamples, image, 1, pixels, memory + l.filters1, groups1, y1, [&](int sample, int o, int place, float largest, int at) {
    if (o >= s.channels1) return;
    const int channel = sample * s.channels1 + o;
    out1[channel * y1.plane + place / y1.cols * y1.stride + place % y1.cols] = activated(f, largest + memory[l.bias1 + o]);
    if (learns) entries1[channel * stride1 + place].at = at;
  });
  copied();
  __syncthreads();
  TICK(3)
#pragma unroll 1
  for (int i = threadIdx.x; i < taps * 4 * groups2; i += kThreads) {
    const int o = i % (4 * groups2), tap = i / (4 * groups2);
    scratch[i] = o < s.channels2 ? conv2.get()[o * taps + tap] : 0;
  }
  __syncthreads();
  TICK(4)
  convolve<kGroup2, kSplit2>(kSamples, y1, s.channels1, out1, scratch, groups2, y2, [&](int sample, int o, int place, float largest, int at) {
    if (o >= s.channels2) return;
    const int channel = o * places2 + place;
    const float y = activated(f, largest + memory[l.bias2 + o]);
    out2[sample * features + channel] = y;
    if (!learns) return;
    entries2[sample * features + channel].at = at;
    if (sample < there) a.to.inputs[0][(first + sample) * stride_of(features) + channel] = y;
  });
  if (kStaged) arrival.wait(phase);
  __syncthreads();
  TICK(5)
  const auto rows_of = [&](float *const *of, int layer, int columns) {
    return Rows{learns ? of[layer] + first * stride_of(columns) : nullptr, stride_of(columns), there};
  };
  linear_forward<kSamples>(features, s.hidden1, l.y2, fc1, l.bias3, f, l.hidden1, rows_of(a.to.inputs, 1, s.hidden1));
  __syncthreads();
  TICK(6)
  linear_forward<kSamples>(s.hidden1, s.hidden2, l.hidden1, fc2, l.bias4, f, l.hidden2, rows_of(a.to.inputs, 2, s.hidden2));
  __syncthreads();
  TICK(7)
  linear_forward<kSamples>(s.hidden2, s.classes, l.hidden2, fc3, l.bias5, Activation::kNone, l.logits,
                           Rows{a.logits ? a.logits + first * s.classes : nullptr, s.classes, there});
  __syncthreads();
  TICK(8)
  if (a.mode == Mode::kLogits) return;
  if (warp() < kSamples) {
    const int sample = warp();
    const Loss loss = cross_entropy(s.classes, a.network.label_smoothing, batch.n, memory + l.logits + sample * s.classes, label, [&](int c, float g) {
      if (!learns) return;
      memory[l.gradient3 + c * kSamples + sample] = sample < there ? g : 0;
      if (sample < there) a.to.gradients[2][(first + sample) * stride_of(s.classes) + c] = g;
    });
    if (sample < there) answers.loss += loss.loss, answers.right += loss.right;
  }
  __syncthreads();
  TICK(9)
  if (!learns) return;

  linear_backward<kSamples>(s.hidden2, s.classes, l.gradient3, fc3, l.scratch, f, l.hidden2, l.gradient2, 1, kSamples,
                            rows_of(a.to.gradients, 1, s.hidden2));
  __syncthreads();
  TICK(10)
  linear_backward<kSamples>(s.hidden1, s.hidden2, l.gradient2, fc2, l.scratch, f, l.hidden1, l.gradient1, 1, kSamples,
                            rows_of(a.to.gradients, 0, s.hidden1));
  __syncthreads();
  TICK(11)
  static_assert(offsetof(Entry, gradient) == 0 && sizeof(Entry) == 8, "");
  linear_backward<kSamples>(features, s.hidden1, l.gradient1, fc1, l.scratch, f, l.y2, l.entries2, 2 * features, 2, Rows{});
  __syncthreads();
  TICK(12)
  float *const part = a.to.filters + static_cast<int64_t>(blockIdx.x) * part_size(s), *const part2 = part + filters1(s) + s.channels1;
  float4 *const masked = reinterpret_cast<float4 *>(memory + l.masked);
#pragma unroll 1
  for (int place = 0; place < places2; place += l.chunk) {
    const int n = places2 - place < l.chunk ? places2 - place : l.chunk;
#pragma unroll 1
    for (int i = threadIdx.x; i < kSamples * s.channels2 * n; i += kThreads) {
      const Entry e = entries2[i / n * places2 + place + i % n];
      const int r = e.at & 3;
      masked[i] = float4{r == 0 ? e.gradient : 0, r == 1 ? e.gradient : 0, r == 2 ? e.gradient : 0, r == 3 ? e.gradient : 0};
    }
    __syncthreads();
    TICK(13)
    sum_windows<kPlaces>(kSamples, s.channels1, masked, n, s.channels2, conv2.get(), memory + l.windows);
    TICK(14)
    if (place == 0)
      filters_of_many(kSamples, y1, s.channels1, out1, entries2, places2, s.channels2,
                      [&](int i, float sum) { part2[i] = again ? part2[i] + sum : sum; });
    __syncthreads();
    TICK(15)
#pragma unroll 1
    for (int i = threadIdx.x; i < kSamples * s.channels1 * places1; i += kThreads) {
      const int at = i % places1, channel = i / places1, row = at / y1.cols, col = at % y1.cols, sample = channel / s.channels1;
      const float *windows = memory + l.windows + sample * n * s.channels1 * kWindow;
      float *gradient = &entries1[channel * stride1 + at].gradient;
      float sum = covered(windows, s.channels1, channel % s.channels1, y2, place, n, row, col);
      if (place > 0) sum += *gradient;
      *gradient = place + n < places2 ? sum : sum * slope(f, out1[channel * y1.plane + row * y1.stride + col]);
    }
    __syncthreads();
  }
  TICK(16)
  filters_of_one(kSamples, image, pixels, entries1, stride1, places1, s.channels1, scratch);
  __syncthreads();
  TICK(17)
  const int size1 = s.channels1 * (kTaps + 1);
#pragma unroll 1
  for (int i = threadIdx.x; i < size1; i += kThreads) {
    float sum = 0;
#pragma unroll
    for (int w = 0; w < kWarps; w++) sum += scratch[w * size1 + i];
    part[i] = again ? part[i] + sum : sum;
  }
  if (kStaged) arrival.release();
  TICK(18)
}

// What all of a block's passes over a batch found, for finish.
template <int kSamples>
__device__ void leave_answers(const Pass &to, const Answers &answers, float *memory) {
  double *const all = reinterpret_cast<double *>(memory);  // [2, kSamples]
  __syncthreads();
  if (warp() < kSamples && lane() == 0) all[warp()] = answers.loss, all[kSamples + warp()] = answers.right;
  __syncthreads();
  if (threadIdx.x > 0) return;
  double loss = 0, right = 0;
  for (int i = 0; i < kSamples; i++) loss += all[i], right += all[kSamples + i];
  to.losses[blockIdx.x] = loss;
  to.right[blockIdx.x] = static_cast<int>(right);
}

}  // namespace
}  // namespace lenet::cuda
