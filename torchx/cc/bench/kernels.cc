// What share of a core's multiply-adds the kernels of conv_pool reach: `make bench-kernels`. Compiled as the kernels are, once
// for each kind of vector instructions.
//
// A round runs a loop of nothing but multiply-adds, then each kernel at the report's shapes, for some milliseconds each; a
// share is the kernel's rate over the loop's in the same round. Counted are the multiply-adds that the result needs: not those
// with padding or zeros.
#include "kernels.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr int kRounds = 21, kSamples = 16;  // the samples of a batch take turns, so that branches cannot be learned
constexpr double kSeconds = 0.02;

using lenet::Shape;
using Float = float __attribute__((vector_size(4 * LANES)));
const lenet::Kernels &kernels = lenet::LEVEL::kernels;

// 12 independent sums: more than a core has in flight.
__attribute__((noinline)) float multiply_adds(int64_t rounds, Float a, Float b) {
  asm volatile("");  // or the compiler calls this once, since it returns the same each time
  Float sum[12];
  for (int i = 0; i < 12; i++) sum[i] = Float{} + static_cast<float>(i);  // each another, or they are one to the compiler
  for (int64_t i = 0; i < rounds; i++)
#pragma GCC unroll 12
    for (Float &s : sum) s = s * a + b;
  for (int i = 1; i < 12; i++) sum[0] += sum[i];
  return sum[0][0];
}

// Calls of run in a second, run for at least kSeconds.
template <typename F>
double rate(F run) {
  using Clock = std::chrono::steady_clock;
  for (int64_t calls = 1;; calls *= 2) {
    const auto begin = Clock::now();
    for (int64_t i = 0; i < calls; i++) run(i);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    if (seconds >= kSeconds) return calls / seconds;
  }
}

struct Block {
  Shape s;
  std::vector<float> x, y, dy, scratch, weights, backward_weights, dweights, dbias, dx;
  std::vector<uint8_t> argmax;

  explicit Block(const Shape &shape) : s(shape) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    const auto values = [&](int64_t n) {
      std::vector<float> v(n);
      for (float &f : v) f = normal(random);
      return v;
    };
    const std::vector<float> weight = values(s.out * s.in * 25), bias = values(s.out);
    x = values(kSamples * kernels.image_size(s)), dy = values(kSamples * s.pooled());
    y.resize(kSamples * s.pooled()), argmax.resize(kSamples * s.pooled());
    scratch.resize(kernels.forward_scratch_size(s) + 1), weights.resize(kernels.forward_weights_size(s));
    backward_weights.resize(kernels.backward_weights_size(s)), dweights.resize(kernels.weights_gradient_size(s));
    dbias.resize(s.out), dx.resize(kernels.image_size(s));
    kernels.pack_forward_weights(s, weight.data(), bias.data(), weights.data());
    kernels.pack_backward_weights(s, weight.data(), backward_weights.data());
    for (int64_t i = 0; i < kSamples; i++) forward(i);
  }

  int64_t taps() const { return s.pooled() * s.in * 25; }  // multiply-adds of one of the four positions of each maximum

  void forward(int64_t i) {
    i %= kSamples;
    kernels.forward(s, &x[i * kernels.image_size(s)], weights.data(), &y[i * s.pooled()], &argmax[i * s.pooled()],
                    scratch.data());
  }
  void add_weights(int64_t i) {
    i %= kSamples;
    kernels.backward_weights(s, &dy[i * s.pooled()], &argmax[i * s.pooled()], &x[i * kernels.image_size(s)], dweights.data(),
                             dbias.data());
  }
  void input(int64_t i) {
    i %= kSamples;
    kernels.backward_input(s, &dy[i * s.pooled()], &argmax[i * s.pooled()], backward_weights.data(), dx.data());
  }
};

struct Result {
  const char *name;
  std::vector<double> shares;  // of each round
};

void print(const char *name, std::vector<double> values, const char *unit) {
  std::sort(values.begin(), values.end());
  std::printf("  %-34s %5.1f %s (%.1f-%.1f)\n", name, values[values.size() / 2], unit, values.front(), values.back());
}

__attribute__((noinline)) void run() {
  Block first({28, 28, 1, 6}), second({12, 12, 6, 16});
  std::vector<double> peak;
  Result results[] = {{"forward, 28x28, 1 -> 6"},
                      {"forward, 12x12, 6 -> 16"},
                      {"backward_weights, 28x28, 1 -> 6"},
                      {"backward_weights, 12x12, 6 -> 16"},
                      {"backward_input, 12x12, 6 -> 16"}};
  volatile float kept = 0;
  for (int round = 0; round < kRounds; round++) {
    const Float a = Float{} + 0.5f, b = Float{} + 0.25f;
    constexpr int64_t kLoop = 1000;
    const double most = rate([&](int64_t) { kept = kept + multiply_adds(kLoop, a, b); }) * kLoop * 12 * LANES;
    peak.push_back(most / 1e9);
    const double rates[] = {
        rate([&](int64_t i) { first.forward(i); }) * 4 * first.taps(),
        rate([&](int64_t i) { second.forward(i); }) * 4 * second.taps(),
        rate([&](int64_t i) { first.add_weights(i); }) * first.taps(),
        rate([&](int64_t i) { second.add_weights(i); }) * second.taps(),
        rate([&](int64_t i) { second.input(i); }) * second.taps(),
    };
    for (size_t i = 0; i < std::size(results); i++) results[i].shares.push_back(100 * rates[i] / most);
  }
  print("multiply-adds, nothing else", peak, "1e9/s");
  for (const Result &r : results) print(r.name, r.shares, "%");
}

bool supported(const std::string &level) {
#if defined(__x86_64__)
  if (level == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (level == "avx512") return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
#endif
  return level == "plain";
}

}  // namespace

#define TEXT(s) #s
#define NAME_OF(macro) TEXT(macro)

int main() {
  const bool here = supported(NAME_OF(LEVEL));
  std::printf("%s%s\n", NAME_OF(LEVEL), here ? ": median of the rounds (range)" : ": not on this processor");
  if (here) run();
}
