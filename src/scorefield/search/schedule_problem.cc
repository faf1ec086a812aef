#include "scorefield/search/schedule_problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/process/schedule.h"

namespace scorefield {
namespace {

Sampling with_levels(const Sampling& sampling, std::vector<double> levels) {
  Sampling copy = sampling;
  copy.levels = std::move(levels);
  return copy;
}

/// Tells how far a batch of a run is.
class Reporter final : public Observer {
 public:
  Reporter(std::string_view what, double before, double batch, double total, double levels, const Context& context)
      : what_(what), before_(before), batch_(batch), total_(total), levels_(levels), context_(context) {}

  const Request& request() const override { return request_; }
  void observe(const Observation& seen) override {
    context_.report(what_, before_ + batch_ * static_cast<double>(seen.step) / levels_, total_);
  }

 private:
  Request request_;
  std::string_view what_;
  double before_;
  double batch_;
  double total_;
  double levels_;
  const Context& context_;
};

double distance(std::span<const double> a, std::span<const double> b) {
  double square = 0;
  for (std::size_t j = 0; j < a.size(); ++j) square += (a[j] - b[j]) * (a[j] - b[j]);
  return std::sqrt(square);
}

}  // namespace

ScheduleProblem with_field(const Field& field, const ScheduleProblem& problem) {
  return {.sampling = with_field(field, problem.sampling),
          .sigma_max = problem.sigma_max,
          .sigma_min = problem.sigma_min,
          .rho = problem.rho,
          .end_at_zero = problem.end_at_zero,
          .batch = problem.batch,
          .label = problem.label,
          .least_sigma = problem.least_sigma};
}

double last_flow_level(const ScheduleProblem& problem, double parts) {
  return problem.end_at_zero ? std::max(problem.sigma_min / parts, problem.least_sigma) : problem.sigma_min;
}

std::vector<std::string> fixed_schedule_names() {
  return {"polynomial", "logsnr", "vp-uniform"};
}

std::vector<double> fixed_levels(const ScheduleProblem& problem, const std::string& name, std::size_t steps) {
  ScheduleOptions options;
  options.name = name;
  options.steps = static_cast<int>(problem.end_at_zero ? steps : steps + 1);
  options.sigma_min = problem.sigma_min;
  options.sigma_max = problem.sigma_max;
  options.rho = problem.rho;
  options.end_at_zero = problem.end_at_zero;
  return noise_levels(options);
}

std::size_t steps_of(const ScheduleProblem& problem, std::size_t nfe) {
  // Evaluations grow with the steps, and a step makes at least one but for an analytical first one.
  for (std::size_t steps = 2; steps <= nfe + 1; ++steps) {
    const Sampling sampling = with_levels(problem.sampling, fixed_levels(problem, "logsnr", steps));
    const std::size_t made = evaluations_of(sampling);
    if (made == nfe) return steps;
    if (made > nfe) break;
  }
  return 0;
}

ExactEnds exact_ends(const ScheduleProblem& problem, std::span<const std::uint64_t> seeds, std::size_t steps,
                     const Context& context) {
  if (steps < 2) throw Error(fmt::format("the exact end points need at least 2 steps, got {}", steps));
  context.check_memory(2 * seeds.size(), problem.sampling.field.dimension() * sizeof(double), "the exact end points");
  const Sampling precise{.field = problem.sampling.field,
                         .sampler = find_sampler("rk4"),
                         .levels = {},
                         .process = problem.sampling.process,
                         .start = problem.sampling.start};
  ScheduleProblem finer = problem;
  finer.sigma_min = last_flow_level(problem, 16);
  ScheduleProblem coarser = problem;
  coarser.sigma_min = last_flow_level(problem, 8);
  const auto ends = [&](const ScheduleProblem& range, std::size_t count) {
    return end_points(with_levels(precise, fixed_levels(range, "polynomial", count)), seeds, problem.label,
                      problem.batch, "exact end points", context);
  };
  ExactEnds found;
  found.seeds.assign(seeds.begin(), seeds.end());
  found.x = ends(finer, steps);
  for (const double d : distances(found.x, ends(coarser, steps / 2))) found.uncertainty += d;
  found.uncertainty /= static_cast<double>(seeds.size());
  return found;
}

Rows end_points(const Sampling& sampling, std::span<const std::uint64_t> seeds, int label, std::size_t batch,
                std::string_view what, const Context& context) {
  Rows ends(seeds.size(), sampling.field.dimension());
  const auto total = static_cast<double>(seeds.size());
  for (std::size_t first = 0; first < seeds.size(); first += batch) {
    const std::size_t count = std::min(batch, seeds.size() - first);
    Reporter reporter(what, static_cast<double>(first), static_cast<double>(count), total,
                      static_cast<double>(sampling.levels.size()), context);
    const Rows x =
        sample(sampling, seeds.subspan(first, count), std::span(&label, 1), what.empty() ? nullptr : &reporter, context)
            .x;
    std::ranges::copy(x.values(), ends[first].begin());
    if (!what.empty()) context.report(what, static_cast<double>(first + count), total);
  }
  return ends;
}

std::vector<double> distances(const Rows& a, const Rows& b) {
  std::vector<double> all;
  for (std::size_t i = 0; i < a.rows(); ++i) all.push_back(distance(a[i], b[i]));
  return all;
}

std::vector<double> end_point_errors(const ScheduleProblem& problem, const std::vector<double>& levels,
                                     const ExactEnds& ends, const Context& context) {
  const Sampling sampling = with_levels(problem.sampling, levels);
  return distances(end_points(sampling, ends.seeds, problem.label, problem.batch, "", context), ends.x);
}

}  // namespace scorefield
