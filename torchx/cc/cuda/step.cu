// The kernels of kernels.h, of the pass and of what finishes a batch.
#include <stdexcept>

#include "finish.cuh"
#include "kernels.h"
#include "pass.cuh"

namespace lenet::cuda {
namespace {

// Whether a GPU has a use for kernels that stage the weights: Hopper and the larger Blackwells. Elsewhere their code is left
// out.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ < 900 || __CUDA_ARCH__ >= 1200)
constexpr bool kStages = false;
#else
constexpr bool kStages = true;
#endif

template <typename S, int kSamples, bool kStaged>
__global__ void __launch_bounds__(kThreads, 1)
    pass_alone(const __grid_constant__ S s, const __grid_constant__ PassArguments a, const __grid_constant__ Batch b) {
  if constexpr (kStaged && !kStages) return;
  const Layout l = layout_of(s, kSamples, kStaged);
  float *const memory = shared_memory<float>();
  Answers answers{};
  if (kStaged) Arrival(memory + l.arrival).begin();
  int phase = 0;
#pragma unroll 1
  for (int first = blockIdx.x * kSamples; first < b.n; first += gridDim.x * kSamples, phase++) {
    __syncthreads();
    fetch_images<kSamples>(s, b, first, reinterpret_cast<uint8_t *>(memory + l.raw));
    pass_images<S, kSamples, kStaged>(s, a, b, first, fetch_label(b, first, a.mode), phase > 0, phase, 1, answers);
  }
  if (a.mode != Mode::kLogits) leave_answers<kSamples>(a.to, answers);
}

// The batch of a size that begins at an image of a span.
__host__ __device__ Batch batch_at(const Batch &span, int at, int size) {
  return {span.images, span.labels, span.order, span.first + at, least(span.n - at, size)};
}

// Of a pass.
struct Blocks {
  int blocks, samples;  // samples: of each at a time
};

__global__ void __launch_bounds__(kThreads)
    finish_alone(const __grid_constant__ Finish a, int n, Blocks from, int only_losses) {
  if (only_losses)
    finish_losses(a, n, from.blocks, from.samples);
  else
    finish_batch(a, n, from.blocks, from.samples, a.update.rule == Rule::kNone ? 0 : *a.update.learning_rate);
}

constexpr unsigned kSharers = 2;  // blocks that stage weights together

#ifndef LENET_EMULATED
// Of blocks that wait for each other: a block has come. And waits until all have, `times` times.
__device__ void arrive(unsigned *arrived) {
  __syncthreads();
  if (threadIdx.x == 0) asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(arrived) : "memory");
}
__device__ void wait_for_all(unsigned *arrived, unsigned times) {
  if (threadIdx.x == 0) {
    unsigned seen = 0;
    while (seen < times * gridDim.x) asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(seen) : "l"(arrived) : "memory");
  }
  __syncthreads();
}

template <typename S, int kSamples, bool kStaged>
__global__ void __launch_bounds__(kThreads, 1)
    train_all(const __grid_constant__ S s, const __grid_constant__ PassArguments a, const __grid_constant__ Finish f,
              const __grid_constant__ Batch all, int size) {
  if constexpr (kStaged && !kStages) return;
  const Layout l = layout_of(s, kSamples, kStaged);
  float *const memory = shared_memory<float>();
  uint8_t *const raw = reinterpret_cast<uint8_t *>(memory + l.raw);
  const int own = blockIdx.x * kSamples;  // the first image of a batch that is this block's
  if (kStaged) {
    Arrival(memory + l.arrival).begin();
    wait_for_the_cluster();
  }
  Batch b = batch_at(all, 0, size);
  fetch_images<kSamples>(s, b, own, raw);
  int label = fetch_label(b, own, a.mode), phase = 0;
  unsigned times = 0;
#pragma unroll 1
  for (int at = 0, batch = 0; at < all.n; at += size, batch++) {
    Answers answers{};
    bool again = false;
    __syncthreads();
#pragma unroll 1
    for (int first = own; first < b.n; first += gridDim.x * kSamples, phase++) {
      if (again) {
        __syncthreads();
        fetch_images<kSamples>(s, b, first, raw);
        label = fetch_label(b, first, a.mode);
      }
      pass_images<S, kSamples, kStaged>(s, a, b, first, label, again, phase, kSharers, answers);
      again = true;
    }
    if (kStaged && !again) {  // no images here: but the weights are shared, and come before the memory is used again
      if (threadIdx.x == 0) stage_weights(s, l, a.network.params, memory, kSharers);
      Arrival(memory + l.arrival).wait(phase++);
    }
    leave_answers<kSamples>(a.to, answers);
    if (blockIdx.x == 0) count_step(f.update);
    const int n = b.n, blocks = least(groups_of(n, kSamples), gridDim.x);
    const float rate = f.update.learning_rate[batch];
    arrive(a.to.arrived);
    if (at + size < all.n) {  // the next images come meanwhile
      b = batch_at(all, at + size, size);
      fetch_images<kSamples>(s, b, own, raw);
      label = fetch_label(b, own, a.mode);
    }
    wait_for_all(a.to.arrived, ++times);
    finish_batch(f, n, blocks, kSamples, rate);
    arrive(a.to.arrived);
    wait_for_all(a.to.arrived, ++times);
  }
}
#endif

