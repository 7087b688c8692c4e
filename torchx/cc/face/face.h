// What every function of torchx.h needs: its arguments as C++ has them, and exceptions as text.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstring>
#include <exception>
#include <utility>

#include "torchx.h"

namespace lenet::face {

// Runs body. Returns null, or the text of the exception that body threw, for torchx_free_text.
template <typename Body>
char *caught(Body body) {
  try {
    body();
    return nullptr;
  } catch (const std::exception &e) {
    return strdup(e.what());
  } catch (...) {
    return strdup("an exception that is not a std::exception");
  }
}

inline at::Tensor &tensor_of(void *handle) { return *static_cast<at::Tensor *>(handle); }

// A new handle, which the caller of torchx.h frees.
inline void *handle_of(at::Tensor t) { return new at::Tensor(std::move(t)); }

}  // namespace lenet::face
