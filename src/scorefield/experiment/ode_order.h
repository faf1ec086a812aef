// How fast ODE samplers' end points converge: their orders, measured.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/sample/sample.h"

namespace scorefield {

/// Where the levels of a run lie between its two ends.
enum class Spacing {
  kUniform,     // equally spaced in sigma
  kPolynomial,  // rho = 7 (Karras et al. 2022)
};

/// What orders are measured on: the flow of a field between two finite noise levels above 0, with `steps` steps and as
/// often twice as many as `halvings` says.
struct FlowProblem {
  const Field& field;
  double sigma_max = 0;
  double sigma_min = 0;
  Spacing spacing = Spacing::kUniform;
  std::vector<std::uint64_t> seeds;
  int steps = 40;
  int halvings = 4;
};

struct OrderCase {
  const SamplerEntry& sampler;
  /// The states of the first Sampler::memory() levels are the flow's own, so that a start of low order does not cap a
  /// multistep method.
  bool exact_start = false;
};

struct OrderMeasurement {
  std::vector<int> steps;
  std::vector<double> errors;  // rms over seeds of the distance of the end point from the flow's, data units
  double order = 0;            // log2 of the ratio of the last two errors
  /// The change of that number at the halving before: the order of a halving is p + c h + O(h^2), so a change of c h/2
  /// is what is left of it.
  double uncertainty = 0;
};

/// One measurement a case, against the classical Runge-Kutta method on a 16 times finer grid. Step counts at which
/// rounding shows (errors below 1e-11 of the largest state) are left out. Throws Error when fewer than three are left.
std::vector<OrderMeasurement> measure_orders(const FlowProblem& problem, std::span<const OrderCase> cases,
                                             const Context& context);

}  // namespace scorefield
