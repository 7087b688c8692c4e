// The operators are called by name through libtorch's dispatcher, so that each device can have its own.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace lenet {

// The operator of this name, which runs on the device of its arguments. Keep it: the look-up takes a lock.
template <typename Signature>
c10::TypedOperatorHandle<Signature> operator_named(const char *name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

}  // namespace lenet
