// torchx.h: files in memory.
#include "guard.h"

#include "face.h"

using namespace lenet::face;

char *torchx_guard(const void *memory, size_t bytes, const void **guarded) {
  return caught([&] { *guarded = lenet::guard(memory, bytes); });
}

bool torchx_lost(const void *guarded) { return lenet::lost(static_cast<const lenet::Guarded *>(guarded)); }
