// The emulator alone: it ends a process in which a kernel has a fault, and says which; it refuses launches that a GPU refuses;
// it lets right kernels be; and its functions give what CUDA's give. Kernels with faults run in processes of their own.
#include "../cuda/emulator.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using lenet::cuda::launch;
using lenet::cuda::shared_memory;

namespace {

void demand(bool holds, const std::string &what) {
  if (holds) return;
  std::fprintf(stderr, "emulator's test: %s\n", what.c_str());
  std::exit(1);
}

// Runs faulty in a process of its own, which is to abort with a message that has these words.
void ends(const char *what, const char *words, const std::function<void()> &faulty) {
  int ends[2];
  demand(pipe(ends) == 0, "no pipe");
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    faulty();
    _exit(0);
  }
  close(ends[1]);
  std::string said;
  char part[512];
  for (ssize_t n; (n = read(ends[0], part, sizeof part)) > 0;) said.append(part, n);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  demand(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && said.find(words) != std::string::npos,
         std::string(what) + ": the process ended with status " + std::to_string(status) + " and said: " + said);
}

void refuses(const char *what, const char *words, const std::function<void()> &wrong) {
  std::string said;
  try {
    wrong();
  } catch (const std::runtime_error &e) {
    said = e.what();
  }
  demand(said.find(words) != std::string::npos, std::string(what) + ": " + said);
}

// Global memory: of an allocation of its own.
template <typename T>
std::unique_ptr<T[]> zeros(size_t n) {
  return std::make_unique<T[]>(n);
}

// ---- Barriers and shuffles

__global__ void half_a_barrier() {
  if (threadIdx.x < 32) __syncthreads();
  if (threadIdx.x >= 32) __syncwarp();
  __syncthreads();
  if (threadIdx.x == 3) __syncthreads();
  if (threadIdx.x == 4) __syncwarp();
}

__global__ void a_shuffle_of_half_a_warp() {
  if (threadIdx.x < 16) __shfl_xor_sync(0xffff, 1.f, 16);
}

__global__ void a_mask_without_the_thread() { __syncwarp(0xfffe); }

__global__ void a_barrier_in_place_of_a_shuffle() {
  if (threadIdx.x % 2)
    __shfl_xor_sync(0xffffffff, 1.f, 1);
  else
    __syncwarp();
}

void faults_of_barriers_and_shuffles_are_found() {
  ends("a barrier that some threads reach", "waits at a barrier", [] { launch(half_a_barrier, dim3(1), 64, 0, nullptr); });
  const auto ends_with_a_lane = [](const char *what, void (*kernel)()) {
    ends(what, "a lane that does not take part", [=] { launch(kernel, dim3(1), 32, 0, nullptr); });
  };
  ends_with_a_lane("a shuffle with lanes that its mask lacks", a_shuffle_of_half_a_warp);
  ends_with_a_lane("a shuffle with lanes at a barrier", a_barrier_in_place_of_a_shuffle);
  ends("a mask without the calling thread", "mask lacks the thread",
       [] { launch(a_mask_without_the_thread, dim3(1), 32, 0, nullptr); });
}

__global__ void shuffle_all(int *to) {
  const int t = threadIdx.x, lane = t % 32;
  to[t] = __shfl_sync(0xffffffff, t, 5);
  to[64 + t] = __shfl_down_sync(0xffffffff, t, 3u);
  to[128 + t] = __shfl_xor_sync(0xffffffff, t, 17);
  to[192 + t] = __shfl_down_sync(0xffffffff, t, 3u, 8);
  to[256 + t] = __shfl_sync(0xffffffff, t, 9, 8);
  to[320 + t] = static_cast<int>(__shfl_xor_sync(0xffffffff, t * 0.5, 1) * 2);  // double
  if (lane < 8) to[384 + t] = __shfl_xor_sync(0xff, t, 3);                      // beside other lanes
}

void shuffles_give_what_cuda_gives() {
  auto to = zeros<int>(448);
  launch(shuffle_all, dim3(1), 64, 0, nullptr, to.get());
  for (int t = 0; t < 64; t++) {
    const int warp = t / 32 * 32, lane = t % 32;
    const int want[] = {warp + 5, lane + 3 < 32 ? t + 3 : t, t ^ 17, lane % 8 + 3 < 8 ? t + 3 : t, warp + lane / 8 * 8 + 1,
                        t ^ 1,    lane < 8 ? t ^ 3 : 0};
    for (int i = 0; i < 7; i++)
      demand(to[i * 64 + t] == want[i], "shuffle " + std::to_string(i) + " of thread " + std::to_string(t));
  }
}

// ---- Alignment

template <typename T>
__global__ void load(const float *from, T *to) {
  *to = *reinterpret_cast<const T *>(from);
}

template <typename T>
__global__ void store(float *to) {
  *reinterpret_cast<T *>(to) = T{};
}

__global__ void load_word(const uint8_t *from, uint32_t *to) { *to = *reinterpret_cast<const uint32_t *>(from); }

