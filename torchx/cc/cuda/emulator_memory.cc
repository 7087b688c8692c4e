#include "emulator_memory.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <unordered_map>
#include <vector>

#include "emulator.h"

namespace lenet::cuda {

OwnMemory fiber_stack;

namespace {

// What a block does between two fences is a segment. Segments are numbered through all launches, so that numbers of earlier
// launches need not be removed from memory's pages.
uint32_t first_segment, first_of_block, segment = 1;
bool watching, accessed;    // whether a launch is watched; whether the segment has accessed global memory
std::vector<Index> blocks;  // [segment - first_segment]
std::vector<char> ordered;  // [segment - first_segment]: whether it came before the block, by fences and atomics
std::unordered_map<const void *, std::vector<char>> released;  // at an atomic's address, the segments before it
OwnMemory shared, statics;

constexpr uintptr_t kPageSize = 4096;
constexpr size_t kMostPages = 4096;  // of 48 KiB each

struct Page {
  uint32_t writer[kPageSize], first_reader[kPageSize], last_reader[kPageSize];  // segments
};

std::unordered_map<uintptr_t, std::unique_ptr<Page>> pages;
constexpr size_t kCached = 256;
struct {
  uintptr_t number;
  Page *page;
} cache[kCached];

Page &page_of(uintptr_t number) {
  auto &cached = cache[number % kCached];
  if (cached.number != number) {
    std::unique_ptr<Page> &page = pages[number];
    if (!page) page = std::make_unique<Page>();
    cached = {number, page.get()};
  }
  return *cached.page;
}

void forget_pages() {
  pages.clear();
  for (auto &cached : cache) cached = {};
}

// The writable data of the library that the kernels are in: __shared__ arrays of a fixed size are there.
OwnMemory own_statics() {
  OwnMemory found{};
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *to) {
        OwnMemory data{};
        bool ours = false;
        for (int i = 0; i < info->dlpi_phnum; i++) {
          const auto &part = info->dlpi_phdr[i];
          if (part.p_type != PT_LOAD) continue;
          const char *begin = reinterpret_cast<const char *>(info->dlpi_addr + part.p_vaddr);
          const size_t at = reinterpret_cast<const char *>(&segment) - begin;
          if (at < part.p_memsz) data = {begin, part.p_memsz}, ours = true;
        }
        if (ours) *static_cast<OwnMemory *>(to) = data;
        return ours ? 1 : 0;
      },
      &found);
  return found;
}

bool in(const OwnMemory &memory, const char *at) { return static_cast<size_t>(at - memory.begin) < memory.size; }

// Where in the program's code an instruction is, as addr2line takes it.
void print_place(const void *code) {
  Dl_info info{};
  dladdr(code, &info);
  std::fprintf(stderr, "  addr2line -e %s 0x%zx\n", info.dli_fname ? info.dli_fname : "?",
               static_cast<const char *>(code) - static_cast<const char *>(info.dli_fbase) - 1);
}

[[noreturn]] void end_with_race(uint32_t other, bool write, bool other_wrote, const char *at, const void *code) {
  const Index &o = blocks[other - first_segment];
  std::fprintf(stderr,
               "emulator: block (%u, %u) %s memory at %p that block (%u, %u) of the same launch %s: let one block do both, or "
               "use two launches, or order them by __threadfence and atomicAdd\n",
               block_index.x, block_index.y, write ? "writes" : "reads", static_cast<const void *>(at), o.x, o.y,
               other_wrote ? "writes" : "reads");
  print_place(code);
  std::abort();
}

// Whether a segment is another block's in this launch.
bool of_another(uint32_t s) { return s - first_segment < first_of_block - first_segment; }

[[gnu::noinline]] void check(const Page &page, size_t begin, size_t end, bool write, const char *at, const void *code) {
  const auto unordered = [](uint32_t s) { return of_another(s) && !ordered[s - first_segment]; };
  for (size_t i = begin; i < end; i++) {
    if (unordered(page.writer[i])) end_with_race(page.writer[i], write, true, at, code);
    if (!write) continue;
    for (const uint32_t reader : {page.first_reader[i], page.last_reader[i]})
      if (unordered(reader)) end_with_race(reader, write, false, at, code);
  }
}

