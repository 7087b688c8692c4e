// torchx.h: augmented images.
#include "face.h"
#include "operators.h"

using namespace lenet::face;

char *torchx_augment(void *images, void *labels, void *order, int64_t cols, const torchx_augmentation *a, void *to,
                     void *to_labels) {
  return caught([&] {
    lenet::augment(tensor_of(images), tensor_of(labels), tensor_of(order), cols, static_cast<int64_t>(a->seed), a->epoch,
                   a->shift, a->rotate, a->scale, tensor_of(to), tensor_of(to_labels));
  });
}
