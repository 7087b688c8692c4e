// Where an image's time goes, and what share of a core's multiply-adds each kernel reaches: `make bench-kernels`. Compiled with
// the kernels in it, once for each kind of vector instructions.
//
// The report's network trains on a block of images again and again, on one core, so with everything in the caches. A round runs
// a loop of nothing but multiply-adds, then each kernel, for a few milliseconds each; a share is the kernel's rate over the
// loop's in the same round. Counted are the multiply-adds that the result needs: not those with padding or zeros.
#include "cpu/kernels.cc"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace lenet::LEVEL {
namespace {

constexpr int kRounds = 21, kImages = 256;
constexpr double kSeconds = 0.004;

// 12 independent sums: more than a core has in flight.
__attribute__((noinline)) float multiply_adds(int64_t rounds, Float<LANES> a, Float<LANES> b) {
  asm volatile("");  // or the compiler calls this once, since it returns the same each time
  Float<LANES> sum[12];
  for (int i = 0; i < 12; i++)
    sum[i] = Float<LANES>{} + static_cast<float>(i);  // each another, or they are one to the compiler
  for (int64_t i = 0; i < rounds; i++)
#pragma GCC unroll 12
    for (Float<LANES> &s : sum) s = s * a + b;
  for (int i = 1; i < 12; i++) sum[0] += sum[i];
  return sum[0][0];
}

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// The least time of a call of run, of calls for kSeconds.
template <typename F>
double least(F run) {
  double best = 1;
  for (const auto begin = Clock::now(); seconds_since(begin) < kSeconds;) {
    const auto start = Clock::now();
    run();
    best = std::min(best, seconds_since(start));
  }
  return best;
}

float *array(int64_t floats) {
  void *p = std::aligned_alloc(64, padded(floats, 16) * sizeof(float));
  std::memset(p, 0, padded(floats, 16) * sizeof(float));
  return static_cast<float *>(p);
}

struct Part {
  std::string name;
  double multiply_adds;             // of an image; 0: it is other work
  std::vector<double> nanoseconds;  // of an image, in each round
  std::vector<double> shares;
};

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

__attribute__((noinline)) void run() {
  const Architecture a{{{28, 28, 1, 6}, {12, 12, 6, 16}}, {256, 120, 84, 10}, Activation::kSigmoid};
  const Sizes need = sizes(a, kImages);
  const Memory memory{kImages, array(need.packed), array(need.batch)};
  float *arena_memory = array(need.arena);
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-0.2f, 0.2f);
  Tensors<const float> weights;
  Tensors<float> gradients;
  const auto values = [&](int64_t n) {
    float *p = array(n);
    std::generate_n(p, n, [&] { return uniform(random); });
    return p;
  };
  for (int c = 0; c < kConvolutions; c++) {
    const int64_t n = a.conv[c].out * a.conv[c].in * 25;
    weights.conv[c] = values(n), weights.conv_bias[c] = values(a.conv[c].out);
    gradients.conv[c] = array(n), gradients.conv_bias[c] = array(a.conv[c].out);
  }
  for (int l = 0; l < kLinears; l++) {
    weights.linear[l] = values(a.width[l] * a.width[l + 1]), weights.linear_bias[l] = values(a.width[l + 1]);
    gradients.linear[l] = array(a.width[l] * a.width[l + 1]), gradients.linear_bias[l] = array(a.width[l + 1]);
  }
  std::vector<uint8_t> pixels(kImages * 784), labels(kImages);
  for (auto &p : pixels) p = random() % 5 ? 0 : random();
  for (auto &l : labels) l = random() % 10;
  const Batch batch{pixels.data(), nullptr, labels.data(), kImages, 0};
  const auto pack_all = [&] {
    for (int64_t i = 0; i < packs(a); i++) pack(a, weights, i, memory);
  };
  pack_all();
  block(a, batch, 0, true, memory, arena_memory, nullptr);

  Block b{a, Packed(a, memory.packed), Arena(a, arena_memory)};
  b.images = b.rows = kBlock;
  for (int i = 0; i <= kBlock; i++) b.image[i] = pixels.data() + i % kBlock * 784;
  const Kept kept(a, kImages, memory.batch);
  const BlockSums sums(a, kept.sums);
  const Arena &arena = b.arena;
  auto &first = *reinterpret_cast<conv_28x28::Scratch *>(arena.scratch);
  auto &second = *reinterpret_cast<conv_12x12::Scratch *>(arena.scratch);
  const auto &packed0 = *reinterpret_cast<const conv_28x28::Packed *>(b.packed.conv[0]);
  const auto &packed1 = *reinterpret_cast<const conv_12x12::Packed *>(b.packed.conv[1]);
  auto &sums0 = *reinterpret_cast<conv_28x28::Sums *>(sums.conv[0]);
  auto &sums1 = *reinterpret_cast<conv_12x12::Sums *>(sums.conv[1]);
  const auto y0 = [&](int i) { return arena.y[0] + i * 864; };
  const auto argmax0 = [&](int i) { return arena.argmax[0] + i * 864; };
  const auto argmax1 = [&](int i) { return arena.argmax[1] + i * 256; };

