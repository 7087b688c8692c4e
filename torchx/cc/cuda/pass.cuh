// The pass: forward through LeNet and, when it learns, back, for one or two images a block. All that a block computes stays in
// its shared memory. What sums over images is left to finish.cuh: the inputs of the linear layers and the gradients of their
// outputs, of which the weights' gradients are products; a part of the convolutions' gradients; and the loss.
//
//   image [rows, cols] -> y1 [channels1, h1, w1] -> y2 [channels2, h2, w2] -> fc1 -> fc2 -> fc3 = logits
//
// Where there is room, the weights are copied to shared memory, those of the linear layers while the convolutions are computed;
// they are read twice. Elsewhere they come from the caches.
#pragma once

#include "conv.cuh"
#include "kernels.h"
#include "layout.cuh"
#include "linear.cuh"

namespace lenet::cuda {
namespace {

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

// Begins to copy n floats to the places in shared memory that a function says.
template <typename Place>
__device__ void fetch(const float *from, int n, Place place) {
#pragma unroll 1
  for (int i = threadIdx.x; i < n; i += kThreads)
    copy_later(reinterpret_cast<uint32_t *>(shared_memory<float>() + place(i)), reinterpret_cast<const uint32_t *>(from) + i);
}

// What a block's passes leave until they have all been made.
struct Answers {
  double loss;  // of a warp's sample
  int right;
};

// The label of a warp's sample, when the images are fetched.
__device__ int fetch_label(const Batch &b, int first, Mode mode) {
  const int sample = first + warp();
  return warp() < kMostSamples && sample < b.n && mode != Mode::kLogits ? b.labels[index(b, sample)] : 0;
}

// Begins to copy the linear layers' weights to shared memory: to this block's, or, of two that share them, half of the weights
// to both.
template <typename S>
__device__ void stage_weights(const S &s, const Layout &l, const Each<const float *> &params, float *memory, unsigned sharers) {
  const int features = s.channels2 * pooled2_of(s).plane;
  const int weights[kLinears] = {s.hidden1 * features, s.hidden2 * s.hidden1, s.classes * s.hidden2};
  const int to[kLinears] = {l.linear, l.masked, l.masked + weights[1]};
  const unsigned rank = sharers == 1 ? 0 : blockIdx.x % sharers;
  const uint16_t blocks = sharers == 1 ? 1u << cluster_rank() : 3;
  Arrival arrival(memory + l.arrival);
  arrival.expect((weights[0] + weights[1] + weights[2]) * sizeof(float));
#pragma unroll
  for (int i = 0; i < kLinears; i++) {
    const bool whole = sharers == 1 || i == kLinears - 1;  // the last layer's may not have two aligned halves
    const int n = whole ? weights[i] : weights[i] / 2, from = whole ? 0 : rank * n;
    if (!whole || rank == 0)
      arrival.copy(memory + to[i] + from, params.weight[kConvolutions + i] + from, n * sizeof(float), blocks);
  }
}

// One pass, of the images of the batch from the first on, which were fetched. Its functions are called by all threads, in the
// order in which pass_images has them. Its pointers are into shared memory, but those of weights that are not staged.
template <typename S, int kSamples, bool kStaged>
struct ImagesPass {
  const S &s;
  const PassArguments &a;
  const Batch &batch;
  const int first, there;  // the first image; how many the batch has from it on
  const bool again;        // whether this block has made a pass over this batch before

  const bool learns = a.mode == Mode::kLearn;
  const Extent image = image_of(s), y1 = pooled1_of(s), y2 = pooled2_of(s);
  const int places1 = y1.rows * y1.cols, stride1 = places1 | 1, places2 = y2.plane, features = s.channels2 * places2;
  const int groups1 = groups_of(s.channels1, kGroup1), groups2 = groups_of(s.channels2, kGroup2);
  const Layout l = layout_of(s, kSamples, kStaged);
  const Each<const float *> &params = a.network.params;
  float *const memory = shared_memory<float>();
  float *const pixels = memory + l.image;
  float *const out1 = memory + l.y1;
  float *const out2 = memory + l.y2;
  float *const hidden1 = memory + l.hidden1;
  float *const hidden2 = memory + l.hidden2;
  float *const gradient1 = memory + l.gradient1;
  float *const gradient2 = memory + l.gradient2;
  float *const scratch = memory + l.scratch;
  Entry *const entries1 = reinterpret_cast<Entry *>(memory + l.entries1);
  Entry *const entries2 = reinterpret_cast<Entry *>(memory + l.entries2);
  const float *const conv2 = kStaged ? memory + l.filters2 : params.weight[1];
  const float *const fc1 = kStaged ? memory + l.linear : params.weight[2];
  const float *const fc2 = kStaged ? memory + l.masked : params.weight[3];
  const float *const fc3 = kStaged ? memory + l.masked + s.hidden2 * s.hidden1 : params.weight[4];

