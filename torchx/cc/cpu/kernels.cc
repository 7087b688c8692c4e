// The kernels of a training step, in GCC's and clang's vector extensions. Compiled once for each instruction set, with
//
//   LEVEL       its namespace
//   LANES       float32 lanes of a vector: 4, 8 or 16
//   REGISTERS   vector registers: 16 or 32
//
// Only stdint.h and headers made for it may be included: the linker could keep the copy of an inline function that was compiled
// here for AVX-512, for the whole program.
//
// The parts: conv_28x28.h and conv_12x12.h for the report's shapes, in vectors of 8 lanes or more; conv_general.h for all
// others; linear.h; loss.h. Here they become a step: what is where in memory, and what each piece of work does.
//
// Above a kernel stands its share of the peak: its multiply-adds per second in percent of those of a loop that does nothing
// else, with AVX2 and with AVX-512. It was measured with the report's network on one core of an AMD EPYC (Zen 4, whose 512-bit
// multiply-adds take two cycles; 59e9 multiply-adds a second), by `make bench-kernels`.
#include "kernels.h"

#include "activate.h"
#include "conv_12x12.h"
#include "conv_28x28.h"
#include "conv_general.h"
#include "conv_pool.h"
#include "linear.h"
#include "loss.h"

namespace lenet::LEVEL {
namespace {

template <typename T>
constexpr int64_t floats_of() {
  return sizeof(T) / sizeof(float);
}

template <typename X>
ConvPool<X> general(const Shape &s) {
  return {s,
          conv_general::packed_size(s),
          conv_general::sums_size(s),
          conv_general::scratch_size<X>(s),
          pitch(s.pooled()),
          conv_general::pack,
          conv_general::forward<X>,
          conv_general::backward<X>,
          conv_general::unpack};
}

ConvPool<uint8_t> first_convolution(const Shape &s) {
  if (LANES < 8 || !s.is(28, 28, 1, 6)) return general<uint8_t>(s);
  using namespace conv_28x28;
  return {s, floats_of<Packed>(), floats_of<Sums>(), floats_of<Scratch>(), 864, pack, forward, backward, unpack};
}

ConvPool<float> second_convolution(const Shape &s) {
  if (LANES < 8 || !s.is(12, 12, 6, 16)) return general<float>(s);
  using namespace conv_12x12;
  return {s, floats_of<Packed>(), floats_of<Sums>(), floats_of<Scratch>(), 256, pack, forward, backward, unpack};
}

// ---- What is where in memory

// Hands out pieces of an array, each at the beginning of a cache line.
struct Array {
  float *next;
  float *take(int64_t floats) {
    float *piece = next;
    next += padded(floats, 16);
    return piece;
  }
  uint8_t *take_bytes(int64_t n) { return reinterpret_cast<uint8_t *>(take((n + 3) / 4)); }
};

int64_t size_of(const Array &a) { return a.next - static_cast<float *>(nullptr); }

// Rows of a block, or of a batch, that the multiplications take.
int64_t rows_of(int64_t images) { return (images + kRows - 1) / kRows * kRows; }

// The weights in the kernels' layouts.
struct Packed {
  float *conv[kConvolutions], *forward[kLinears], *back[kLinears], *bias[kLinears];
  Array end;

  Packed(const Architecture &a, float *memory) : end{memory} {
    conv[0] = end.take(first_convolution(a.conv[0]).packed);
    conv[1] = end.take(second_convolution(a.conv[1]).packed);
    for (int l = 0; l < kLinears; l++) {
      forward[l] = end.take(forward_size(a.width[l], a.width[l + 1]));
      back[l] = end.take(back_size(a.width[l], a.width[l + 1]));
      bias[l] = end.take(padded(a.width[l + 1]));
    }
  }
};

// A block's sums.
struct BlockSums {
  float *conv[kConvolutions], *bias[kLinears];
  double *loss;
  Array end;

  BlockSums(const Architecture &a, float *memory) : end{memory} {
    conv[0] = end.take(first_convolution(a.conv[0]).sums);
    conv[1] = end.take(second_convolution(a.conv[1]).sums);
    for (int l = 0; l < kLinears; l++) bias[l] = end.take(padded(a.width[l + 1]));
    loss = reinterpret_cast<double *>(end.take(floats_of<double>()));
  }
};

int64_t block_sums_size(const Architecture &a) { return size_of(BlockSums(a, nullptr).end); }

// What the blocks of a batch of at most so many images leave behind: panels of the linear layers' inputs and of their outputs'
// gradients, each with room for `rows` rows, and their sums.
struct Kept {
  int64_t rows;
  float *x[kLinears], *dy[kLinears], *sums;
  Array end;

