// torchx.h: libtorch's settings for the whole process, and its version.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/utils.h>
#include <torch/version.h>

#include <string>

#include "face.h"

using namespace lenet::face;

char *torchx_manual_seed(uint64_t seed) {
  return caught([&] { torch::manual_seed(seed); });
}

char *torchx_set_num_threads(int n) {
  return caught([&] { at::set_num_threads(n); });
}

int torchx_num_threads(void) { return at::get_num_threads(); }

const char *torchx_libtorch_version(void) { return TORCH_VERSION; }

const char *torchx_cpu_capability(void) {
  static const std::string capability = at::get_cpu_capability();
  return capability.c_str();
}
