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

// A uint8 tensor in host memory that the caller owns.
char *torchx_view_bytes(uint8_t *values, const int64_t *shape, size_t dims, void **tensor);

// An uninitialized tensor of n elements, uint8 or int32.
char *torchx_new_bytes(const char *device, int64_t n, void **tensor);
char *torchx_new_ints(const char *device, int64_t n, void **tensor);

// Copies n values to an int32 tensor of n elements, on any device.
char *torchx_write_int32(void *tensor, const int32_t *values, int64_t n);

// Elements of a tensor, beginning at element first, as a tensor of the given shape that shares its memory.
char *torchx_view(void *tensor, int64_t first, const int64_t *shape, size_t dims, void **view);

// Copies rows of a tensor to all rows of `to`: those whose numbers stand in rows, int32, from its element first on. All on one
// device.
char *torchx_select(void *tensor, void *rows, int64_t first, void *to);

// The activations, of cc/activation.cc; "none" is the first. Returns how many there are.
typedef struct {
  const char *name;
  int number;  // what the functions below call it; never 0
  bool monotone, slope_from_output;
} torchx_activation;

size_t torchx_activations(const torchx_activation **all);

// An activation by libtorch's own operator, differentiable.
char *torchx_activate(void *x, int activation, void **y);

// The softmax cross-entropy, the mean over the batch, by libtorch's own operator, differentiable. labels are uint8.
char *torchx_cross_entropy(void *logits, void *labels, double label_smoothing, void **loss);

// A network: cc/network.h. It is NULL where there are no kernels for it.
char *torchx_network(int64_t rows, int64_t cols, int activation, void *const *params, size_t n, void **network);
void torchx_network_free(void *network);

// Batches of an epoch on a CUDA device: cc/network.h. order may be NULL.
typedef struct {
  void *images, *labels, *order;
  int64_t first, n, batch_size;
} torchx_span;

char *torchx_network_evaluate_span(void *network, const torchx_span *span, void *accumulator);
char *torchx_network_trains(void *network, void *optimizer, bool *trains);
char *torchx_network_train(void *network, const torchx_span *span, void *optimizer, const float *learning_rates,
                           double label_smoothing, void *accumulator);

// order is n indices in host memory; NULL: all images, as they stand.
char *torchx_network_logits(void *network, void *images, void **logits);
char *torchx_network_evaluate(void *network, void *images, void *labels, const int32_t *order, int64_t n, void *accumulator);
char *torchx_network_differentiate(void *network, void *images, void *labels, const int32_t *order, int64_t n,
                                   double label_smoothing, void *accumulator);
char *torchx_use_kernels(const char *kernels);  // of the networks made from now on

// An accumulator adds up over batches what an epoch reports. It is a tensor of n float64 on a device: the sums of
// cc/accumulator.cc.
char *torchx_accumulator(const char *device, int64_t n, void **accumulator);
char *torchx_accumulator_add(void *accumulator, void *loss, void *logits, void *labels);
char *torchx_accumulator_read(void *accumulator, double *sums);  // waits for the device
char *torchx_accumulator_set(void *accumulator, const double *sums);
char *torchx_accumulator_reset(void *accumulator);

// Changes images at random, on a GPU: cc/augment.cc. order holds indices into images [N, pixels] and labels [N].
typedef struct {
  uint64_t seed;
  int64_t epoch;
  double shift, rotate, scale;  // bounds: pixels, degrees, share
} torchx_augmentation;

char *torchx_augment(void *images, void *labels, void *order, int64_t cols, const torchx_augmentation *augmentation, void *to,
                     void *to_labels);

// Gradients of a scalar with respect to every parameter that it depends on, added to the parameters' gradients.
char *torchx_backward(void *loss);

// The optimizers' names. Returns how many there are.
size_t torchx_optimizer_names(const char *const **names);

typedef struct {
  const char *name;
  double learning_rate, weight_decay;
  double momentum;  // of SGD
  bool nesterov;
  double beta1, beta2, epsilon;  // of Adam
  double average;                // how much of its moving average a parameter keeps at a step; 0: there are no averages
} torchx_optimizer_settings;

// What an optimizer remembers of a parameter: "momentum", "square", "step" (one number) or "average". The tensor is the
// optimizer's own.
typedef struct {
  const char *name;
  size_t param;
  void *tensor;
} torchx_optimizer_state;

// An optimizer of parameters on one device, where its own tensors are, too. See cc/optimizer.h.
char *torchx_optimizer(void *const *params, size_t n, const torchx_optimizer_settings *settings, void **optimizer);
char *torchx_optimizer_set_learning_rate(void *optimizer, double learning_rate);
char *torchx_optimizer_zero_grad(void *optimizer);
char *torchx_optimizer_step(void *optimizer);
char *torchx_optimizer_swap_averages(void *optimizer);
size_t torchx_optimizer_states(void *optimizer, const torchx_optimizer_state **states);  // returns how many there are
void torchx_optimizer_free(void *optimizer);

// Sets whether the calling thread records operations for Backward, and returns whether it did before.
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
char *torchx_cuda_free_memory(int index, int64_t *bytes);

// Makes the calling thread work on a CUDA device, on a stream of its own; waits for that stream; waits for it and gives it
// back.
char *torchx_cuda_use(int index);
char *torchx_cuda_synchronize(void);
char *torchx_cuda_release(void);

// A CUDA graph: what the calling thread asks of its device between begin and end is recorded, not executed. One is recorded at
// a time: begin waits for other threads' end. Where end fails, the graph can only be freed.
char *torchx_graph_begin(void **graph);
char *torchx_graph_end(void *graph);
char *torchx_graph_replay(void *graph);
void torchx_graph_free(void *graph);

// A ring of buffers in pinned host memory; see cc/cuda/ring.h. wait may be called on any thread.
char *torchx_ring(size_t buffers, size_t bytes, void **ring);
uint8_t *torchx_ring_buffer(void *ring, size_t i);
char *torchx_ring_send(void *ring, size_t i, void *tensor);
char *torchx_ring_wait(void *ring, size_t i);
void torchx_ring_free(void *ring);

// A copy of n rows of a tensor: those of these indices, in host memory.
char *torchx_gather(void *tensor, const int32_t *order, int64_t n, void **rows);

// Moves a tensor to a device ("cpu", "cuda:0") in place: every handle of it sees it there. It becomes a leaf.
char *torchx_move(void *tensor, const char *device);

// A copy of a tensor on a device, or the tensor itself if it is there.
char *torchx_to(void *tensor, const char *device, void **copy);

// A guard of a file that is mapped to memory: cc/guard.h.
char *torchx_guard(const void *memory, size_t bytes, const void **guarded);
bool torchx_lost(const void *guarded);

char *torchx_manual_seed(uint64_t seed);
char *torchx_set_num_threads(int n);
int torchx_num_threads(void);

const char *torchx_libtorch_version(void);
const char *torchx_cpu_capability(void);

#ifdef __cplusplus
}
#endif
