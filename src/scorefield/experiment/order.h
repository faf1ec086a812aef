// The order of a sampler, measured: how its error falls with the number of steps.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"

namespace scorefield {

struct MeasuredOrder {
  std::vector<int> steps;      // ascending
  std::vector<double> errors;  // at each of them
  /// -d log error / d log steps: least squares over all step counts, and between the last two.
  double slope = 0;
  double last_slope = 0;
  /// Of the slopes, by the jackknife over blocks of seeds; 0 where the errors are no estimates.
  double standard_error = 0;
  double last_standard_error = 0;
};

/// What is sampled, between which noise levels, and how often.
struct OrderProblem {
  const Field& field;
  /// Which kind of nodes between sigma_max and sigma_min, where the runs end. A run of n steps has n + 1 levels:
  /// schedule.steps and end_at_zero are not read.
  ScheduleOptions schedule;
  const Process* process = nullptr;  // in whose time to step; null: sigma itself
  std::vector<int> steps;            // counts of steps, ascending, at least two
  std::vector<std::uint64_t> seeds;  // at least 2 kOrderBlocks of them; each starts from the field's exact law
};

inline constexpr std::size_t kOrderBlocks = 16;

/// What stands for the exact solution: a sampler at many steps, equal in log sigma.
struct OrderReference {
  const SamplerEntry& sampler;
  SamplerOptions options;
  int steps = 4096;
};

/// Errors of end points against one reference that starts from the same states and, when it is stochastic, follows the
/// same Brownian paths. Of an ODE sampler against an ODE reference strong() is the usual order of convergence. A
/// reference of order p with R steps, as a sampler of that order errs at n, moves a slope by about
/// log2((1 - (n/R)^p)/(1 - (n/2R)^p)).
class OrderStudy {
 public:
  /// Runs the reference. Throws Error for a problem that makes no measurement, or as sample() does.
  OrderStudy(OrderProblem problem, const OrderReference& reference, const Context& context);

  /// Error E|x_n - x_ref|, data units.
  MeasuredOrder strong(const SamplerEntry& sampler, const SamplerOptions& options) const;
  /// Error |E|x_n - m|^2 - E|x_ref - m|^2|, m the field's mean, data units squared. What both have in common on a path
  /// cancels, so few seeds suffice.
  MeasuredOrder weak(const SamplerEntry& sampler, const SamplerOptions& options) const;

 private:
  Rows ends(const SamplerEntry& sampler, const SamplerOptions& options, const std::vector<double>& levels) const;
  MeasuredOrder measure(const SamplerEntry& sampler, const SamplerOptions& options,
                        const std::function<double(std::span<const double>, std::span<const double>)>& error_of) const;

  OrderProblem problem_;
  const Context& context_;
  Rows reference_;
};

/// Relative error of the variance at sigma_min of N(0, v) in one dimension, exact up to rounding, for samplers that are
/// linear in x where D is, all but predictor-corrector: x_n is a combination of the start and of independent normals,
/// and the sampler itself steps the unit vectors. problem.field and seeds are not used.
MeasuredOrder exact_weak_order(const SamplerEntry& sampler, const SamplerOptions& options, double v,
                               const ScheduleOptions& schedule, const Process* process, const std::vector<int>& steps);

}  // namespace scorefield
