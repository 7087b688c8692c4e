// torchx.h: the network.
#include "network.h"

#include <memory>
#include <utility>
#include <vector>

#include "face.h"

using namespace lenet::face;

namespace {

lenet::Network &network_of(void *handle) { return *static_cast<lenet::Network *>(handle); }

lenet::Images images_of(void *images, void *labels, const int32_t *order, int64_t n) {
  return {tensor_of(images), tensor_of(labels), order, order ? n : tensor_of(images).size(0)};
}

lenet::Span span_of(const torchx_span &s) {
  return {tensor_of(s.images), tensor_of(s.labels), s.order ? tensor_of(s.order) : at::Tensor(), s.first, s.n, s.batch_size};
}

lenet::Optimizer &optimizer_of(void *handle) { return *static_cast<lenet::Optimizer *>(handle); }

}  // namespace

char *torchx_network(int64_t rows, int64_t cols, int activation, void *const *params, size_t n, void **network) {
  return caught([&] {
    std::vector<at::Tensor> tensors;
    for (size_t i = 0; i < n; i++) tensors.push_back(tensor_of(params[i]));
    *network = lenet::Network::make(rows, cols, activation, std::move(tensors)).release();
  });
}

char *torchx_network_logits(void *network, void *images, void **logits) {
  return caught([&] { *logits = handle_of(network_of(network).logits(tensor_of(images))); });
}

char *torchx_network_evaluate(void *network, void *images, void *labels, const int32_t *order, int64_t n, void *accumulator) {
  return caught([&] { network_of(network).evaluate(images_of(images, labels, order, n), tensor_of(accumulator)); });
}

char *torchx_network_differentiate(void *network, void *images, void *labels, const int32_t *order, int64_t n,
                                   double label_smoothing, void *accumulator) {
  return caught(
      [&] { network_of(network).differentiate(images_of(images, labels, order, n), label_smoothing, tensor_of(accumulator)); });
}

char *torchx_network_evaluate_span(void *network, const torchx_span *span, void *accumulator) {
  return caught([&] { network_of(network).evaluate(span_of(*span), tensor_of(accumulator)); });
}

char *torchx_network_trains(void *network, void *optimizer, bool *trains) {
  return caught([&] { *trains = network_of(network).trains(optimizer_of(optimizer)); });
}

char *torchx_network_train(void *network, const torchx_span *span, void *optimizer, const float *learning_rates,
                           double label_smoothing, void *accumulator) {
  return caught([&] {
    network_of(network).train(span_of(*span), optimizer_of(optimizer), learning_rates, label_smoothing, tensor_of(accumulator));
  });
}

void torchx_network_free(void *network) { delete &network_of(network); }

char *torchx_use_kernels(const char *kernels) {
  return caught([&] { lenet::use_kernels(kernels); });
}
