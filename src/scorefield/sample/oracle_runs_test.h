// Runs of the library on the eight points of tests/points8.h, for comparison with those of other systems.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "scorefield/kernel/posterior_reference.h"
#include "scorefield/sample/sample.h"
#include "tests/points8.h"

namespace scorefield::test {

/// The eight points with equal weights, in extended precision.
class Points8 final : public Field {
 public:
  /// rounding: a relative error, of a sign like that of a coin's, of the difference x - D that solvers go by.
  explicit Points8(double rounding = 0) : rounding_(rounding) {}
  std::size_t dimension() const override { return 2; }
  Capabilities capabilities() const override { return {}; }
  std::span<const double> mean() const override { return mean_; }
  double variance() const override { return 0; }  // no run from here asks for it
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& /*context*/) const override {
    check_query(x, sigma, labels, request, 0);
    Answer answer = posterior_reference(RowsView<const double>(kPoints8.data(), 8, 2), {}, {}, x, sigma, {}, request);
    for (std::size_t i = 0; i < x.rows && rounding_ > 0; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        const bool up = (std::bit_cast<std::uint64_t>(x(i, j)) * 0x9E3779B97F4A7C15U) >> 63 != 0;
        const double size = std::max(std::abs(x(i, j)), std::abs(answer.denoised(i, j)));
        answer.denoised(i, j) += (up ? rounding_ : -rounding_) * size;
      }
    }
    return answer;
  }

 private:
  std::vector<double> mean_ = {0.04375, -0.0125};
  double rounding_;
};

/// factor * values as states, [B, 2].
inline Rows states(const std::vector<double>& values, double factor = 1) {
  Rows x(values.size() / 2, 2);
  std::ranges::transform(values, x.values().begin(), [&](double v) { return factor * v; });
  return x;
}

/// A run of the library.
struct OdeRun {
  std::string sampler;
  std::vector<double> levels;
  Rows start;
  const Process* process = nullptr;
  SamplerOptions options;
  bool analytical_first_step = false;
};

/// The states at every level, from those at the first ones. A sampler that corrects a state after its evaluation is
/// seen before that.
inline std::vector<Rows> path_of(const OdeRun& run, std::span<const Rows> first, double rounding = 0) {
  class States final : public Observer {
   public:
    const Request& request() const override { return request_; }
    void observe(const Observation& observation) override {
      Rows x(observation.x.rows, observation.x.cols);
      for (std::size_t i = 0; i < x.rows(); ++i) std::ranges::copy(observation.x[i], x[i].begin());
      seen.push_back(std::move(x));
    }
    std::vector<Rows> seen;

   private:
    Request request_;
  };
  const Points8 field(rounding);
  const Sampling sampling{.field = field,
                          .sampler = find_sampler(run.sampler),
                          .levels = run.levels,
                          .process = run.process,
                          .options = run.options,
                          .analytical_first_step = run.analytical_first_step};
  States states;
  const std::vector<std::uint64_t> seeds(run.start.rows(), 0);
  Samples samples = sample_from(sampling, first, seeds, {}, &states, {});
  states.seen.push_back(std::move(samples.x));
  return states.seen;
}
inline std::vector<Rows> path_of(const OdeRun& run, double rounding = 0) {
  return path_of(run, {&run.start, 1}, rounding);
}

/// Largest difference of scale * x to the expected values, in units of max(1, the largest value): the unit of the data,
/// or of the noise where that is more.
inline double difference(const Rows& x, std::span<const double> expected, double scale = 1) {
  EXPECT_EQ(x.values().size(), expected.size());
  double largest = 1;
  double worst = 0;
  for (std::size_t i = 0; i < std::min(x.values().size(), expected.size()); ++i) {
    const double gap = std::abs(scale * x.values()[i] - expected[i]);
    worst = std::isnan(gap) ? gap : std::max(worst, gap);
    largest = std::max(largest, std::abs(expected[i]));
  }
  return worst / largest;
}

/// What rounding does to a run: how far its states are moved, at most, by errors of one unit in the last place of what
/// the solver goes by. Two systems that compute the same formula in another order differ by a few times that.
inline double rounding_of(const OdeRun& run, const std::vector<Rows>& path) {
  double worst = 0;
  const std::vector<Rows> moved = path_of(run, 0x1p-52);
  for (std::size_t i = 0; i < path.size(); ++i) worst = std::max(worst, difference(moved[i], path[i].values()));
  return worst;
}

}  // namespace scorefield::test
