// Optimizers: PyTorch's SGD, Adam and AdamW by libtorch's fused kernels, each a pass over all parameters.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "torchx.h"

namespace lenet {

// All that a step reads and writes is on the parameters' device and stays at its address, so that a step can be recorded and
// repeated; the learning rate too.
class Optimizer {
 public:
  Optimizer(std::vector<at::Tensor> params, const torchx_optimizer_settings &);

  void zero_grad();
  void step();
  void set_learning_rate(double);

  // Exchanges the parameters' values with their moving averages. A second call exchanges them back.
  void swap_averages();

 private:
  std::vector<at::Tensor> params_, momenta_, squares_, steps_, averages_;  // empty: not used
  at::Tensor learning_rate_;                                               // []
  torchx_optimizer_settings settings_;
};

}  // namespace lenet
