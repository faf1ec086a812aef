#include "scorefield/search/euler_costs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

/// The states of a batch at every level, and the slope dx/dsigma = eps there.
class Trajectory final : public Observer {
 public:
  const Request& request() const override { return request_; }
  void observe(const Observation& seen) override {
    Rows state(seen.x.rows, seen.x.cols);
    Rows slope(seen.x.rows, seen.x.cols);
    for (std::size_t r = 0; r < state.rows(); ++r) {
      for (std::size_t k = 0; k < state.cols(); ++k) {
        state(r, k) = seen.x(r, k);
        slope(r, k) = (seen.x(r, k) - seen.answer.denoised(r, k)) / seen.sigma;
      }
    }
    x.push_back(std::move(state));
    eps.push_back(std::move(slope));
  }

  std::vector<Rows> x;    // the last level's too, once it was added
  std::vector<Rows> eps;  // of all levels but the last

 private:
  Request request_;
};

/// What the metric compares of a state: its own numbers, or its distance from the chord of its trajectory.
class Metric {
 public:
  Metric(CostMetric metric, const Trajectory& teacher) : metric_(metric), teacher_(teacher) {}

  /// scratch: [d].
  double cost(std::size_t i, std::size_t j, double step, std::size_t row, std::span<double> scratch) const {
    const auto from = teacher_.x[i][row];
    const auto slope = teacher_.eps[i][row];
    for (std::size_t k = 0; k < scratch.size(); ++k) scratch[k] = from[k] + step * slope[k];
    const auto exact = teacher_.x[j][row];
    if (metric_ == CostMetric::kDeviation) return deviation(scratch, row) - deviation(exact, row);
    double sum = 0;
    for (std::size_t k = 0; k < scratch.size(); ++k) {
      const double difference = scratch[k] - exact[k];
      sum += metric_ == CostMetric::kL1 ? std::abs(difference) : difference * difference;
    }
    return metric_ == CostMetric::kL1 ? sum : std::sqrt(sum);
  }

 private:
  /// Of x from the straight line through the first and the last state of a row's trajectory.
  double deviation(std::span<const double> x, std::size_t row) const {
    const auto first = teacher_.x.front()[row];
    const auto last = teacher_.x.back()[row];
    double chord = 0, along = 0, square = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const double direction = last[k] - first[k];
      chord += direction * direction;
      along += direction * (last[k] - x[k]);
    }
    // A second pass, as along and the distance nearly cancel far from the end.
    const double share = chord > 0 ? along / chord : 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      const double off = last[k] - x[k] - share * (last[k] - first[k]);
      square += off * off;
    }
    return std::sqrt(square);
  }

  CostMetric metric_;
  const Trajectory& teacher_;
};

}  // namespace

CostMetric find_cost_metric(std::string_view name) {
  if (name == "l1") return CostMetric::kL1;
  if (name == "l2") return CostMetric::kL2;
  if (name == "dev") return CostMetric::kDeviation;
  throw Error(unknown_name("cost metric", name, {"l1", "l2", "dev"}));
}

CostMatrix euler_costs(const ScheduleProblem& problem, const std::vector<double>& levels, const SamplerEntry& teacher,
                       CostMetric metric, std::span<const std::uint64_t> seeds, const Context& context) {
  if (teacher.kind != SamplerKind::kOde) {
    throw Error(fmt::format("the teacher must follow the probability flow, but {} adds noise", teacher.name));
  }
  const std::size_t n = levels.size();
  const std::size_t d = problem.sampling.field.dimension();
  const Sampling run{.field = problem.sampling.field,
                     .sampler = teacher,
                     .levels = levels,
                     .process = problem.sampling.process,
                     .start = problem.sampling.start};
  context.check_memory(2 * n * std::min(problem.batch, seeds.size()), d * sizeof(double), "the teacher's trajectories");
  CostMatrix costs{levels, std::vector<double>(n * n)};
  for (std::size_t first = 0; first < seeds.size(); first += problem.batch) {
    const std::size_t count = std::min(problem.batch, seeds.size() - first);
    Trajectory trajectory;
    trajectory.x.push_back(
        sample(run, seeds.subspan(first, count), std::span(&problem.label, 1), &trajectory, context).x);
    const Metric measure(metric, trajectory);
    run_tasks(context.pool, n - 1, [&](std::size_t i, int) {
      context.check_cancelled();
      std::vector<double> scratch(d);
      for (std::size_t j = i + 1; j < n; ++j) {
        // Seed after seed, so that neither batches nor threads change the sum.
        double& sum = costs.values[i * n + j];
        for (std::size_t row = 0; row < count; ++row) sum += measure.cost(i, j, levels[j] - levels[i], row, scratch);
      }
    });
    context.report("costs of Euler steps", static_cast<double>(first + count), static_cast<double>(seeds.size()));
  }
  for (double& value : costs.values) value /= static_cast<double>(seeds.size());
  return costs;
}

}  // namespace scorefield