  Kept(const Architecture &a, int64_t images, float *memory) : rows(blocks_of(images) * kBlock), end{memory} {
    for (int l = 0; l < kLinears; l++) {
      x[l] = end.take(wide_panels(a.width[l]) * rows * kWidth);
      dy[l] = end.take(tall_panels(a.width[l + 1]) * rows * kTall);
    }
    sums = end.take(blocks_of(images) * block_sums_size(a));
  }
};

// A thread's own memory, used again for every block. Where vectors may reach past the end of an array, there is room.
struct Arena {
  float *y[kConvolutions];  // of the convolutions, with channels last: all of the first, one of the second
  uint8_t *argmax[kConvolutions];
  float *x[kLinears + 1];    // the linear layers' inputs, and the logits
  float *dx[kLinears + 1];   // their gradients
  float *dy[kConvolutions];  // of the convolutions' outputs, of kGroup images
  float *scratch;
  Array end;

  Arena(const Architecture &a, float *memory) : end{memory} {
    const ConvPool<uint8_t> first = first_convolution(a.conv[0]);
    const ConvPool<float> second = second_convolution(a.conv[1]);
    y[0] = end.take(kBlock * pitch(first.s.pooled()) + 16);
    y[1] = end.take(pitch(second.s.pooled()) + 16);
    argmax[0] = end.take_bytes(kBlock * first.argmax + 64);
    argmax[1] = end.take_bytes(kBlock * second.argmax + 64);
    for (int l = 0; l <= kLinears; l++) {
      x[l] = end.take(kBlock * row_pitch(a.width[l]));
      dx[l] = end.take(kBlock * row_pitch(a.width[l]) + kTall);
    }
    dy[0] = end.take(kGroup * pitch(first.s.pooled()) + 16);
    dy[1] = end.take(kGroup * pitch(second.s.pooled()) + 16);
    scratch = end.take(first.scratch > second.scratch ? first.scratch : second.scratch);
  }
};

Sizes sizes(const Architecture &a, int64_t images) {
  return {size_of(Packed(a, nullptr).end), size_of(Kept(a, images, nullptr).end), size_of(Arena(a, nullptr).end)};
}

// ---- pack

int64_t packs(const Architecture &a) {
  int64_t n = kConvolutions;
  for (int l = 0; l < kLinears; l++) n += (a.width[l + 1] + kPanel - 1) / kPanel;
  return n;
}

void pack(const Architecture &a, const Tensors<const float> &weights, int64_t piece, const Memory &memory) {
  const Packed packed(a, memory.packed);
  if (piece == 0) return first_convolution(a.conv[0]).pack(a.conv[0], weights.conv[0], weights.conv_bias[0], packed.conv[0]);
  if (piece == 1) return second_convolution(a.conv[1]).pack(a.conv[1], weights.conv[1], weights.conv_bias[1], packed.conv[1]);
  piece -= kConvolutions;
  for (int l = 0; l < kLinears; l++) {
    const int64_t in = a.width[l], out = a.width[l + 1], panels = (out + kPanel - 1) / kPanel;
    if (piece < panels) {
      pack_linear(weights.linear[l], in, out, piece * kPanel, packed.forward[l], packed.back[l]);
      for (int64_t o = piece * kPanel; o < out && o < (piece + 1) * kPanel; o++) packed.bias[l][o] = weights.linear_bias[l][o];
      return;
    }
    piece -= panels;
  }
}

// ---- block

INLINE void prefetch(const uint8_t *image, int64_t bytes) {
  for (int64_t k = 0; k < bytes; k += 64) __builtin_prefetch(image + k);
}

// One block of a batch.
struct Block {
  const Architecture &a;
  const Packed packed;
  const Arena arena;
  const ConvPool<uint8_t> first = first_convolution(a.conv[0]);
  const ConvPool<float> second = second_convolution(a.conv[1]);
  int64_t images, rows;              // rows: images rounded up; the rows beyond are computed, and count for nothing
  const uint8_t *image[kBlock + 1];  // and one more, to prefetch

