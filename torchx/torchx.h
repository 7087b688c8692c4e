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

// Gradients of a scalar with respect to every parameter that it depends on, added to the parameters' gradients.
char *torchx_backward(void *loss);

// An optimizer is a pointer to a torch::optim::Optimizer on the C++ heap.
char *torchx_optimizer_sgd(void *const *params, size_t n, double learning_rate, void **optimizer);
char *torchx_optimizer_zero_grad(void *optimizer);
char *torchx_optimizer_step(void *optimizer);
void torchx_optimizer_free(void *optimizer);

// Whether the calling thread records operations for Backward; sets it, and returns what it was.
bool torchx_set_grad_enabled(bool enabled);

char *torchx_manual_seed(uint64_t seed);
char *torchx_set_num_threads(int n);
int torchx_num_threads(void);

const char *torchx_libtorch_version(void);
const char *torchx_cpu_capability(void);

#ifdef __cplusplus
}
#endif