struct Alone {
  Each<int> sizes;
  Each<const float *> gradients;
  Update update;
};

__global__ void __launch_bounds__(kThreads) update_alone(const __grid_constant__ Alone a) {
  const int layer = blockIdx.y / 2, bias = blockIdx.y % 2;
  const float *gradients = bias ? a.gradients.bias[layer] : a.gradients.weight[layer];
  const Parameter p = bias ? bias_of(a.update, layer) : weight_of(a.update, layer);
  const int size = bias ? a.sizes.bias[layer] : a.sizes.weight[layer];
  for (int i = blockIdx.x * kThreads + threadIdx.x; i < size; i += gridDim.x * kThreads)
    update_one(a.update, p, *a.update.learning_rate, i, p.value[i], gradients[i]);
}

__global__ void count_alone(const __grid_constant__ Update u) { count_step(u); }

// The kernels for a shape, a number of samples a block, and weights of the linear layers that are staged in shared memory or
// not.
template <typename S, int kSamples, bool kStaged>
struct Kind {
  static constexpr int samples = kSamples;
  static constexpr bool staged = kStaged;
  S s;

  int shared() const { return layout_of(s, kSamples, kStaged).size * sizeof(float); }
  auto pass() const { return pass_alone<S, kSamples, kStaged>; }
#ifndef LENET_EMULATED
  auto train() const { return train_all<S, kSamples, kStaged>; }
#endif
};

bool aligned(const Network &net) {
  for (int layer = kConvolutions; layer < kLayers; layer++)
    if (reinterpret_cast<uintptr_t>(net.params.weight[layer]) % 16) return false;
  return true;
}

int blocks_of(const Device &d, int n, int samples) {
  return least(groups_of(n, samples), least(d.multiprocessors, kMostBlocks));
}

// Calls f with the kind of kernel that suits a device, a network and a batch of n. Throws if none does.
template <typename F>
void choose(const Device &d, const Network &net, int n, F f) {
  const auto starts = [&](auto kind) {
    if (kind.shared() > d.shared || (kind.staged && (d.major < 9 || !aligned(net)))) return false;
    f(kind);
    return true;
  };
  const bool one = n <= d.multiprocessors;  // image a block
  const auto staged = [&](auto activation) {
    using R = Report<decltype(activation)>;
    const R r{net.sizes.classes, activation};
    return one ? starts(Kind<R, 1, true>{r}) : starts(Kind<R, 2, true>{r});
  };
  const Chosen chosen{net.activation};
  if (Report<Chosen>::is(net.sizes)) {
    switch (net.activation) {
      case Activation::kNone:
        if (staged(Known<Activation::kNone>())) return;
        break;
      case Activation::kSigmoid:
        if (staged(Known<Activation::kSigmoid>())) return;
        break;
      case Activation::kTanh:
        if (staged(Known<Activation::kTanh>())) return;
        break;
      case Activation::kReLU:
        if (staged(Known<Activation::kReLU>())) return;
        break;
      case Activation::kGELU:
        break;  // no kernel applies it
    }
    const Report<Chosen> r{net.sizes.classes, chosen};
    if (!one && starts(Kind<Report<Chosen>, 2, false>{r})) return;
    if (starts(Kind<Report<Chosen>, 1, false>{r})) return;
  }
  if (!starts(Kind<Any, 1, false>{{net.sizes, chosen}}))
    throw std::runtime_error("CUDA kernel: the network is too large for this GPU's shared memory");
}

// size: the batch size, which chooses the kernel.
Blocks start_pass(const Device &d, const PassArguments &a, const Batch &b, int size, cudaStream_t stream) {
  Blocks of{};
  choose(d, a.network, size, [&](auto kind) {
    of = {blocks_of(d, b.n, kind.samples), kind.samples};
    launch(kind.pass(), dim3(of.blocks), kThreads, kind.shared(), stream, kind.s, a, b);
  });
  return of;
}

