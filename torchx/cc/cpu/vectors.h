// Vectors of float32, in GCC's and clang's vector extensions, for the kernels; and by name what GCC does not find in them.
#pragma once

#include <stdint.h>

#ifdef __AVX2__
#include <immintrin.h>  // its functions are inlined everywhere
#endif

#define INLINE inline __attribute__((always_inline))

// A kernel is a function of its own: inlined into a large one, GCC keeps fewer of its sums in registers.
#define KERNEL __attribute__((noinline))

namespace lenet::LEVEL {
namespace {

template <int N>
struct Vector {
  typedef float Float __attribute__((vector_size(4 * N), aligned(4), may_alias));
  typedef int32_t Int __attribute__((vector_size(4 * N), aligned(4), may_alias));
  typedef uint8_t Byte __attribute__((vector_size(N), aligned(1), may_alias));
  typedef uint16_t Short __attribute__((vector_size(2 * N), aligned(2), may_alias));
};

template <int N>
using Float = typename Vector<N>::Float;
template <int N>
using Int = typename Vector<N>::Int;

template <int N>
INLINE Float<N> load(const float *p) {
  return *reinterpret_cast<const Float<N> *>(p);
}
template <int N>
INLINE void store(float *p, Float<N> v) {
  *reinterpret_cast<Float<N> *>(p) = v;
}
template <int N>
INLINE Float<N> all(float x) {
  return x - Float<N>{};  // not plus, which the compiler must compute: -0 + 0 is 0
}

// a > b ? a : b, so b if one of them is NaN.
template <int N>
INLINE Float<N> larger(Float<N> a, Float<N> b) {
#ifdef __AVX512F__
  if constexpr (N == 16) return (Float<N>)_mm512_max_ps((__m512)a, (__m512)b);
#endif
#ifdef __AVX2__
  if constexpr (N == 8) return (Float<N>)_mm256_max_ps((__m256)a, (__m256)b);
#endif
  return a > b ? a : b;
}

// a < b ? a : b, so b if one of them is NaN.
template <int N>
INLINE Float<N> smaller(Float<N> a, Float<N> b) {
#ifdef __AVX512F__
  if constexpr (N == 16) return (Float<N>)_mm512_min_ps((__m512)a, (__m512)b);
#endif
#ifdef __AVX2__
  if constexpr (N == 8) return (Float<N>)_mm256_min_ps((__m256)a, (__m256)b);
#endif
  return a < b ? a : b;
}

// Stores numbers from 0 to 255 as bytes.
template <int N>
INLINE void store_bytes(uint8_t *p, Int<N> v) {
#ifdef __AVX2__
  if constexpr (N == 8) {
    const __m256i w = (__m256i)v;
    const __m128i half = _mm_packs_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
    return _mm_storel_epi64(reinterpret_cast<__m128i *>(p), _mm_packus_epi16(half, half));
  }
#endif
  *reinterpret_cast<typename Vector<N>::Byte *>(p) = __builtin_convertvector(v, typename Vector<N>::Byte);
}

// Eight pixels, which stand for x / 255.
INLINE Float<8> load_pixels(typename Vector<8>::Byte bytes) {
#ifdef __AVX2__
  const __m128i low = _mm_cvtsi64_si128((int64_t)bytes);
  return (Float<8>)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(low)) * (1.f / 255);
#else
  return __builtin_convertvector(bytes, Float<8>) * (1.f / 255);
#endif
}

constexpr int64_t padded(int64_t n, int64_t lanes = LANES) { return (n + lanes - 1) / lanes * lanes; }

INLINE void zero(float *p, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = 0;
}

// Transposes 8x8: rows become columns.
INLINE void transpose8(const Float<8> *r, Float<8> *out) {
  Float<8> t[8], u[8];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    t[2 * i] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    t[2 * i + 1] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 2
  for (int h = 0; h < 8; h += 4) {
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
      u[h + 2 * k] = __builtin_shufflevector(t[h + k], t[h + 2 + k], 0, 1, 8, 9, 4, 5, 12, 13);
      u[h + 2 * k + 1] = __builtin_shufflevector(t[h + k], t[h + 2 + k], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    out[i] = __builtin_shufflevector(u[i], u[4 + i], 0, 1, 2, 3, 8, 9, 10, 11);
    out[4 + i] = __builtin_shufflevector(u[i], u[4 + i], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// y [columns, rows] becomes the transpose of x [rows, columns].
KERNEL void transpose(const float *x, int64_t rows, int64_t columns, float *y) {
  int64_t r = 0;
  for (; LANES >= 8 && r + 8 <= rows; r += 8) {
    int64_t c = 0;
    for (; c + 8 <= columns; c += 8) {
      Float<8> in[8], out[8];
      for (int i = 0; i < 8; i++) in[i] = load<8>(x + (r + i) * columns + c);
      transpose8(in, out);
      for (int i = 0; i < 8; i++) store<8>(y + (c + i) * rows + r, out[i]);
    }
    for (; c < columns; c++)
      for (int i = 0; i < 8; i++) y[c * rows + r + i] = x[(r + i) * columns + c];
  }
  for (; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) y[c * rows + r] = x[r * columns + c];
}

}  // namespace
}  // namespace lenet::LEVEL