__global__ void load_shared(float *to) {
  float *memory = shared_memory<float>();
  memory[threadIdx.x] = 1;
  __syncthreads();
  if (threadIdx.x == 0) *to = reinterpret_cast<const float2 *>(memory + 1)->x;
}

template <typename T>
void misaligned_vectors_are_found(const char *name) {
  alignas(16) static float memory[16];
  static T to;
  const std::string words = std::string("'struct ") + name + "' at ";
  const int whole = sizeof(T) / sizeof(float);
  launch(load<T>, dim3(1), 1, 0, nullptr, memory + whole, &to);
  launch(store<T>, dim3(1), 1, 0, nullptr, memory + whole);
  for (int i = 1; i < whole; i++) {
    ends(name, "emulator.cc:", [=] { launch(load<T>, dim3(1), 1, 0, nullptr, memory + i, &to); });
    ends(name, words.c_str(), [=] { launch(store<T>, dim3(1), 1, 0, nullptr, memory + i); });
  }
}

void misaligned_accesses_are_found() {
  misaligned_vectors_are_found<float2>("float2");
  misaligned_vectors_are_found<float4>("float4");
  misaligned_vectors_are_found<int4>("int4");
  misaligned_vectors_are_found<uint2>("uint2");
  auto bytes = zeros<uint8_t>(16);
  auto word = zeros<uint32_t>(1);
  launch(load_word, dim3(1), 1, 0, nullptr, bytes.get() + 4, word.get());
  ends("four bytes as a word", "uint32_t", [&] { launch(load_word, dim3(1), 1, 0, nullptr, bytes.get() + 5, word.get()); });
  auto to = zeros<float>(1);
  ends("a float2 in shared memory", "float2", [&] { launch(load_shared, dim3(1), 32, 128, nullptr, to.get()); });
}

// ---- Races between blocks

__global__ void read_the_next_blocks(float *values) {
  values[blockIdx.x] = 1;
  if (blockIdx.x == 0) values[2] = values[1];
}

__global__ void read_with_block_0(float *values, bool writes) {
  if (blockIdx.x == 0) values[0] = 1;
  if (blockIdx.x == 1 && !writes) values[1] = values[0];
  if (blockIdx.x == 1 && writes) values[0] = 1;
}

__global__ void all_read_and_one_writes(uint8_t *bytes, int writer) {
  bytes[blockIdx.x] = bytes[7];
  if (static_cast<int>(blockIdx.x) == writer) bytes[7] = 1;
}

// Each block sums its own, and the last one to end the sums of all.
__global__ void sum(const float *values, float *sums, int *ended, float *total, bool with_fence) {
  __shared__ float last;
  __shared__ float of_block[32];
  of_block[threadIdx.x] = values[blockIdx.x * 32 + threadIdx.x];
  __syncthreads();
  if (threadIdx.x == 0) {
    float sum = 0;
    for (float v : of_block) sum += v;
    sums[blockIdx.x] = sum;
    if (with_fence) __threadfence();
    last = atomicAdd(ended, 1) == static_cast<int>(gridDim.x) - 1;
    if (last != 0) {
      sum = 0;
      for (unsigned b = 0; b < gridDim.x; b++) sum += sums[b];
      *total = sum;
      *ended = 0;
    }
  }
}

void races_between_blocks_are_found() {
  // The order of the blocks is another each time, and each is a race.
  for (int repeat = 0; repeat < 8; repeat++) {
    auto values = zeros<float>(3);
    const std::string before(repeat, ' ');
    const auto in_another_order = [=](const std::function<void()> &faulty) {
      return [=] {
        auto other = zeros<float>(8);
        for (int i = 0; i < repeat; i++) launch(store<float4>, dim3(1), 1, 0, nullptr, other.get());
        faulty();
      };
    };
    const char *race = "of the same launch";
    ends("a read of the next block's value", race,
         in_another_order([&] { launch(read_the_next_blocks, dim3(2), 1, 0, nullptr, values.get()); }));
    for (bool writes : {false, true})
      ends(writes ? "a write to another block's value" : "a read of another block's value", race,
           in_another_order([&] { launch(read_with_block_0, dim3(2), 1, 0, nullptr, values.get(), writes); }));
    auto bytes = zeros<uint8_t>(8);
    ends("a write to what others read", race,
         in_another_order([&] { launch(all_read_and_one_writes, dim3(3), 1, 0, nullptr, bytes.get(), repeat % 3); }));
    auto many = zeros<float>(32 * 5), sums = zeros<float>(5), total = zeros<float>(1);
    auto ended = zeros<int>(1);
    ends("the last block without a fence", race, in_another_order([&] {
           launch(sum, dim3(5), 32, 0, nullptr, many.get(), sums.get(), ended.get(), total.get(), false);
         }));
  }
}

