// The optimizers' update of one weight, as PyTorch has it.
#pragma once

#include "kernels.h"
#include "launch.h"

namespace lenet::cuda {
namespace {

// What an update works on, of one parameter.
struct Parameter {
  float *value, *first, *second, *average;
  const float *step;
};

__device__ Parameter weight_of(const Update &u, int layer) {
  return {u.value.weight[layer], u.momentum_or_first.weight[layer], u.second.weight[layer], u.averages.weight[layer],
          u.step.weight[layer]};
}
__device__ Parameter bias_of(const Update &u, int layer) {
  return {u.value.bias[layer], u.momentum_or_first.bias[layer], u.second.bias[layer], u.averages.bias[layer],
          u.step.bias[layer]};
}

// Adam counts its steps, before it updates.
__device__ void count_step(const Update &u) {
  if (threadIdx.x >= 2 * kLayers) return;
  float *const step = threadIdx.x < kLayers ? u.step.weight[threadIdx.x] : u.step.bias[threadIdx.x - kLayers];
  if (step) *step += 1;
}

// Of parameter i, whose value is w and whose gradient is g.
__device__ void update_one(const Update &u, const Parameter &p, float rate, int i, float w, float g) {
  if (u.rule == Rule::kNone) return;
  if (u.rule == Rule::kSGD) {
    g = fmaf(u.weight_decay, w, g);
    if (u.momentum != 0) {
      const float momentum = fmaf(u.momentum, p.first[i], g);
      p.first[i] = momentum;
      g = u.nesterov ? fmaf(u.momentum, momentum, g) : momentum;
    }
    w = fmaf(-rate, g, w);
  } else {  // Kingma, Ba 2015; the weight decay of AdamW: Loshchilov, Hutter 2019
    if (u.rule == Rule::kAdamW)
      w -= rate * u.weight_decay * w;
    else
      g = fmaf(u.weight_decay, w, g);
    const float first = fmaf(u.beta1, p.first[i] - g, g), second = fmaf(u.beta2, p.second[i] - g * g, g * g);
    p.first[i] = first, p.second[i] = second;
    // 1 - beta^step, without losing its digits where beta is almost 1.
    const float unbias1 = -expm1f(u.log_beta1 * *p.step), unbias2 = sqrtf(-expm1f(u.log_beta2 * *p.step));
    w -= rate / unbias1 * first / (sqrtf(second) / unbias2 + u.epsilon);
  }
  p.value[i] = w;
  if (u.average > 0) p.average[i] = fmaf(u.average, p.average[i] - w, w);
}

}  // namespace
}  // namespace lenet::cuda