Finish finish_of(const Sizes &s, const Pass &from, const Each<float *> &gradients, const Update &update, double *sums) {
  Finish a{s, features_of(s), from, gradients, update, sums, 0};
  for (int layer = 0; layer < kLinears; layer++) a.units += tiles(a.features.of[layer + 1], a.features.of[layer]);
  a.units += groups_of(part_size(s), kColumns) + 1;
  return a;
}

void start_finish(const Finish &f, int n, Blocks from, cudaStream_t stream) {
  launch(finish_alone, dim3(f.units), kThreads, (kReserved + kFinishFloats) * sizeof(float), stream, f, n, from, 0);
}

}  // namespace

bool covers(const Sizes &s, const Device &d) { return Kind<Any, 1, false>{{s, {}}}.shared() <= d.shared; }

Pass pass_in(void *memory, const Sizes &s, int n) {
  constexpr size_t kAligned = 256;
  const Features features = features_of(s);
  char *at = static_cast<char *>(memory);
  const auto take = [&at](size_t bytes) {
    char *from = at;
    at += (bytes + kAligned - 1) / kAligned * kAligned;
    return from;
  };
  Pass p;
  for (int i = 0; i < kLinears; i++) {
    p.inputs[i] = reinterpret_cast<float *>(take(sizeof(float) * n * stride_of(features.of[i])));
    p.gradients[i] = reinterpret_cast<float *>(take(sizeof(float) * n * stride_of(features.of[i + 1])));
  }
  p.filters = reinterpret_cast<float *>(take(sizeof(float) * kMostBlocks * part_size(s)));
  p.losses = reinterpret_cast<double *>(take(sizeof(double) * kMostBlocks * kMostSamples));
  p.right = reinterpret_cast<int *>(take(sizeof(int) * kMostBlocks * kMostSamples));
  p.arrived = reinterpret_cast<unsigned *>(take(sizeof(unsigned)));
  return p;
}

size_t pass_size(const Sizes &s, int n) {
  char *const origin = reinterpret_cast<char *>(256);  // an address to count from
  return reinterpret_cast<char *>(pass_in(origin, s, n).arrived + 1) - origin;
}

void logits(const Device &d, const Network &net, const Batch &b, const Pass &p, float *logits, cudaStream_t stream) {
  start_pass(d, {net, Mode::kLogits, p, logits}, b, b.n, stream);
}

void evaluate(const Device &d, const Network &net, const Batch &b, const Pass &p, double *sums, cudaStream_t stream) {
  const Blocks blocks = start_pass(d, {net, Mode::kEvaluate, p, nullptr}, b, b.n, stream);
  launch(finish_alone, dim3(1), kThreads, 0, stream, finish_of(net.sizes, p, {}, {}, sums), b.n, blocks, 1);
}

void differentiate(const Device &d, const Network &net, const Batch &b, const Pass &p, const Each<float *> &gradients,
                   double *sums, cudaStream_t stream) {
  const Blocks blocks = start_pass(d, {net, Mode::kLearn, p, nullptr}, b, b.n, stream);
  start_finish(finish_of(net.sizes, p, gradients, {}, sums), b.n, blocks, stream);
}

void train(const Device &d, const Network &net, const Batch &all, int size, const Pass &p, const Update &update, double *sums,
           cudaStream_t stream) {
  const PassArguments a{net, Mode::kLearn, p, nullptr};
  const Finish f = finish_of(net.sizes, p, {}, update, sums);
#ifdef LENET_EMULATED
  Finish step = f;
  for (int at = 0; at < all.n; at += size, step.update.learning_rate++) {
    const Batch b = batch_at(all, at, size);
    const Blocks blocks = start_pass(d, a, b, size, stream);
    launch(count_alone, dim3(1), 32, 0, stream, update);
    start_finish(step, b.n, blocks, stream);
  }
#else
  choose(d, net, size, [&](auto kind) {  // not by how many there are: the same bits, however an epoch is divided
    check(cudaMemsetAsync(p.arrived, 0, sizeof *p.arrived, stream));
    const unsigned cluster = kind.staged ? kSharers : 1;
    int blocks = round_up(most(blocks_of(d, least(all.n, size), kind.samples), blocks_of(d, f.units, 1)), cluster);
    if (blocks > d.multiprocessors) blocks -= cluster;
    launch_kernel(kind.train(), dim3(blocks), kThreads, kind.shared(), cluster, true, stream, kind.s, a, f, all, size);
  });
#endif
}

void update(const Each<int> &sizes, const Each<const float *> &gradients, const Update &update, cudaStream_t stream) {
  launch(count_alone, dim3(1), 32, 0, stream, update);
  launch(update_alone, dim3(32, 2 * kLayers), kThreads, 0, stream, Alone{sizes, gradients, update});
}

}  // namespace lenet::cuda
