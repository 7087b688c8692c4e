// Optimizers: PyTorch's, by libtorch's fused kernels, each of which updates all parameters in one pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "torchx.h"

namespace lenet {

struct UpdateRule;  // a row of the table in optimizer.cc

// The names that torchx_optimizer_settings::name may have, in the order of the table.
const std::vector<const char *> &optimizer_names();

// All that a step reads and writes is on the parameters' device and stays at its address, so that a step can be captured as a
// CUDA graph and replayed; the learning rate too.
class Optimizer {
 public:
  Optimizer(std::vector<at::Tensor> params, const torchx_optimizer_settings &);  // throws if there is none of this name
  Optimizer(const Optimizer &) = delete;
  Optimizer &operator=(const Optimizer &) = delete;

  void zero_grad();
  void step();
  void set_learning_rate(double);

  // What the kernels of a GPU need of it, as lenet::train and lenet::update (network.cc) take it: its rule; weight decay,
  // momentum, whether it is Nesterov's, both betas, epsilon, the averages' decay; and its states, in the order of the
  // parameters, or empty.
  struct ForKernels {
    const char *rule;
    std::vector<double> settings;
    std::vector<at::Tensor> momentum, square, step, average;
  };
  ForKernels for_kernels();

  // Exchanges the parameters' values with their moving averages. A second call exchanges them back.
  void swap_averages();

  // What a step changes beside the parameters: for each name, a tensor of each parameter. They belong to this optimizer.
  const std::vector<torchx_optimizer_state> &state() const { return listed_; }

 private:
  struct Kept {
    const char *name;
    std::vector<at::Tensor> of;  // each parameter
  };
  std::vector<at::Tensor> *find(const char *name);  // null: not kept
  void update_by_kernel(const std::vector<at::Tensor> &gradients);

  std::vector<at::Tensor> params_;
  at::Tensor learning_rate_;  // []
  torchx_optimizer_settings settings_;
  const UpdateRule &rule_;
  std::vector<Kept> kept_;
  std::vector<torchx_optimizer_state> listed_;  // of kept_
};

// Whether the parameters' device has a kernel for the update rule of this name, and for as many parameters: a GPU has for
// LeNet's.
bool updates(at::TensorList params, const char *rule);

}  // namespace lenet
