// One block: a batch has few rows, and their sum is one number.
#include "accumulate.h"

#include "launch.h"

namespace lenet::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    count(int n, int classes, const float *loss, const float *logits, const uint8_t *labels, double *sums) {
  __shared__ int values[kThreads];
  int right = 0;
  for (int64_t i = threadIdx.x; i < n; i += kThreads) {
    const float *row = logits + i * classes;
    int largest = 0;
    for (int c = 1; c < classes; c++)
      if (row[c] > row[largest]) largest = c;
    right += largest == labels[i];
  }
  values[threadIdx.x] = right;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) values[threadIdx.x] += values[threadIdx.x + half];
  }
  if (threadIdx.x > 0) return;
  sums[0] += static_cast<double>(*loss) * n;
  sums[1] += values[0];
  sums[2] += n;
}

}  // namespace

void accumulate(int n, int classes, const float *loss, const float *logits, const uint8_t *labels, double *sums,
                cudaStream_t stream) {
  launch(count, dim3(1), kThreads, 0, stream, n, classes, loss, logits, labels, sums);
}

}  // namespace lenet::cuda