__global__ void write_neighbours(uint8_t *to, const float *from, float *own) {
  __shared__ int of_block[4];
  float *memory = shared_memory<float>();
  of_block[threadIdx.x] = memory[threadIdx.x] = from[threadIdx.x];
  __syncthreads();
  to[blockIdx.x * 4 + threadIdx.x] = of_block[3 - threadIdx.x];  // bytes of one word are several blocks'
  if (threadIdx.x == 0) own[blockIdx.x] += memory[0] + memory[1];
}

void kernels_without_races_run() {
  auto bytes = zeros<uint8_t>(64);
  auto from = zeros<float>(4), own = zeros<float>(16);
  from[0] = 2, from[1] = 3;
  for (int repeat = 0; repeat < 8; repeat++) {  // launches may read what earlier ones wrote
    launch(write_neighbours, dim3(16), 4, 16, nullptr, bytes.get(), from.get(), own.get());
    launch(write_neighbours, dim3(8), 4, 16, nullptr, bytes.get() + 3, from.get(), own.get());
  }
  demand(own[0] == 16 * 5 && own[15] == 8 * 5 && bytes[6] == 2, "blocks without races");

  auto values = zeros<float>(32 * 200), sums = zeros<float>(200), total = zeros<float>(1);
  auto ended = zeros<int>(1);
  for (int i = 0; i < 32 * 200; i++) values[i] = 1;
  for (int repeat = 0; repeat < 8; repeat++) {
    launch(sum, dim3(200), 32, 0, nullptr, values.get(), sums.get(), ended.get(), total.get(), true);
    demand(*total.get() == 6400, "the last block's sum");
  }
}

__global__ void note(int *next, int *order) {
  if (threadIdx.x == 0) order[blockIdx.x + gridDim.x * blockIdx.y] = atomicAdd(next, 1);
}

void blocks_run_in_random_order() {
  std::vector<std::vector<int>> orders;
  for (int repeat = 0; repeat < 3; repeat++) {
    auto next = zeros<int>(1), order = zeros<int>(40);
    launch(note, dim3(20, 2), 32, 0, nullptr, next.get(), order.get());
    orders.emplace_back(order.get(), order.get() + 40);
    std::vector<char> seen(40);
    for (int at : orders.back()) seen.at(at)++;
    demand(seen == std::vector<char>(40, 1), "each block runs once");
  }
  demand(orders[0] != orders[1] && orders[1] != orders[2], "the order of blocks is another each time");
}

// ---- Launches

__global__ void fill_shared(size_t size) {
  if (threadIdx.x == 0) shared_memory<char>()[size - 1] = 1;
}

void launches_that_a_gpu_refuses_are_refused() {
  const auto start = [](size_t bytes) { launch(fill_shared, dim3(1), 32, bytes, nullptr, bytes); };
  for (const auto &[gpu, kilobytes] : std::vector<std::pair<const char *, size_t>>{
           {nullptr, 64}, {"75", 64}, {"80", 163}, {"86", 99}, {"89", 99}, {"90", 227}, {"100", 227}, {"120", 99}}) {
    gpu ? setenv("LENET_EMULATED_GPU", gpu, 1) : unsetenv("LENET_EMULATED_GPU");
    demand(lenet::cuda::shared_limit() == kilobytes << 10, "the limit of shared memory");
    start(kilobytes << 10);
    refuses("too much shared memory", "bytes of shared memory", [&] { start((kilobytes << 10) + 1); });
  }
  setenv("LENET_EMULATED_GPU", "91", 1);
  refuses("a GPU that is not known", "give 75, 80", [&] { start(1); });
  unsetenv("LENET_EMULATED_GPU");
  for (const auto &[grid, threads] :
       std::vector<std::pair<dim3, int>>{{dim3(0), 32}, {dim3(1, 65536), 32}, {dim3(1), 0}, {dim3(1), 1025}})
    refuses("a grid or a block that is too large or empty", "invalid configuration",
            [&, grid = grid, threads = threads] { launch(fill_shared, grid, threads, 16, nullptr, size_t{16}); });
}

void arithmetic_is_cudas() {
  demand(__umulhi(0xffffffffu, 0xffffffffu) == 0xfffffffeu, "__umulhi");
  demand(__umul64hi(~0ull, 10ull) == 9, "__umul64hi");
  demand(fmaf(0x1.000002p0f, 0x1.000002p0f, -0x1.000004p0f) == 0x1p-46f, "fmaf");
  const float four[] = {1, 2, 3, 4};
  const float4 v = make_float4(four[0], __ldg(four + 1), 3, 4);
  demand(v.x == 1 && v.y == 2 && v.w == 4 && make_uint2(1, 2).y == 2, "vectors");
}

}  // namespace

int main() {
  faults_of_barriers_and_shuffles_are_found();
  shuffles_give_what_cuda_gives();
  misaligned_accesses_are_found();
  races_between_blocks_are_found();
  kernels_without_races_run();
  blocks_run_in_random_order();
  launches_that_a_gpu_refuses_are_refused();
  arithmetic_is_cudas();
  std::puts("emulator: 8 tests passed");
}
