#include "scorefield/experiment/order.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/brownian.h"
#include "scorefield/base/error.h"
#include "scorefield/field/gaussian.h"

namespace scorefield {
namespace {

std::vector<double> levels_of(ScheduleOptions schedule, int steps) {
  schedule.steps = steps + 1;
  schedule.end_at_zero = false;
  return noise_levels(schedule);
}

double fitted_slope(std::span<const int> steps, std::span<const double> errors) {
  const auto n = static_cast<double>(steps.size());
  double x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double log_steps = std::log(steps[i]);
    const double log_error = std::log(errors[i]);
    x += log_steps;
    y += log_error;
    xx += log_steps * log_steps;
    xy += log_steps * log_error;
  }
  return -(xy - x * y / n) / (xx - x * x / n);
}

double last_slope_of(std::span<const int> steps, std::span<const double> errors) {
  return fitted_slope(steps.last(2), errors.last(2));
}

/// The path's noise as a combination of independent unit normals, one a piece of the clock between two neighbouring
/// ends of steps: row 1 + k of a batch receives the part of the k-th.
class UnitNormals final : public StepNoise {
 public:
  Rows between(double from, double to) override {
    const double a = position(from);
    const double b = position(to);
    if (!complete_) {
      ends_.insert(ends_.end(), {a, b});
      return Rows(1, 1);
    }
    Rows z(rows(), 1);
    const double sign = a < b ? 1 : -1;
    for (std::size_t k = 0; k + 1 < ends_.size(); ++k) {
      const bool inside = ends_[k] >= std::min(a, b) && ends_[k + 1] <= std::max(a, b);
      if (inside) z(1 + k, 0) = sign * std::sqrt((ends_[k + 1] - ends_[k]) / std::abs(b - a));
    }
    return z;
  }

  Rows fresh(double /*sigma*/, std::uint64_t /*number*/) override {
    if (!complete_) {
      ++fresh_;
      return Rows(1, 1);
    }
    Rows z(rows(), 1);
    z(rows() - fresh_ + used_++, 0) = 1;
    return z;
  }

  /// After a run that showed which stretches are asked for.
  void complete() {
    std::ranges::sort(ends_);
    ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
    complete_ = true;
  }
  /// The start, the pieces and the fresh normals.
  std::size_t rows() const { return 1 + (ends_.empty() ? 0 : ends_.size() - 1) + fresh_; }

 private:
  static double position(double sigma) { return BrownianPath::duration(1e-12, sigma); }
  bool complete_ = false;
  std::vector<double> ends_;  // on the clock, ascending once complete
  std::size_t fresh_ = 0;
  std::size_t used_ = 0;
};

double final_variance(const SamplerEntry& sampler, const SamplerOptions& options, double v,
                      const std::vector<double>& levels, const Process* process) {
  const Gaussian field({0.0}, Covariance::isotropic(1, v));
  UnitNormals noise;
  Sampling sampling{.field = field, .sampler = sampler, .levels = levels, .process = process, .options = options};
  sampling.step_noise = &noise;
  const auto run = [&](std::size_t rows) {
    Rows start(rows, 1);
    start(0, 0) = 1;
    return sample_from(sampling, {&start, 1}, std::vector<std::uint64_t>(rows, 0), {}, nullptr, {}).x;
  };
  run(1);
  noise.complete();
  const Rows end = run(noise.rows());
  double variance = end(0, 0) * end(0, 0) * (v + levels[0] * levels[0]);
  for (std::size_t k = 1; k < end.rows(); ++k) variance += end(k, 0) * end(k, 0);
  return variance;
}

void check_steps(const std::vector<int>& steps) {
  if (steps.size() < 2 || steps[0] < 1 || std::ranges::adjacent_find(steps, std::greater_equal<>()) != steps.end()) {
    throw Error("an order is measured at two or more step counts, ascending and above 0");
  }
}

}  // namespace