  std::vector<Part> parts;
  std::vector<double> peaks;
  size_t next = 0;
  double peak = 0;
  const auto part = [&](const char *name, double multiply_adds, int images, auto f) {
    if (next == parts.size()) parts.push_back({name, multiply_adds, {}, {}});
    Part &p = parts[next++];
    const double seconds = least(f) / images;
    p.nanoseconds.push_back(seconds * 1e9);
    p.shares.push_back(100 * multiply_adds / seconds / peak);
  };
  const auto each = [&](auto f) {
    return [=] {
      for (int i = 0; i < kBlock; i++) f(i);
    };
  };
  volatile float kept_value = 0;
  for (int round = 0; round < kRounds; round++) {
    constexpr int64_t kLoop = 2000;
    const Float<LANES> half = Float<LANES>{} + 0.5f, quarter = Float<LANES>{} + 0.25f;
    peak = kLoop * 12 * LANES / least([&] { kept_value = kept_value + multiply_adds(kLoop, half, quarter); });
    peaks.push_back(peak / 1e9), next = 0;
    part("conv 1: split, pair_rows", 0, kBlock,
         each([&](int i) { conv_28x28::split(b.image[i], first.split), conv_28x28::pair_rows(first.split, first.last); }));
    part("conv 1: convolve", 86400, kBlock, each([&](int i) { conv_28x28::convolve(packed0, first, y0(i), argmax0(i)); }));
    part("conv 1: sigmoid", 0, kBlock, each([&](int i) { activate(a.activation, y0(i), 864); }));
    part("conv 2: convolve", 153600, kBlock,
         each([&](int i) { conv_12x12::convolve(packed1, second.two_rows, y0(i), arena.y[1], argmax1(i)); }));
    part("conv 2: sigmoid, transpose", 0, kBlock,
         each([&](int i) { activate(a.activation, arena.y[1], 256), transpose(arena.y[1], 16, 16, arena.x[0] + i * 256); }));
    part("linear: forward, sigmoids", 41640, kBlock, [&] { b.linear(); });
    part("loss", 0, kBlock, each([&](int i) {
           kept_value =
               cross_entropy(arena.x[3] + i * row_pitch(10), 10, labels[i], 0, 1.f / 256, arena.dx[3] + i * row_pitch(10));
         }));
    part("linear: inputs' gradients", 41640, kBlock, [&] { b.linear_backward(sums); });
    part("linear: panels for the weights' gradients", 0, kBlock, [&] { b.keep(kept, 0); });
    part("linear: weights' gradients", 41640, kImages, [&] {
      for (int64_t i = 1; i < tiles(a); i++) tile(a, kImages, i, memory, gradients);
    });
    part("conv 2: transpose, places, patches", 0, kBlock, each([&](int i) {
           transpose(arena.dx[0] + i * 256, 16, 16, arena.dy[1] + i % 4 * 256);
           conv_12x12::find_places(argmax1(i), second.place[i % 4], second.filter[i % 4]);
           conv_12x12::copy_patches(y0(i), second.patches);
         }));
    part("conv 2: weights' gradient", 38400, kBlock,
         each([&](int i) { conv_12x12::add_weights(second.patches, arena.dy[1] + i % 4 * 256, second.place[i % 4], sums1); }));
    part("conv 2: input's gradient", 38400, 4, [&] { conv_12x12::input_gradient(packed1, 4, arena.dy[1], second); });
    part("conv 2: squares, slope", 0, 4, [&] {
      for (int i = 0; i < 4; i++) conv_12x12::squares_to_image(second.squares[i], arena.dy[0] + i * 864);
      times_slope(a.activation, arena.y[0], arena.dy[0], 4 * 864);
    });
    part("conv 1: places, copies of the image", 0, kBlock, each([&](int i) {
           conv_28x28::find_places(argmax0(i), first.place), conv_28x28::copy_twice(b.image[i], first.twice);
         }));
    part("conv 1: weights' gradient", 21600, kBlock,
         each([&](int i) { conv_28x28::add_weights(first.twice, arena.dy[0] + i % 4 * 864, first.place, sums0); }));
    part("sums of the blocks", 0, kImages, [&] { tile(a, kImages, 0, memory, gradients); });
    part("packing", 0, kImages, pack_all);
    part("a block, whole", 421800, kBlock, [&] { block(a, batch, 0, true, memory, arena_memory, nullptr); });
  }
  std::printf("  a loop of multiply-adds: %.1fe9 a second\n", median(peaks));
  double sum = 0, needed = 0;
  for (const Part &p : parts) {
    const double nanoseconds = median(p.nanoseconds);
    std::printf("  %-42s %6.0f ns", p.name.c_str(), nanoseconds);
    if (p.multiply_adds) std::printf(" %5.1f %% of the peak", median(p.shares));
    std::printf("\n");
    if (&p == &parts.back()) break;
    sum += nanoseconds, needed += p.multiply_adds;
  }
  std::printf("  all but the last line: %.2f us an image, and its %.0f thousand multiply-adds at the peak %.2f us\n", sum / 1e3,
              needed / 1e3, needed / median(peaks) / 1e3);
}

}  // namespace
}  // namespace lenet::LEVEL

#define TEXT(s) #s
#define NAME_OF(macro) TEXT(macro)

int main() {
  const std::string level = NAME_OF(LEVEL);
  bool here = level == "plain";
#if defined(__x86_64__)
  if (level == "avx2") here = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (level == "avx512") here = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
#endif
  std::printf("%s%s\n", level.c_str(), here ? ": medians of the rounds" : ": not on this processor");
  if (here) lenet::LEVEL::run();
}
