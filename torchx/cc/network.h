// LeNet as one operator on each device: its logits; the loss of a batch; and its gradients, without autograd.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "activation.h"

namespace lenet {

// A batch: of images [M, 1, rows, cols] uint8, which stand for x / 255, and labels [M] uint8, on the network's device, those n
// whose indices stand in order, in host memory; or all, and n = M, where order is null.
struct Images {
  at::Tensor images, labels;
  const int32_t *order;
  int64_t n;
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

 protected:
  Network(int64_t rows, int64_t cols, std::vector<at::Tensor> params);

  virtual at::Tensor logits_of(const at::Tensor &images) = 0;
  virtual void run(const Images &, bool backward, double label_smoothing, at::Tensor &sums) = 0;

  int64_t classes() const { return params_.back().size(0); }

  const int64_t rows_, cols_;
  const std::vector<at::Tensor> params_;

 private:
  void check(const at::Tensor &images) const;
  void check(const Images &, const at::Tensor &sums) const;
};

// The network on the CPU: cpu/network.cc.
std::unique_ptr<Network> make_cpu_network(int64_t rows, int64_t cols, Activation, std::vector<at::Tensor> params);
void use_cpu_kernels(const std::string &name);  // as use_kernels; not CUDA

// For tests: chooses the kernels of the networks that are made after this call. DEFAULT, AVX2 and AVX512 are those for vector
// instructions by libtorch's names, CUDA are the GPU's, emulated; the empty name is this processor's best. An unknown name
// throws.
void use_kernels(const std::string &name);

}  // namespace lenet