  // Rows of a matrix of Pass for this block's images.
  __device__ Rows rows_of(float *const *of, int layer, int columns) const {
    return {learns ? of[layer] + first * stride_of(columns) : nullptr, stride_of(columns), there};
  }

  // The part of the convolutions' gradients that is this block's, to which a later pass adds.
  __device__ void add_to_part(int i, float sum) const {
    float *const part = a.to.filters + static_cast<int64_t>(blockIdx.x) * part_size(s) + i;
    *part = again ? *part + sum : sum;
  }

  // sharers: how many blocks stage the weights together.
  __device__ void load(unsigned sharers) const {
    copied();  // the raw images
    fetch(params.weight[0], filters1(s),
          [&](int i) { return l.filters1 + i % kTaps * 4 * groups1 + i / kTaps / kGroup1 * 4 + i / kTaps % kGroup1; });
    const int rows[kLayers] = {s.channels1, s.channels2, s.hidden1, s.hidden2, s.classes};
    const int biases[kLayers] = {l.bias1, l.bias2, l.bias3, l.bias4, l.bias5};
#pragma unroll
    for (int layer = 0; layer < kLayers; layer++)
      fetch(params.bias[layer], rows[layer], [&](int i) { return biases[layer] + i; });
    spread_images<kSamples>(s, image, batch, first, reinterpret_cast<const uint8_t *>(memory + l.raw), pixels);
    copied();
    __syncthreads();
    if (kStaged) fetch(params.weight[1], filters2(s), [&](int i) { return l.filters2 + i; });
    if (kStaged && threadIdx.x == kThreads - 1) stage_weights(s, l, params, memory, again ? 1 : sharers);
  }

  __device__ void convolve_once() const {
    convolve<kGroup1, 1, true>(kSamples, image, 1, pixels, memory + l.filters1, groups1, y1,
                               [&](int sample, int o, int place, float largest, int at) {
                                 if (o >= s.channels1) return;
                                 const int channel = sample * s.channels1 + o;
                                 out1[channel * y1.plane + place / y1.cols * y1.stride + place % y1.cols] =
                                     activated(s.activation, largest + memory[l.bias1 + o]);
                                 if (learns) entries1[channel * stride1 + place].at = at;
                               });
    copied();  // conv2's filters
    __syncthreads();
  }

  // phase: how often the linear layers' weights have been copied before.
  __device__ void convolve_again(int phase) const {
    const int taps = s.channels1 * kTaps;
#pragma unroll 1
    for (int i = threadIdx.x; i < taps * 4 * groups2; i += kThreads) {
      const int o = i % (4 * groups2), tap = i / (4 * groups2);
      scratch[i] = o < s.channels2 ? conv2[o * taps + tap] : 0;
    }
    __syncthreads();
    convolve<kGroup2, kSplit2, false>(kSamples, y1, s.channels1, out1, scratch, groups2, y2,
                                      [&](int sample, int o, int place, float largest, int at) {
                                        if (o >= s.channels2) return;
                                        const int channel = o * places2 + place;
                                        const float y = activated(s.activation, largest + memory[l.bias2 + o]);
                                        out2[sample * features + channel] = y;
                                        if (!learns) return;
                                        entries2[sample * features + channel].at = at;
                                        if (sample < there)
                                          a.to.inputs[0][(first + sample) * stride_of(features) + channel] = y;
                                      });
    if (kStaged) Arrival(memory + l.arrival).wait(phase);
    __syncthreads();
  }

  __device__ void linear_layers() const {
    linear_forward<kSamples>(features, s.hidden1, out2, fc1, memory + l.bias3, s.activation, hidden1,
                             rows_of(a.to.inputs, 1, s.hidden1));
    __syncthreads();
    linear_forward<kSamples>(s.hidden1, s.hidden2, hidden1, fc2, memory + l.bias4, s.activation, hidden2,
                             rows_of(a.to.inputs, 2, s.hidden2));
    __syncthreads();
  }

  // The last layer, the loss, and the gradient of the last layer's inputs. label: the warp's sample's.
  __device__ void answer(int label, Answers &answers) const {
    if (warp() < kSamples) {
      const int sample = warp();
      const bool inside = sample < there;
      float *const logits = memory + l.logits + sample * s.classes;
      const float *const y = hidden2 + sample * s.hidden2;
      logits_of_sample(s.hidden2, s.classes, y, fc3, memory + l.bias5, logits);
      if (a.mode == Mode::kLogits) {
        for (int c = lane(); inside && c < s.classes; c += 32) a.logits[(first + sample) * s.classes + c] = logits[c];
        return;
      }
      float *const gradient3 = memory + l.gradient3 + sample * s.classes;
      const Loss loss = cross_entropy(s.classes, a.network.label_smoothing, batch.n, logits, label, [&](int c, float g) {
        if (!learns) return;
        gradient3[c] = inside ? g : 0;
        if (inside) a.to.gradients[2][(first + sample) * stride_of(s.classes) + c] = g;
      });
      if (inside) answers.loss += loss.loss, answers.right += loss.right;
      if (!learns) return;
      const Rows to = rows_of(a.to.gradients, 1, s.hidden2);
      backward_of_sample(s.hidden2, s.classes, gradient3, fc3, [&](int k, float sum) {
        const float g = sum * slope(s.activation, y[k]);
        gradient2[k * kSamples + sample] = g;
        to.put(sample, k, g);
      });
    }
  }

