// What a run passes, kept whole.
#pragma once

#include <algorithm>
#include <vector>

#include "scorefield/sample/sample.h"

namespace scorefield {

/// States and denoised means at every noise level above 0 that a run passes.
class PathObserver final : public Observer {
 public:
  const Request& request() const override { return request_; }
  void observe(const Observation& seen) override {
    Rows x(seen.x.rows, seen.x.cols);
    for (std::size_t i = 0; i < x.rows(); ++i) std::ranges::copy(seen.x[i], x[i].begin());
    sigma.push_back(seen.sigma);
    states.push_back(std::move(x));
    denoised.push_back(seen.answer.denoised);
  }

  std::vector<double> sigma;
  std::vector<Rows> states;
  std::vector<Rows> denoised;

 private:
  Request request_;
};

}  // namespace scorefield
