// The kernels of the loss and of the accumulator. Each is one block: a batch has few rows, and their sum is one number.
#include "kernels.h"
#include "launch.h"

namespace lenet::cuda {
namespace {

constexpr int kThreads = 256;

// The sum over the block's threads, for thread 0. values [kThreads] is the block's.
__device__ double sum_of(double value, double *values) {
  values[threadIdx.x] = value;
  for (int half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) values[threadIdx.x] += values[threadIdx.x + half];
  }
  return values[0];
}

__global__ void __launch_bounds__(kThreads) loss_and_gradient(int n, int classes, float smoothing, const float *logits,
                                                              const uint8_t *labels, float *loss, float *gradient) {
  __shared__ double values[kThreads];
  double sum = 0;
  for (int64_t i = threadIdx.x; i < n; i += kThreads) {
    const float *row = logits + i * classes;
    float *to = gradient + i * classes, largest = row[0], total = 0;
    for (int c = 1; c < classes; c++) largest = row[c] > largest ? row[c] : largest;
    for (int c = 0; c < classes; c++) total += to[c] = expf(row[c] - largest);
    float mean = 0;
    for (int c = 0; c < classes; c++) {
      to[c] = to[c] / (total * n) - smoothing / classes / n;
      mean += row[c] / classes;
    }
    const int label = labels[i];
    if (label < classes) {
      to[label] -= (1 - smoothing) / n;
      sum += logf(total) + largest - (1 - smoothing) * row[label] - (smoothing > 0 ? smoothing * mean : 0);
    } else {
      sum += NAN;
    }
  }
  sum = sum_of(sum, values);
  if (threadIdx.x == 0) *loss = sum / n;
}

__global__ void __launch_bounds__(kThreads)
    count(int n, int classes, const float *loss, const float *logits, const uint8_t *labels, double *sums) {
  __shared__ double values[kThreads];
  double correct = 0;
  for (int64_t i = threadIdx.x; i < n; i += kThreads) {
    const float *row = logits + i * classes;
    int largest = 0;
    for (int c = 1; c < classes; c++)
      if (row[c] > row[largest]) largest = c;
    correct += largest == labels[i];
  }
  correct = sum_of(correct, values);
  if (threadIdx.x > 0) return;
  sums[0] += static_cast<double>(*loss) * n;
  sums[1] += correct;
  sums[2] += n;
}

}  // namespace

void cross_entropy(int n, int classes, float label_smoothing, const float *logits, const uint8_t *labels, float *loss,
                   float *gradient, cudaStream_t stream) {
  launch(loss_and_gradient, dim3(1), kThreads, 0, stream, n, classes, label_smoothing, logits, labels, loss, gradient);
}

void accumulate(int n, int classes, const float *loss, const float *logits, const uint8_t *labels, double *sums,
                cudaStream_t stream) {
  launch(count, dim3(1), kThreads, 0, stream, n, classes, loss, logits, labels, sums);
}

}  // namespace lenet::cuda
