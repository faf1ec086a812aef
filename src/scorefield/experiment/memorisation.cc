// The exact reverse process of a finite data set returns its data: every sample is a copy.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scorefield/data/named.h"
#include "scorefield/data/open.h"
#include "scorefield/experiment/claims.h"
#include "scorefield/field/empirical.h"
#include "scorefield/metrics/memorisation.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"
#include "scorefield/sample/sampler.h"

namespace scorefield {
namespace {

/// Root mean square distance to the nearest row, a coordinate, at every level that the run passes.
class DistanceObserver final : public Observer {
 public:
  DistanceObserver(const Dataset& data, const Context& context) : data_(data), context_(context) {}
  const Request& request() const override { return request_; }
  void observe(const Observation& observation) override {
    const NearestTwo nearest = nearest_two(data_, observation.x, context_);
    sigma.push_back(observation.sigma);
    distance.push_back(rms(nearest, data_.dimension()));
  }
  static double rms(const NearestTwo& nearest, std::size_t dimension) {
    const double square = std::inner_product(nearest.d1.begin(), nearest.d1.end(), nearest.d1.begin(), 0.0);
    return std::sqrt(square / static_cast<double>(nearest.size() * dimension));
  }

  std::vector<double> sigma;
  std::vector<double> distance;

 private:
  const Dataset& data_;
  const Context& context_;
  Request request_;
};

struct Ends {
  Rows x;
  NearestTwo nearest;
  Copies copies;
};

/// Samples of the posterior sampler from N(0, 80^2 I), stopped at sigma_min.
Ends run_to(double sigma_min, int steps, std::size_t count, const Empirical& field, Observer* observer,
            const Context& context) {
  ScheduleOptions schedule;
  schedule.steps = steps;
  schedule.sigma_min = sigma_min;
  schedule.end_at_zero = false;
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 0);
  Ends ends;
  ends.x = sample({.field = field, .sampler = find_sampler("posterior"), .levels = noise_levels(schedule)}, seeds, {},
                  observer, context)
               .x;
  ends.nearest = nearest_two(field.data(), ends.x.view(), context);
  ends.copies = find_copies(fit_copy_rule(field.data(), 0, context), ends.nearest);
  return ends;
}

Check all_are_copies(const Copies& copies) {
  return {fmt::format("share of copies among {} samples", copies.share.total), copies.share.value, 0, 1, 0,
          "the support of the end is the data set: every sample is a copy"};
}

/// How far the last step to sigma = 0, which returns D, is from the nearest row.
Check last_step(const Ends& ends, double sigma, const Empirical& field, double tolerance, const std::string& reason,
                const Context& context) {
  const Rows denoised = field.ask(ends.x.view(), std::span(&sigma, 1), {}, {}, context).denoised;
  const NearestTwo nearest = nearest_two(field.data(), denoised.view(), context);
  return {"largest distance to the nearest row after the last step to 0",
          *std::max_element(nearest.d1.begin(), nearest.d1.end()),
          0,
          0,
          tolerance,
          reason};
}

Findings measure_points(const Context& context) {
  constexpr std::size_t kSamples = 4000;
  constexpr double kStop = 1e-4;  // Ornstein-Uhlenbeck time
  const Dataset data = open_dataset("13-points", {}, context);
  EmpiricalOptions options;
  options.precision = Precision::kPrecise;
  const Empirical field(data, options, context);
  const Marginal stop = make_ou()->at(kStop);
  DistanceObserver observer(data, context);
  const Ends ends = run_to(stop.sigma, 60, kSamples, field, &observer, context);

  Findings findings;
  findings.checks.push_back(all_are_copies(ends.copies));
  // In Ornstein-Uhlenbeck coordinates the sample is s x and the datum it noises s x_i.
  const double distance = stop.scale * DistanceObserver::rms(ends.nearest, 2);
  const double predicted = std::sqrt(-std::expm1(-2 * kStop));
  const double error = predicted / std::sqrt(2.0 * kSamples * 2);
  findings.checks.push_back({"rms distance to the nearest datum, a coordinate, at t = 1e-4", distance, error, predicted,
                             3 * error, "sqrt(1 - exp(-2 t)); three standard errors of 8000 normal coordinates"});
  findings.checks.push_back(
      last_step(ends, stop.sigma, field, 1e-12, "the other weights are below exp(-100): rounding only", context));

  observer.sigma.push_back(stop.sigma);
  observer.distance.push_back(DistanceObserver::rms(ends.nearest, 2));
  Table table{"Along the run: rms distance to the nearest of the 13 points, a coordinate", {"sigma", "distance"}, {}};
  for (std::size_t i = 0; i < observer.sigma.size(); ++i) {
    table.rows.push_back({observer.sigma[i], observer.distance[i]});
  }
  findings.tables.push_back(std::move(table));
  Panel panel;
  panel.x = {.label = "noise level σ [data units]", .scale = Scale::kLog, .reversed = true};
  panel.y = {.label = "rms distance a coordinate [data units]", .scale = Scale::kLog};
  Series measured;
  measured.name = "to the nearest datum";
  measured.x = observer.sigma;
  measured.y = observer.distance;
  measured.mark = Mark::kLinePoints;
  Series line;
  line.name = "σ: noise about one datum";
  line.x = line.y = observer.sigma;
  line.dashed = true;
  panel.series = {std::move(measured), std::move(line)};
  Figure figure;
  figure.title = "Samples fall onto the data";
  figure.panels.push_back(std::move(panel));
  findings.figures.push_back({"memorisation", std::move(figure)});
  return findings;
}

Findings measure_images(const Context& context) {
  constexpr std::size_t kSamples = 64;
  constexpr double kStop = 0.01;
  Findings findings;
  findings.missing = missing_files("fashion-mnist");
  if (!findings.missing.empty()) return findings;
  const Dataset data = open_dataset("fashion-mnist", {}, context);
  const Empirical field(data, {}, context);
  const Ends ends = run_to(kStop, 24, kSamples, field, nullptr, context);
  const auto d = static_cast<double>(data.dimension());
  const double error = kStop / std::sqrt(2.0 * kSamples * d);
  findings.checks = {
      all_are_copies(ends.copies),
      {"rms distance to the nearest training image, a pixel, at sigma = 0.01",
       DistanceObserver::rms(ends.nearest, data.dimension()), error, kStop, 3 * error,
       "sigma itself: about one datum the posterior step keeps the variance sigma^2; three standard errors of 50176 "
       "normal pixels"},
      last_step(ends, kStop, field, 5e-6 * kStop * std::sqrt(d), "the bound that the fast kernel states", context),
  };
  return findings;
}

}  // namespace

Claim memorisation_claim() {
  return {
      "memorisation",
      "The minimiser of the denoising loss over a finite data set generates that data set: at remaining time t every "
      "sample is a datum with noise of sqrt(1 - exp(-2t)) a coordinate.",
      "Cao, Johnston, Laurent, Le, Motsch 2025 (arXiv 2501.17054), explicit minimiser and support of the reverse "
      "flow; docs/theory/reverse-process.md, 5",
      "4000 samples of 13 points in the plane by the library's posterior sampler, 60 noise levels from 80 down to "
      "t = 1e-4; copies by the library's rule.",
      measure_points};
}

Claim memorisation_images_claim() {
  return {
      "memorisation-fashion-mnist",
      "The same on real images: every sample of the exact reverse process of Fashion-MNIST's 60000 training images is "
      "one of them, with noise sigma a pixel.",
      "Cao, Johnston, Laurent, Le, Motsch 2025 (arXiv 2501.17054); docs/theory/reverse-process.md, 5",
      "64 samples by the library's posterior sampler, 24 noise levels from 80 down to 0.01; copies by the library's "
      "rule.",
      measure_images};
}

}  // namespace scorefield
