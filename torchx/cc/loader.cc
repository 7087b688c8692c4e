// Loads the CUDA plug-in, or says in one line why it cannot be used. Every build has this file, also one without CUDA.
#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <string>

#include "cuda/plug_in.h"

namespace lenet {
namespace {

// Loads a shared library permanently. Returns its handle, or null and sets why.
void *loaded(const char *name, int flags, std::string &why) {
  void *library = dlopen(name, flags);
  if (!library) why = dlerror();
  return library;
}

const char kNoDriver[] = "there is no NVIDIA driver on this system; install version 580 or later";

std::string version(int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); }

const Cuda &load() {
  std::string why, no_driver;
  void *library = loaded("libtorchx_cuda.so", RTLD_NOW | RTLD_GLOBAL, why);
  if (library) {
    const auto *cuda = static_cast<const Cuda *>(dlsym(library, "lenet_cuda"));
    TORCH_CHECK(cuda, "libtorchx_cuda.so is of another version of lenet; run `make build DEVICE=cuda`");
    return *cuda;
  }
  TORCH_CHECK(why.find("libtorchx_cuda.so: cannot open") != std::string::npos, "CUDA's libraries cannot be loaded (", why,
              "); run `make build DEVICE=cuda` again");
  TORCH_CHECK(loaded("libcuda.so.1", RTLD_LAZY, no_driver), kNoDriver);
  TORCH_CHECK(false, "this lenet was built without CUDA; run `make build DEVICE=cuda`");
}

}  // namespace

const Cuda &cuda_plug_in() {
  static const Cuda &loaded_once = load();
  return loaded_once;
}

const Cuda &cuda_with_driver() {
  const Cuda &cuda = cuda_plug_in();
  const int have = cuda.driver_version(), want = cuda.runtime_version();
  TORCH_CHECK(have > 0, kNoDriver);
  TORCH_CHECK(have / 1000 >= want / 1000, "the NVIDIA driver supports CUDA ", version(have), ", and lenet's libtorch needs ",
              version(want), "; install driver version 580 or later");
  return cuda;
}

}  // namespace lenet
