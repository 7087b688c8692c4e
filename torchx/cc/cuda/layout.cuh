// Where a block of threads keeps what a pass works on, in shared memory.
#pragma once

#include "conv.cuh"
#include "finish.cuh"
#include "linear.cuh"
#include "shape.cuh"

namespace lenet::cuda {
namespace {

constexpr int kGroup1 = 2, kGroup2 = 4, kSplit2 = 2;  // of convolve
constexpr int kPlaces = 2;                            // of sum_windows
constexpr int kRoom = 4608;  // floats for a sample's windows and masked gradients, where memory is scarce

// Where things are in shared memory, in floats.
struct Layout {
  int raw, arrival, image, y1, y2, hidden1, hidden2, logits, entries1, entries2, gradient1, gradient2, gradient3, filters1,
      filters2, bias1, bias2, bias3, bias4, bias5, scratch, linear, windows, masked, size;
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
  l.scratch = l.take(scratch);
  // When the windows are summed, fc1's weights are not needed any more, and the other layers' not when the gradients that are
  // summed in them are made.
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

}  // namespace
}  // namespace lenet::cuda