  __device__ void back_through_linear_layers() const {
    __syncthreads();
    const Rows to = rows_of(a.to.gradients, 0, s.hidden1);
    linear_backward<kSamples>(s.hidden1, s.hidden2, gradient2, fc2, scratch, [&](int sample, int k, float sum) {
      const float g = sum * slope(s.activation, hidden1[sample * s.hidden1 + k]);
      gradient1[k * kSamples + sample] = g;
      to.put(sample, k, g);
    });
    __syncthreads();
    linear_backward<kSamples>(features, s.hidden1, gradient1, fc1, scratch, [&](int sample, int k, float sum) {
      entries2[sample * features + k].gradient = sum * slope(s.activation, out2[sample * features + k]);
    });
    __syncthreads();
  }

  // The gradients of conv2's parameters and inputs, the windows of some places at a time.
  __device__ void back_through_conv2() const {
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
      sum_windows<kPlaces>(kSamples, s.channels1, masked, n, s.channels2, conv2, memory + l.windows);
      if (place == 0)
        filters_of_many(kSamples, y1, s.channels1, out1, entries2, places2, s.channels2,
                        [&](int i, float sum) { add_to_part(filters1(s) + s.channels1 + i, sum); });
      __syncthreads();
      add_up_windows(place, n);
      __syncthreads();
    }
  }

  // Four values of the gradient of y1 at a time: all of them are covered by the same windows, of n places from the first on.
  __device__ void add_up_windows(int place, int n) const {
    const int high = (y1.rows + 1) / 2, wide = (y1.cols + 1) / 2;
#pragma unroll 1
    for (int i = threadIdx.x; i < kSamples * s.channels1 * high * wide; i += kThreads) {
      const int channel = i / (high * wide), row = i / wide % high, col = i % wide, sample = channel / s.channels1;
      const float *windows = memory + l.windows + (sample * n * s.channels1 + channel % s.channels1) * kWindow;
      float sums[4] = {};
      add_windows(windows, s.channels1 * kWindow, y2, place, n, row, col, sums);
#pragma unroll
      for (int r = 0; r < 4; r++) {
        const int y = 2 * row + r / 2, x = 2 * col + r % 2;
        if (y >= y1.rows || x >= y1.cols) continue;
        float *const gradient = &entries1[channel * stride1 + y * y1.cols + x].gradient;
        if (place > 0) sums[r] += *gradient;
        const bool last = place + n == places2;
        *gradient = last ? sums[r] * slope(s.activation, out1[channel * y1.plane + y * y1.stride + x]) : sums[r];
      }
    }
  }

  __device__ void back_through_conv1() const {
    filters_of_one(kSamples, image, pixels, entries1, stride1, places1, s.channels1, scratch);
    __syncthreads();
    const int size1 = s.channels1 * (kTaps + 1);
#pragma unroll 1
    for (int i = threadIdx.x; i < size1; i += kThreads) {
      float sum = 0;
#pragma unroll
      for (int w = 0; w < kWarps; w++) sum += scratch[w * size1 + i];
      add_to_part(i, sum);
    }
  }
};

// As ImagesPass has it, from its beginning to its end.
template <typename S, int kSamples, bool kStaged>
__device__ void pass_images(const S &s, const PassArguments &a, const Batch &batch, int first, int label, bool again, int phase,
                            unsigned sharers, Answers &answers) {
  const ImagesPass<S, kSamples, kStaged> pass{s, a, batch, first, batch.n - first, again};
  pass.load(sharers);
  pass.convolve_once();
  pass.convolve_again(phase);
  pass.linear_layers();
  pass.answer(label, answers);
  if (!pass.learns) return;
  pass.back_through_linear_layers();
  pass.back_through_conv2();
  pass.back_through_conv1();
}

// What all of a block's passes over a batch found, for finish: a warp's.
template <int kSamples>
__device__ void leave_answers(const Pass &to, const Answers &answers) {
  if (warp() >= kSamples || lane() > 0) return;
  to.losses[blockIdx.x * kMostSamples + warp()] = answers.loss;
  to.right[blockIdx.x * kMostSamples + warp()] = answers.right;
}

}  // namespace
}  // namespace lenet::cuda
