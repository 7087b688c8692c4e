// LeNet on the CPU: a step is three regions of pieces of work (kernels.h) on a team of threads, in memory that is allocated
// once. The result does not depend on the number of threads.
#include "../network.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "../operators.h"
#include "kernels.h"
#include "team.h"

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

const Kernels &kernels() {
  static const Kernels *const best = detected();
  return chosen ? *chosen : *best;
}

Architecture architecture_of(int64_t rows, int64_t cols, Activation activation, const std::vector<at::Tensor> &params) {
  Architecture a{};
  a.activation = activation;
  for (int c = 0; c < kConvolutions; c++) {
    a.conv[c] = {rows, cols, params[2 * c].size(1), params[2 * c].size(0)};
    rows = a.conv[c].pooled_height(), cols = a.conv[c].pooled_width();
  }
  for (int l = 0; l < kLinears; l++) {
    const at::Tensor &weight = params[2 * (kConvolutions + l)];
    a.width[l] = weight.size(1), a.width[l + 1] = weight.size(0);
  }
  return a;
}

template <typename T, typename Data>
Tensors<T> pointers(const std::vector<at::Tensor> &tensors, Data data) {
  Tensors<T> p{};
  for (int c = 0; c < kConvolutions; c++) p.conv[c] = data(tensors[2 * c]), p.conv_bias[c] = data(tensors[2 * c + 1]);
  for (int l = 0; l < kLinears; l++) {
    p.linear[l] = data(tensors[2 * (kConvolutions + l)]);
    p.linear_bias[l] = data(tensors[2 * (kConvolutions + l) + 1]);
  }
  return p;
}

class CPUNetwork : public Network {
 public:
  CPUNetwork(int64_t rows, int64_t cols, Activation activation, std::vector<at::Tensor> params)
      : Network(rows, cols, std::move(params)), a_(architecture_of(rows, cols, activation, params_)), k_(kernels()) {}

 private:
  at::Tensor logits_of(const at::Tensor &images_) override {
    const at::Tensor images = images_.contiguous();
    at::Tensor logits = at::empty({images.size(0), classes()}, at::kFloat);
    const std::lock_guard<std::mutex> lock(mutex_);
    forward({images.const_data_ptr<uint8_t>(), nullptr, nullptr, images.size(0), 0}, false, logits.data_ptr<float>());
    return logits;
  }

  void run(const Images &b, bool backward, double label_smoothing, at::Tensor &sums) override {
    const at::Tensor images = b.images.contiguous(), labels = b.labels.contiguous();
    const std::lock_guard<std::mutex> lock(mutex_);
    labels_.resize(b.n);
    const Batch batch{images.const_data_ptr<uint8_t>(), b.order, labels_.data(), b.n, static_cast<float>(label_smoothing)};
    gather_labels(batch, images.size(0), labels.const_data_ptr<uint8_t>());
    logits_.resize(batch.n * classes());
    forward(batch, backward, logits_.data());
    const double loss = k_.loss(a_, batch.n, memory_);
    add_on_cpu(sums, loss, batch.n, classes(), logits_.data(), labels_.data());
    if (backward && std::isfinite(loss)) set_gradients(batch.n);
  }

  // From those of the set, which may be a file that somebody changes at this moment.
  void gather_labels(const Batch &batch, int64_t images, const uint8_t *labels) {
    for (int64_t i = 0; i < batch.n; i++) {
      const int64_t index = batch.index(i);
      TORCH_CHECK_INDEX(index >= 0 && index < images, "there is no image ", index, " of ", images);
      labels_[i] = labels[index];
      TORCH_CHECK_INDEX(labels_[i] < classes(), "label ", static_cast<int>(labels_[i]), " is not one of ", classes(),
                        " classes");
    }
  }

  void forward(const Batch &batch, bool backward, float *logits) {
    make_ready(batch.labels ? batch.n : 1);
    const auto weights = pointers<const float>(params_, [](const at::Tensor &t) { return t.const_data_ptr<float>(); });
    team_->run(k_.packs(a_), [&](int, int piece) { k_.pack(a_, weights, piece, memory_); });
    team_->run(blocks_of(batch.n), [&](int thread, int piece) {
      k_.block(a_, batch, piece, backward, memory_, arenas_[thread].data_ptr<float>(), logits);
    });
  }

  void set_gradients(int64_t n) {
    if (gradients_.empty())
      for (const at::Tensor &p : params_) gradients_.push_back(at::zeros_like(p));
    const auto gradients = pointers<float>(gradients_, [](const at::Tensor &t) { return t.data_ptr<float>(); });
    team_->run(k_.tiles(a_), [&](int, int piece) { k_.tile(a_, n, piece, memory_, gradients); });
    for (size_t i = 0; i < params_.size(); i++) params_[i].mutable_grad() = gradients_[i];
  }

  // Makes the threads and the memory, where they are not there already. There are no more threads than a region has pieces.
  void make_ready(int64_t images) {
    const int64_t most = std::max({k_.packs(a_), k_.tiles(a_), blocks_of(std::max(images, memory_.images))});
    const int threads = static_cast<int>(std::min<int64_t>(at::get_num_threads(), most));
    if (team_ && team_->threads() == threads && images <= memory_.images) return;
    images = std::max(images, memory_.images);
    const Sizes sizes = k_.sizes(a_, images);
    // All of it, before anything changes: there may not be as much memory.
    at::Tensor packed = at::zeros({sizes.packed}, at::kFloat), batch = at::zeros({sizes.batch}, at::kFloat);
    std::vector<at::Tensor> arenas;
    for (int t = 0; t < threads; t++) arenas.push_back(at::zeros({sizes.arena}, at::kFloat));
    if (!team_ || team_->threads() != threads) team_ = std::make_unique<Team>(threads);
    packed_ = std::move(packed), batch_ = std::move(batch), arenas_ = std::move(arenas);
    memory_ = {images, packed_.data_ptr<float>(), batch_.data_ptr<float>()};
  }

  const Architecture a_;
  const Kernels &k_;
  std::mutex mutex_;  // of all below
  std::unique_ptr<Team> team_;
  Memory memory_{};
  at::Tensor packed_, batch_;          // what memory_ points at
  std::vector<float> logits_;          // of the batch: [n, classes]
  std::vector<uint8_t> labels_;        // of the batch
  std::vector<at::Tensor> arenas_;     // each thread's
  std::vector<at::Tensor> gradients_;  // of params_
};

}  // namespace

std::unique_ptr<Network> make_cpu_network(int64_t rows, int64_t cols, Activation activation, std::vector<at::Tensor> params) {
  if (params.back().size(0) > kMostClasses) return nullptr;
  return std::make_unique<CPUNetwork>(rows, cols, activation, std::move(params));
}

void use_cpu_kernels(const std::string &name) {
  chosen = name.empty() ? nullptr : kernels_named(name);
  TORCH_CHECK(chosen || name.empty(), "there are no kernels for ", name);
}

}  // namespace lenet
