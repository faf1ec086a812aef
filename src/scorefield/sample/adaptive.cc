#include "scorefield/sample/adaptive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/sample/sample.h"

namespace scorefield {
namespace {

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

}  // namespace

ReferencePath solve_reference(const Field& field, RowsView<const double> x, std::span<const double> levels,
                              std::span<const int> labels, double tolerance, const Context& context) {
  if (!(tolerance >= 1e-13 && tolerance < 1)) {
    throw Error(
        fmt::format("the tolerance of a reference solution must be at least 1e-13 and below 1, got {}", tolerance));
  }
  if (levels.empty() || !(levels.back() > 0) || std::isinf(levels.front())) {
    throw Error("a reference solution runs between noise levels that are finite and above 0");
  }
  Rows start(x.rows, x.cols);
  for (std::size_t i = 0; i < x.rows; ++i) std::ranges::copy(x[i], start[i].begin());
  const std::vector<std::uint64_t> seeds(x.rows, 0);  // an ODE draws nothing
  ReferencePath path{{levels.begin(), levels.end()},
                     {},
                     Rows(levels.size(), x.rows),
                     std::vector<double>(x.rows),
                     std::vector<std::size_t>(x.rows)};
  for (const double allowed : {tolerance, tolerance / 10}) {
    SamplerOptions options;
    options.rtol = allowed;
    options.atol = allowed;
    const Sampling sampling{.field = field, .sampler = find_sampler("rk45"), .levels = path.levels, .options = options};
    States states;
    Samples samples = sample_from(sampling, {&start, 1}, seeds, labels, &states, context);
    states.seen.push_back(std::move(samples.x));
    for (std::size_t i = 0; i < x.rows; ++i) path.evaluations[i] += samples.evaluations[i];
    std::swap(path.x, states.seen);
    if (states.seen.empty()) continue;
    for (std::size_t level = 0; level < levels.size(); ++level) {
      for (std::size_t i = 0; i < x.rows; ++i) {
        double square = 0;
        for (std::size_t j = 0; j < x.cols; ++j) {
          const double difference = std::abs(path.x[level](i, j) - states.seen[level](i, j));
          path.error(level, i) = std::max(path.error(level, i), difference);
          square += difference * difference;
        }
        path.last_distance[i] = std::sqrt(square);
      }
    }
  }
  return path;
}

}  // namespace scorefield