  // Activations of the convolutions, and the inputs of the first linear layer, with channels first.
  void convolve() {
    const int64_t y0 = pitch(first.s.pooled()), y1 = second.s.pooled();
    prefetch(image[0], first.s.image());
    for (int64_t i = 0; i < images; i++) {
      prefetch(image[i + 1], first.s.image());
      float *y = arena.y[0] + i * y0;
      first.forward(first.s, packed.conv[0], image[i], y, arena.argmax[0] + i * first.argmax, arena.scratch);
      activate(a.activation, y, first.s.pooled());
      second.forward(second.s, packed.conv[1], y, arena.y[1], arena.argmax[1] + i * second.argmax, arena.scratch);
      activate(a.activation, arena.y[1], y1);
      transpose(arena.y[1], second.s.places(), second.s.out, arena.x[0] + i * row_pitch(a.width[0]));
    }
  }

  void linear() {
    for (int l = 0; l < kLinears; l++) {
      const int64_t in = row_pitch(a.width[l]), out = row_pitch(a.width[l + 1]);
      multiply(rows, padded(a.width[l + 1]), a.width[l], arena.x[l], in, packed.forward[l], arena.x[l + 1], out,
               packed.bias[l]);
      if (l + 1 < kLinears) activate(a.activation, arena.x[l + 1], rows * out);
    }
  }

  // From the logits' gradient to that of the convolutions' output.
  void linear_backward(const BlockSums &sums) {
    for (int l = kLinears; l-- > 0;) {
      const int64_t in = row_pitch(a.width[l]), out = row_pitch(a.width[l + 1]);
      add_rows(arena.dx[l + 1], rows, out, a.width[l + 1], sums.bias[l]);
      multiply(rows, padded(a.width[l]), a.width[l + 1], arena.dx[l + 1], out, packed.back[l], arena.dx[l], in, nullptr);
      times_slope(a.activation, arena.x[l], arena.dx[l], rows * in);
    }
  }

  // Copies what the linear weights' gradients need to panels, from row `row` of the batch on.
  void keep(const Kept &kept, int64_t row) {
    for (int l = 0; l < kLinears; l++) {
      for (int64_t w = 0; w < wide_panels(a.width[l]); w++)
        to_panel<kWidth>(arena.x[l] + w * kWidth, rows, row_pitch(a.width[l]), kept.x[l] + (w * kept.rows + row) * kWidth);
      for (int64_t t = 0; t < tall_panels(a.width[l + 1]); t++)
        to_panel<kTall>(arena.dx[l + 1] + t * kTall, rows, row_pitch(a.width[l + 1]),
                        kept.dy[l] + (t * kept.rows + row) * kTall);
    }
  }

