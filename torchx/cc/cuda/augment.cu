// The images that dataset/augment.go makes of a seed, an epoch and an index, on a GPU: of images [N, rows, cols] and an order
// [n] of indices, changed images [n, rows, cols].
//
// Four random numbers of an image give a mapping: from a pixel's place in the new image to a place in the old one. The value
// there is interpolated between four pixels. Numbers and mapping are float64 without fused multiply-adds, as in Go; from the
// mapping on everything is integers. So the two sides differ only where a sine or cosine of theirs, rounded to 2^-16, does.
//
// A block makes kImages images: first a thread of its own draws each image's mapping; then each warp makes one image after the
// other, 32 neighbouring pixels at a time. An image is a few hundred bytes, which stay in the first-level cache meanwhile.
#include "augment.h"
#include "launch.h"

namespace lenet::cuda {
namespace {

constexpr int kWarp = 32, kThreads = 4 * kWarp, kImages = 16;

// PCG with 128 bits of state and the output function DXSM (O'Neill 2014, 2019), as in Go's math/rand/v2.
struct Random {
  unsigned __int128 state;

  __device__ uint64_t next() {
    constexpr unsigned __int128 one = 1;
    state = state * (one * 2549297995355413924u << 64 | 4865540595714422341u) +
            (one * 6364136223846793005u << 64 | 1442695040888963407u);
    uint64_t high = state >> 64;
    high ^= high >> 32;
    high *= 0xda942042e4dd58b5;
    high ^= high >> 48;
    return high * (static_cast<uint64_t>(state) | 1);
  }

  // From -bound to bound.
  __device__ double uniform(double bound) { return bound * (static_cast<double>(next() >> 11) / (1ull << 52) - 1); }
};

// The pixel at (column c, row r) of the new image is the old image's at (x + c cos + r sin, y - c sin + r cos). All are in
// units of 2^-16 pixels.
struct Mapping {
  int64_t x, y, cos, sin;
};

__device__ int64_t fixed(double value) { return llround(value * 65536); }

// Of 2 shift + 1 equally probable whole numbers around 0, that at x, which is between -shift and shift.
__device__ double whole(double x, double shift) { return floor((x + shift) / (2 * shift) * (2 * shift + 1)) - trunc(shift); }

__device__ Mapping draw(const Augmentation &a, int index, int rows, int cols) {
  Random random{static_cast<unsigned __int128>(~a.seed) << 64 | a.epoch << 32 | static_cast<uint32_t>(index)};
  double right = random.uniform(a.shift), down = random.uniform(a.shift);
  const double turn = random.uniform(a.rotate) * M_PI / 180, scale = 1 + random.uniform(a.scale);
  if (a.rotate == 0 && a.scale == 0 && a.shift > 0) right = whole(right, a.shift), down = whole(down, a.shift);
  double s, c;
  sincos(turn, &s, &c);
  s /= scale, c /= scale;
  const double x = (cols - 1) / 2., y = (rows - 1) / 2.;  // the centre, about which an image is turned before it is moved
  return {fixed(x - c * (x + right) - s * (y + down)), fixed(y + s * (x + right) - c * (y + down)), fixed(c), fixed(s)};
}

// Beyond its edges an image is 0.
__device__ int pixel(const uint8_t *image, int rows, int cols, int64_t row, int64_t col) {
  return row >= 0 && row < rows && col >= 0 && col < cols ? image[row * cols + col] : 0;
}

__device__ uint8_t value_at(const uint8_t *image, int rows, int cols, int64_t x, int64_t y) {
  const int64_t col = x >> 16, row = y >> 16;
  const int fx = x >> 8 & 0xff, fy = y >> 8 & 0xff;  // 256ths of a pixel
  const int top = pixel(image, rows, cols, row, col) * (256 - fx) + pixel(image, rows, cols, row, col + 1) * fx;
  const int bottom = pixel(image, rows, cols, row + 1, col) * (256 - fx) + pixel(image, rows, cols, row + 1, col + 1) * fx;
  return (top * (256 - fy) + bottom * fy + (1 << 15)) >> 16;
}

__global__ void __launch_bounds__(kThreads) make_images(Augmentation a, Augmented s) {
  __shared__ Mapping mappings[kImages];
  const int first = blockIdx.x * kImages, images = s.n - first < kImages ? s.n - first : kImages;
  const int thread = threadIdx.x;
  if (thread < images) {
    const int index = s.order[first + thread];
    mappings[thread] = draw(a, index, s.rows, s.cols);
    s.to_labels[first + thread] = s.labels[index];
  }
  __syncthreads();
  const int pixels = s.rows * s.cols;
  for (int i = thread / kWarp; i < images; i += kThreads / kWarp) {
    const Mapping m = mappings[i];
    const uint8_t *image = s.images + static_cast<int64_t>(s.order[first + i]) * pixels;
    uint8_t *to = s.to + static_cast<int64_t>(first + i) * pixels;
    for (int p = thread % kWarp; p < pixels; p += kWarp) {
      const int r = p / s.cols, c = p % s.cols;
      to[p] = value_at(image, s.rows, s.cols, m.x + c * m.cos + r * m.sin, m.y - c * m.sin + r * m.cos);
    }
  }
}

}  // namespace

void augment(const Augmentation &a, const Augmented &s, cudaStream_t stream) {
  launch(make_images, dim3((s.n + kImages - 1) / kImages), kThreads, 0, stream, a, s);
}

}  // namespace lenet::cuda
