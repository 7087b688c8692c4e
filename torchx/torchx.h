// The C face of torchx: what gotorch's own C functions lack.
//
// A function that can fail returns NULL, or the text of the C++ exception, which the caller hands to torchx_free_text.
// No exception leaves this library. A tensor is gotorch's handle, a pointer to an at::Tensor on the C++ heap.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

void torchx_free_text(char *text);

void torchx_free_tensors(void *const *tensors, size_t n);

// Copies n float32 values between host memory and a tensor of n float32 elements, on any device, in row-major order.
char *torchx_read_float32(void *tensor, float *values, int64_t n);
char *torchx_write_float32(void *tensor, const float *values, int64_t n);

// A uint8 tensor in host memory that somebody else owns.
char *torchx_view_bytes(uint8_t *values, const int64_t *shape, size_t dims, void **tensor);

typedef struct {
  void *weight, *bias;  // tensors
} torchx_layer;

// The operators of conv_pool.cc, linear.cc and cross_entropy.cc, and the choice of their kernels.
char *torchx_conv_pool(void *x, const torchx_layer *layers, size_t n, bool sigmoid, void **y);
char *torchx_linear(void *x, const torchx_layer *layers, size_t n, void **y);
char *torchx_cross_entropy(void *logits, void *labels, void **loss);
char *torchx_use_kernels(const char *kernels);

// What an epoch adds up over its batches: each one's mean loss times its images; and how many rows of logits [N, classes] have
// their largest value at the label, [N] uint8.
typedef struct {
  double loss;
  int64_t correct, images;
} torchx_totals;

char *torchx_add_totals(torchx_totals *totals, void *loss, void *logits, void *labels);

// Gradients of a scalar with respect to every parameter that it depends on, added to the parameters' gradients.
char *torchx_backward(void *loss);

// Plain stochastic gradient descent over parameters.
char *torchx_sgd(void *const *params, size_t n, double learning_rate, void **sgd);
char *torchx_sgd_zero_grad(void *sgd);
char *torchx_sgd_step(void *sgd);
void torchx_sgd_free(void *sgd);

// Whether the calling thread records operations for Backward; sets it, and returns what it was.
bool torchx_set_grad_enabled(bool enabled);

// The CUDA devices. Without the plug-in libtorchx_cuda or a driver, the text says what is missing and what to do.
typedef struct {
  char name[128];
  int64_t memory_bytes;
  int major, minor;  // compute capability
} torchx_cuda_device;

char *torchx_cuda_device_count(int *n);
char *torchx_cuda_device_at(int index, torchx_cuda_device *device);
char *torchx_cuda_versions(int *plug_in, int *driver);  // of CUDA, as 1000 * major + 10 * minor; 0 without a driver

// Moves a tensor to a device ("cpu", "cuda:0"), in its place: every handle of it has it there. It becomes a leaf.
char *torchx_move(void *tensor, const char *device);

// A copy of a tensor on a device, or the tensor itself if it is there.
char *torchx_to(void *tensor, const char *device, void **copy);

char *torchx_manual_seed(uint64_t seed);
char *torchx_set_num_threads(int n);
int torchx_num_threads(void);

const char *torchx_libtorch_version(void);
const char *torchx_cpu_capability(void);

#ifdef __cplusplus
}
#endif