OrderStudy::OrderStudy(OrderProblem problem, const OrderReference& reference, const Context& context)
    : problem_(std::move(problem)), context_(context) {
  check_steps(problem_.steps);
  if (problem_.seeds.size() < 2 * kOrderBlocks) {
    throw Error(
        fmt::format("an order is measured on at least {} seeds, got {}", 2 * kOrderBlocks, problem_.seeds.size()));
  }
  ScheduleOptions equal = problem_.schedule;
  equal.name = "logsnr";
  reference_ = ends(reference.sampler, reference.options, levels_of(equal, reference.steps));
}

Rows OrderStudy::ends(const SamplerEntry& sampler, const SamplerOptions& options,
                      const std::vector<double>& levels) const {
  return sample({.field = problem_.field,
                 .sampler = sampler,
                 .levels = levels,
                 .process = problem_.process,
                 .start = Start::kExact,
                 .options = options},
                problem_.seeds, {}, nullptr, context_)
      .x;
}

MeasuredOrder OrderStudy::measure(
    const SamplerEntry& sampler, const SamplerOptions& options,
    const std::function<double(std::span<const double>, std::span<const double>)>& error_of) const {
  MeasuredOrder order;
  order.steps = problem_.steps;
  const std::size_t seeds = problem_.seeds.size();
  std::vector<std::vector<double>> without(kOrderBlocks);  // errors by step count, one block of seeds left out
  for (const int steps : problem_.steps) {
    const Rows x = ends(sampler, options, levels_of(problem_.schedule, steps));
    std::vector<double> sums(kOrderBlocks);
    std::vector<std::size_t> counts(kOrderBlocks);
    double sum = 0;
    for (std::size_t i = 0; i < seeds; ++i) {
      const double error = error_of(x[i], reference_[i]);
      sum += error;
      sums[i * kOrderBlocks / seeds] += error;
      ++counts[i * kOrderBlocks / seeds];
    }
    order.errors.push_back(std::abs(sum) / static_cast<double>(seeds));
    for (std::size_t b = 0; b < kOrderBlocks; ++b) {
      without[b].push_back(std::abs(sum - sums[b]) / static_cast<double>(seeds - counts[b]));
    }
  }
  order.slope = fitted_slope(order.steps, order.errors);
  order.last_slope = last_slope_of(order.steps, order.errors);
  const auto jackknife = [&](const auto& slope_of) {
    double mean = 0;
    for (const auto& errors : without) mean += slope_of(order.steps, errors) / kOrderBlocks;
    double square = 0;
    for (const auto& errors : without) square += std::pow(slope_of(order.steps, errors) - mean, 2);
    return std::sqrt(square * (kOrderBlocks - 1) / kOrderBlocks);
  };
  order.standard_error = jackknife(fitted_slope);
  order.last_standard_error = jackknife(last_slope_of);
  return order;
}

MeasuredOrder OrderStudy::strong(const SamplerEntry& sampler, const SamplerOptions& options) const {
  return measure(sampler, options, [](std::span<const double> x, std::span<const double> reference) {
    double square = 0;
    for (std::size_t k = 0; k < x.size(); ++k) square += (x[k] - reference[k]) * (x[k] - reference[k]);
    return std::sqrt(square);
  });
}

MeasuredOrder OrderStudy::weak(const SamplerEntry& sampler, const SamplerOptions& options) const {
  const std::span<const double> mean = problem_.field.mean();
  return measure(sampler, options, [&](std::span<const double> x, std::span<const double> reference) {
    double difference = 0;
    for (std::size_t k = 0; k < x.size(); ++k) {
      difference += (x[k] - reference[k]) * (x[k] + reference[k] - 2 * mean[k]);
    }
    return difference;
  });
}

MeasuredOrder exact_weak_order(const SamplerEntry& sampler, const SamplerOptions& options, double v,
                               const ScheduleOptions& schedule, const Process* process, const std::vector<int>& steps) {
  check_steps(steps);
  MeasuredOrder order;
  order.steps = steps;
  const double exact = v + schedule.sigma_min * schedule.sigma_min;
  for (const int n : steps) {
    const double variance = final_variance(sampler, options, v, levels_of(schedule, n), process);
    order.errors.push_back(std::abs(variance / exact - 1));
  }
  order.slope = fitted_slope(order.steps, order.errors);
  order.last_slope = last_slope_of(order.steps, order.errors);
  return order;
}

}  // namespace scorefield
