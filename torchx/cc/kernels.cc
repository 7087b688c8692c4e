// The choice among the kernels of kernels.h.
#include "kernels.h"

#include <ATen/Version.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <string>

#include "operators.h"

namespace lenet {
namespace {

const Kernels *kernels_named(const std::string &name) {
#if defined(__x86_64__)
  if (name == "AVX512") return &avx512::kernels;
  if (name == "AVX2") return &avx2::kernels;
#endif
  return name == "DEFAULT" ? &plain::kernels : nullptr;
}

// What libtorch found this processor to have, or was told by ATEN_CPU_CAPABILITY.
const Kernels *detected() {
  const Kernels *k = kernels_named(at::get_cpu_capability());
  return k ? k : &plain::kernels;
}

const Kernels *chosen = nullptr;  // by a test

}  // namespace

const Kernels &kernels() {
  static const Kernels *const best = detected();
  return chosen ? *chosen : *best;
}

void use_kernels(const std::string &name) {
  static void *emulated = nullptr;  // while it is loaded, its operators come before those here
  if (emulated) dlclose(emulated);
  emulated = nullptr;
  chosen = nullptr;
  if (name == "CUDA") {
    emulated = dlopen("libtorchx_emulated.so", RTLD_NOW);
    TORCH_CHECK(emulated, dlerror());
  } else if (!name.empty()) {
    chosen = kernels_named(name);
    TORCH_CHECK(chosen, "there are no kernels for ", name);
  }
}

}  // namespace lenet
