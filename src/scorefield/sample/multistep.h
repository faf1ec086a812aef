// What multistep samplers share: how many of the last answers a step goes through.
#pragma once

#include <algorithm>

#include "scorefield/sample/sampler.h"

namespace scorefield {

class Multistep : public Sampler {
 public:
  Multistep(int order, const SamplerOptions& options) : order_(order), lower_order_final_(options.lower_order_final) {}
  std::size_t memory() const override { return order(); }

 protected:
  std::size_t order() const { return static_cast<std::size_t>(order_); }
  /// Evaluations to interpolate through in this step: fewer than `order` in the first steps.
  std::size_t nodes_of(const Step& step) const {
    const std::size_t most = lower_order_final_ ? std::min(order(), step.steps_left()) : order();
    return std::min(step.past.size(), most);
  }

 private:
  int order_;
  bool lower_order_final_;
};

}  // namespace scorefield