  void convolve_backward(const BlockSums &sums) {
    const int64_t y0 = pitch(first.s.pooled()), y1 = pitch(second.s.pooled());
    for (int64_t i = 0; i < images; i += kGroup) {
      const int64_t n = images - i < kGroup ? images - i : kGroup;
      const float *y[kGroup];
      for (int64_t k = 0; k < n; k++) {
        y[k] = arena.y[0] + (i + k) * y0;
        transpose(arena.dx[0] + (i + k) * row_pitch(a.width[0]), second.s.out, second.s.places(), arena.dy[1] + k * y1);
      }
      second.backward(second.s, packed.conv[1], n, y, arena.dy[1], arena.argmax[1] + i * second.argmax, sums.conv[1],
                      arena.dy[0], arena.scratch);
      times_slope(a.activation, y[0], arena.dy[0], n * y0);
      first.backward(first.s, packed.conv[0], n, image + i, arena.dy[0], arena.argmax[0] + i * first.argmax, sums.conv[0],
                     nullptr, arena.scratch);
    }
  }
};

void block(const Architecture &a, const Batch &batch, int64_t number, bool backward, const Memory &memory, float *arena,
           float *logits) {
  const Kept kept(a, memory.images, memory.batch);
  const BlockSums sums(a, kept.sums + number * block_sums_size(a));
  const int64_t begin = number * kBlock, images = batch.n - begin < kBlock ? batch.n - begin : kBlock;
  Block b{a, Packed(a, memory.packed), Arena(a, arena)};
  b.images = images, b.rows = rows_of(images);
  for (int64_t i = 0; i < images; i++) b.image[i] = batch.images + batch.index(begin + i) * a.conv[0].image();
  b.image[images] = b.image[0];

  b.convolve();
  const int64_t first = row_pitch(a.width[0]);
  zero(b.arena.x[0] + images * first, (b.rows - images) * first);  // NaN of an earlier block may be there
  b.linear();
  const int64_t classes = a.width[kLinears], row = row_pitch(classes);
  if (logits)
    for (int64_t i = 0; i < images; i++)
      for (int64_t c = 0; c < classes; c++) logits[(begin + i) * classes + c] = b.arena.x[kLinears][i * row + c];
  if (!batch.labels) return;

  *sums.loss = 0;
  float *gradient = b.arena.dx[kLinears];
  for (int64_t i = 0; i < images; i++)
    *sums.loss += cross_entropy(b.arena.x[kLinears] + i * row, classes, batch.labels[begin + i],
                                batch.label_smoothing, 1.f / batch.n, backward ? gradient + i * row : nullptr);
  if (!backward) return;
  zero(gradient + images * row, (b.rows - images) * row);
  zero(sums.conv[0], reinterpret_cast<float *>(sums.loss) - sums.conv[0]);
  b.linear_backward(sums);
  b.keep(kept, begin);
  b.convolve_backward(sums);
}

double loss(const Architecture &a, int64_t n, const Memory &memory) {
  const Kept kept(a, memory.images, memory.batch);
  const int64_t size = block_sums_size(a);
  double total = 0;
  for (int64_t b = 0; b < blocks_of(n); b++) total += *BlockSums(a, kept.sums + b * size).loss;
  return total;
}

// ---- tile

int64_t tiles_of_layer(const Architecture &a, int l) {
  return wide_panels(a.width[l]) * ((tall_panels(a.width[l + 1]) + kTalls - 1) / kTalls);
}

int64_t tiles(const Architecture &a) {
  int64_t n = 1;
  for (int l = 0; l < kLinears; l++) n += tiles_of_layer(a, l);
  return n;
}

// The first block's sums become those of all.
void add_blocks(const Architecture &a, int64_t blocks, const Kept &kept, const Tensors<float> &gradients) {
  const int64_t size = block_sums_size(a);
  const BlockSums total(a, kept.sums);
  const int64_t floats = reinterpret_cast<float *>(total.loss) - kept.sums;
  for (int64_t i = 0; i < floats; i += LANES) {
    Float<LANES> sum = load<LANES>(kept.sums + i);
    for (int64_t b = 1; b < blocks; b++) sum += load<LANES>(kept.sums + b * size + i);
    store<LANES>(kept.sums + i, sum);
  }
  first_convolution(a.conv[0]).unpack(a.conv[0], total.conv[0], gradients.conv[0], gradients.conv_bias[0]);
  second_convolution(a.conv[1]).unpack(a.conv[1], total.conv[1], gradients.conv[1], gradients.conv_bias[1]);
  for (int l = 0; l < kLinears; l++)
    for (int64_t o = 0; o < a.width[l + 1]; o++) gradients.linear_bias[l][o] = total.bias[l][o];
}

void tile(const Architecture &a, int64_t n, int64_t piece, const Memory &memory, const Tensors<float> &gradients) {
  const Kept kept(a, memory.images, memory.batch);
  if (piece == 0) return add_blocks(a, blocks_of(n), kept, gradients);
  piece -= 1;
  for (int l = 0; l < kLinears; l++) {
    if (piece < tiles_of_layer(a, l)) {
      const int64_t wide = piece % wide_panels(a.width[l]), first = piece / wide_panels(a.width[l]) * kTalls,
                    all = tall_panels(a.width[l + 1]), last = first + kTalls < all ? first + kTalls : all;
      return weights_gradient(kept.x[l], kept.dy[l], rows_of(n), kept.rows, wide, first, last, a.width[l], a.width[l + 1],
                              gradients.linear[l]);
    }
    piece -= tiles_of_layer(a, l);
  }
}

}  // namespace

extern const Kernels kernels = {sizes, packs, pack, block, loss, tiles, tile};

}  // namespace lenet::LEVEL
