// LeNet as one operator on each device: its logits; the loss of a batch; and its gradients, without autograd.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "activation.h"
#include "optimizer.h"

namespace lenet {

// A batch: of images [M, 1, rows, cols] uint8, which stand for x / 255, and labels [M] uint8, on the network's device, those n
// whose indices stand in order, in host memory; or all, and n = M, where order is null.
struct Images {
  at::Tensor images, labels;
  const int32_t *order;
  int64_t n;
};

// Batches of an epoch, one after another: of n images from the first on, batch_size each, the last one perhaps smaller. The
// images and labels are as of Images; order, [M] int32 on the device, has indices into them; undefined: they stand in order.
struct Span {
  at::Tensor images, labels, order;
  int64_t first, n, batch_size;
};

// The network's parameters belong to others: any code may change their values between two calls.
class Network {
 public:
  virtual ~Network() = default;

  // The network of these parameters, which are weight [out, in, 5, 5] and bias [out] of two convolutions, then weight [out, in]
  // and bias [out] of three linear layers, float32 on one device, for images of rows x cols. Null if there are no kernels for
  // it on the device.
  static std::unique_ptr<Network> make(int64_t rows, int64_t cols, int64_t activation, std::vector<at::Tensor> params);

  // The logits, [N, classes], of images [N, 1, rows, cols] uint8.
  at::Tensor logits(const at::Tensor &images);

  // Adds a batch to sums, as accumulator.cc has them: the softmax cross-entropy summed over images, the right answers, the
  // images.
  void evaluate(const Images &, at::Tensor &sums);

  // Of an index or a label that is out of range, evaluate and differentiate throw on the CPU; on a GPU such a label makes the
  // loss NaN, and an index is not checked.
  //
  // As evaluate, and sets the parameters' gradients to those of the loss's mean over the batch. With label smoothing s, an
  // image's target is 1 - s at its label and s / classes more everywhere (Szegedy et al. 2016). On the CPU, a loss that is not
  // finite leaves the gradients as they were.
  void differentiate(const Images &, double label_smoothing, at::Tensor &sums);

  // Adds the images of a span to sums, as evaluate does, whatever its batch size. On a GPU only.
  void evaluate(const Span &, at::Tensor &sums);

  // Whether train can work with this optimizer, which must be the parameters': it does on a GPU, if the kernels know its rule.
  bool trains(Optimizer &) const;

  // As differentiate and the optimizer's step, for each batch of a span with one of the learning rates [batches], in one
  // command to the device. A loss that is not finite does not keep it from updating.
  void train(const Span &, Optimizer &, const float *learning_rates, double label_smoothing, at::Tensor &sums);

 protected:
  Network(int64_t rows, int64_t cols, std::vector<at::Tensor> params);

  virtual at::Tensor logits_of(const at::Tensor &images) = 0;
  virtual void run(const Images &, bool backward, double label_smoothing, at::Tensor &sums) = 0;
  virtual void run(const Span &, at::Tensor &sums);
  virtual bool has_rule(const char *) const { return false; }
  virtual void run(const Span &, const Optimizer::ForKernels &, const float *learning_rates, double label_smoothing,
                   at::Tensor &sums);

  int64_t classes() const { return params_.back().size(0); }

  const int64_t rows_, cols_;
  const std::vector<at::Tensor> params_;

 private:
  void check(const at::Tensor &images) const;
  void check_samples(const at::Tensor &images, const at::Tensor &labels, int64_t n, const at::Tensor &sums) const;
  Span checked(Span, const at::Tensor &sums) const;
};

// The network on the CPU: cpu/network.cc.
std::unique_ptr<Network> make_cpu_network(int64_t rows, int64_t cols, Activation, std::vector<at::Tensor> params);
void use_cpu_kernels(const std::string &name);  // as use_kernels; not CUDA

// For tests: chooses the kernels of the networks that are made after this call. DEFAULT, AVX2 and AVX512 are those for vector
// instructions by libtorch's names, CUDA are the GPU's, emulated; the empty name is this processor's best. An unknown name
// throws.
void use_kernels(const std::string &name);

}  // namespace lenet