template <size_t kSize, bool kWrite>
void access(const void *address, const void *code) {
  const char *at = static_cast<const char *>(address);
  if (!watching || in(statics, at) || in(fiber_stack, at) || in(shared, at)) return;
  accessed = true;
  const uintptr_t number = reinterpret_cast<uintptr_t>(at);
  Page &page = page_of(number / kPageSize);
  const size_t begin = number % kPageSize;
  bool suspect = false;
  for (size_t i = begin; i < begin + kSize; i++) {
    suspect |= of_another(page.writer[i]);
    if (kWrite) suspect |= of_another(page.first_reader[i]) | of_another(page.last_reader[i]);
  }
  if (__builtin_expect(suspect, 0)) check(page, begin, begin + kSize, kWrite, at, code);
  for (size_t i = begin; i < begin + kSize; i++) {
    if (kWrite) {
      page.writer[i] = segment;
    } else {
      page.last_reader[i] = segment;
      if (page.first_reader[i] < first_segment) page.first_reader[i] = segment;
    }
  }
}

template <bool kWrite>
void access_range(const char *at, size_t size, const void *code) {
  for (size_t i = 0; i < size; i++) access<1, kWrite>(at + i, code);
}

void begin_segment() {
  segment++;
  accessed = false;
  blocks.push_back(block_index);
  ordered.push_back(false);
}

}  // namespace

void watch_launch(OwnMemory of_block) {
  if (!statics.size) statics = own_statics();
  if (pages.size() > kMostPages || segment > UINT32_MAX / 2) {
    forget_pages();
    segment = 1;
  }
  shared = of_block;
  first_segment = segment + 1;
  blocks.clear(), ordered.clear(), released.clear();
  watching = true;
}

void watch_block() {
  begin_segment();
  first_of_block = segment;
  std::fill(ordered.begin(), ordered.end(), false);
}

void end_watch() { watching = false; }

void fence() {
  if (accessed) begin_segment();
}

int add_atomically(int *at, int value) {
  std::vector<char> &before = released[at];
  before.resize(ordered.size());
  for (uint32_t s = 0; s < before.size(); s++) {
    if (before[s]) ordered[s] = true;
    before[s] |= ordered[s] | (s >= first_of_block - first_segment && s < segment - first_segment);
  }
  const int old = *at;
  *at = old + value;
  return old;
}

}  // namespace lenet::cuda

#if !defined(__SANITIZE_ADDRESS__)
// Hidden: Go's race detector has functions of these names, too.
#define HOOK extern "C" __attribute__((visibility("hidden"))) void
#define CODE __builtin_return_address(0)
HOOK __tsan_init() {}
HOOK __tsan_func_entry(void *) {}
HOOK __tsan_func_exit() {}
HOOK __tsan_vptr_update(void **, void *) {}
HOOK __tsan_read1(void *at) { lenet::cuda::access<1, false>(at, CODE); }
HOOK __tsan_read2(void *at) { lenet::cuda::access<2, false>(at, CODE); }
HOOK __tsan_read4(void *at) { lenet::cuda::access<4, false>(at, CODE); }
HOOK __tsan_read8(void *at) { lenet::cuda::access<8, false>(at, CODE); }
HOOK __tsan_read16(void *at) { lenet::cuda::access<16, false>(at, CODE); }
HOOK __tsan_write1(void *at) { lenet::cuda::access<1, true>(at, CODE); }
HOOK __tsan_write2(void *at) { lenet::cuda::access<2, true>(at, CODE); }
HOOK __tsan_write4(void *at) { lenet::cuda::access<4, true>(at, CODE); }
HOOK __tsan_write8(void *at) { lenet::cuda::access<8, true>(at, CODE); }
HOOK __tsan_write16(void *at) { lenet::cuda::access<16, true>(at, CODE); }
HOOK __tsan_read_range(void *at, size_t size) { lenet::cuda::access_range<false>(static_cast<char *>(at), size, CODE); }
HOOK __tsan_write_range(void *at, size_t size) { lenet::cuda::access_range<true>(static_cast<char *>(at), size, CODE); }

// What UndefinedBehaviorSanitizer's code passes: the place in the source, the type, and the logarithm of its alignment.
struct Type {
  uint16_t kind, info;
  char name[];
};
struct Misaligned {
  const char *file;
  uint32_t line, column;
  const Type *type;
  unsigned char alignment, kind;
};

HOOK __ubsan_handle_type_mismatch_v1_abort(const Misaligned *m, uintptr_t at) {
  std::fprintf(stderr, "emulator: %s:%u: a %s at 0x%zx, which is not a multiple of %d, its alignment\n", m->file, m->line,
               m->type->name, static_cast<size_t>(at), 1 << m->alignment);
  std::abort();
}
#endif
