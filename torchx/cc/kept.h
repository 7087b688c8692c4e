// What conv_pool keeps of its blocks for their gradient, on any device.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace lenet {

struct Kept {
  std::vector<at::Tensor> argmax;   // of each block, uint8: which of the four was the largest; the layout is the device's
  std::vector<at::Tensor> between;  // of each block but the last: its y, which is the next block's x

  // As the operator returns it and takes it again.
  std::vector<at::Tensor> packed() const {
    std::vector<at::Tensor> all = argmax;
    all.insert(all.end(), between.begin(), between.end());
    return all;
  }
  static Kept unpacked(at::TensorList all) {
    const at::TensorList argmax = all.slice(0, (all.size() + 1) / 2), between = all.slice(argmax.size());
    return {argmax.vec(), between.vec()};
  }
};

}  // namespace lenet
