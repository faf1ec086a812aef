// x0, eps, score, v and velocity are one prediction: the same ELBO terms, means of the reverse step, and samples.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "scorefield/experiment/claims.h"
#include "scorefield/experiment/mixture_field.h"
#include "scorefield/experiment/predicted_field.h"
#include "scorefield/experiment/prediction_forms.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/sample.h"

namespace scorefield {
namespace {

constexpr std::string_view kMixture = "mixture:d=8,modes=5,rank=3,noise=0.2";
constexpr const char* kDdpm = "ddpm:100,1e-3,0.2";
constexpr std::size_t kRows = 64;

std::vector<std::uint64_t> first_seeds(std::size_t count) {
  std::vector<std::uint64_t> seeds(count);
  std::iota(seeds.begin(), seeds.end(), 0);
  return seeds;
}

double largest_difference(const Rows& a, const Rows& b) {
  double largest = 0;
  for (std::size_t k = 0; k < a.values().size(); ++k) {
    largest = std::max(largest, std::abs(a.values()[k] - b.values()[k]));
  }
  return largest;
}

/// The times of a process that its terms are measured at, descending.
std::vector<double> times_of(const Process& process) {
  std::vector<double> times;
  if (process.name() == "ddpm") {
    for (int k = 99; k >= 0; --k) times.push_back(k);
    return times;
  }
  ScheduleOptions schedule;
  schedule.name = "logsnr";
  schedule.steps = 24;
  schedule.sigma_min = 0.02;
  schedule.sigma_max = 40;
  schedule.end_at_zero = false;
  for (const double sigma : noise_levels(schedule)) times.push_back(process.time_of(sigma));
  return times;
}

/// KL(q(x_s|x_t,x_0) || p(x_s|x_t)) summed over rows, at one t, by every form that there is.
struct Terms {
  double direct = 0;               // the two Gaussians, mean by D
  std::vector<double> of_mean;     // the two Gaussians, mean by the formula of each prediction
  std::vector<double> of_loss;     // weight |predicted - true|^2 of each prediction
  std::vector<double> round_trip;  // the two Gaussians, mean by D -> prediction -> D
};

Terms terms_at(const GaussianMixture& field, const Marginal& to, const Marginal& from, const Context& context) {
  const std::size_t d = field.dimension();
  const auto seeds = first_seeds(kRows);
  const Rows noise = initial_noise(seeds, d);
  Rows clean(kRows, d);
  Rows state(kRows, d);  // VE frame
  for (std::size_t i = 0; i < kRows; ++i) {
    field.draw(seeds[i], -1, clean[i]);
    for (std::size_t k = 0; k < d; ++k) state(i, k) = clean(i, k) + from.sigma * noise(i, k);
  }
  const Rows denoised = field.ask(state.view(), std::span(&from.sigma, 1), {}, {}, context).denoised;
  const ReverseStep step(to, from);
  Terms terms;
  for (const Prediction prediction : kPredictions) {
    const Conversion forth(Prediction::kDenoised, prediction, from);
    const Conversion back(prediction, Prediction::kDenoised, from);
    const double weight = loss_weight(prediction, to, from);
    double of_mean = 0;
    double of_loss = 0;
    double round_trip = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      for (std::size_t k = 0; k < d; ++k) {
        const double x = from.scale * state(i, k);
        const double true_mean = step.mean(Prediction::kDenoised, x, clean(i, k));
        const double predicted = forth(x, denoised(i, k));
        const double off = predicted - target(prediction, from, clean(i, k), noise(i, k));
        of_loss += weight * off * off;
        of_mean += step.divergence(true_mean, step.mean(prediction, x, predicted));
        round_trip += step.divergence(true_mean, step.mean(Prediction::kDenoised, x, back(x, predicted)));
        if (prediction == Prediction::kDenoised) {
          terms.direct += step.divergence(true_mean, step.mean(prediction, x, denoised(i, k)));
        }
      }
    }
    terms.of_mean.push_back(of_mean);
    terms.of_loss.push_back(of_loss);
    terms.round_trip.push_back(round_trip);
  }
  return terms;
}

/// Every process and level: how far each form is from the direct one.
void measure_losses(const GaussianMixture& field, Findings& findings, const Context& context) {
  std::vector<double> of_loss(kPredictions.size());
  std::vector<double> of_mean(kPredictions.size());
  double round_trip = 0;
  Table table{"KL_t of ddpm's steps, nats a row: the two Gaussians, and the weighted losses", {"t", "sigma", "KL"}, {}};
  for (const Prediction p : kPredictions) table.columns.emplace_back(prediction_name(p));
  Panel panel{.title = "KL of a step t → t − 1 of 100, one term of the ELBO",
              .x = {.label = "noise level σ [data units]", .scale = Scale::kLog, .reversed = true},
              .y = {.label = "nats a row", .scale = Scale::kLog}};
  Series direct;
  direct.name = "two Gaussians";
  std::vector<Series> losses(kPredictions.size());
  for (const char* name : {kDdpm, "vp", "ou", "cosine", "flow", "edm"}) {
    const auto process = make_process(name);
    const bool is_ddpm = process->name() == "ddpm";
    const std::vector<double> times = times_of(*process);
    for (std::size_t n = 0; n + 1 < times.size(); ++n) {
      const Marginal from = process->at(times[n]);
      const Terms terms = terms_at(field, process->at(times[n + 1]), from, context);
      std::vector<double> row = {times[n], from.sigma, terms.direct / kRows};
      for (std::size_t p = 0; p < kPredictions.size(); ++p) {
        of_loss[p] = std::max(of_loss[p], std::abs(terms.of_loss[p] / terms.direct - 1));
        of_mean[p] = std::max(of_mean[p], std::abs(terms.of_mean[p] / terms.direct - 1));
        round_trip = std::max(round_trip, std::abs(terms.round_trip[p] / terms.direct - 1));
        row.push_back(terms.of_loss[p] / kRows);
        if (is_ddpm && n % 7 == p) {  // each prediction's points apart: they would cover each other
          losses[p].x.push_back(from.sigma);
          losses[p].y.push_back(row.back());
        }
      }
      if (!is_ddpm) continue;
      direct.x.push_back(from.sigma);
      direct.y.push_back(row[2]);
      if (n % 9 == 0) table.rows.push_back(std::move(row));
    }
  }
  const char* const reason =
      "equal in exact arithmetic. A mean of size |x| carries a few roundings, a loss is of a difference that is down "
      "to "
      "1e-2 of that: ten times 2e-16/1e-2, doubled by the square";
  for (std::size_t p = 0; p < kPredictions.size(); ++p) {
    findings.checks.push_back(
        {fmt::format("KL_t by the weighted loss of {}: largest relative difference", prediction_name(kPredictions[p])),
         of_loss[p], 0, 0, 1e-12, reason});
  }
  for (std::size_t p = 0; p < kPredictions.size(); ++p) {
    if (kPredictions[p] == Prediction::kDenoised) continue;  // the direct one itself
    findings.checks.push_back(
        {fmt::format("KL_t with the mean by {}: largest relative difference", prediction_name(kPredictions[p])),
         of_mean[p], 0, 0, 1e-12, reason});
  }
  findings.checks.push_back(
      {"KL_t with D read back from each prediction: largest relative difference", round_trip, 0, 0, 1e-12, reason});
  findings.tables.push_back(std::move(table));
  panel.series = {std::move(direct)};
  for (std::size_t p = 0; p < kPredictions.size(); ++p) {
    losses[p].name = fmt::format("by the loss of {}", prediction_name(kPredictions[p]));
    losses[p].mark = Mark::kPoints;
    panel.series.push_back(std::move(losses[p]));
  }
  findings.figures.push_back({"parametrisations", {.panels = {std::move(panel)}}});
}

/// DDPM's chain in its own coordinates, each step from the mean that its prediction's formula gives.
Rows ancestral(Prediction prediction, const GaussianMixture& field, const Process& ddpm, std::span<const double> times,
               std::span<const Rows> noise, const Context& context) {
  Rows x = noise[0];
  for (std::size_t n = 0; n + 1 < times.size(); ++n) {
    const Marginal from = ddpm.at(times[n]);
    const ReverseStep step(ddpm.at(times[n + 1]), from);
    Rows state = x;
    for (double& value : state.values()) value /= from.scale;
    const Rows denoised = field.ask(state.view(), std::span(&from.sigma, 1), {}, {}, context).denoised;
    const Conversion forth(Prediction::kDenoised, prediction, from);
    for (std::size_t k = 0; k < x.values().size(); ++k) {
      const double now = x.values()[k];
      x.values()[k] = step.mean(prediction, now, forth(now, denoised.values()[k])) +
                      std::sqrt(step.variance()) * noise[n + 1].values()[k];
    }
  }
  return x;
}

void measure_ancestral(const GaussianMixture& field, double radius, Findings& findings, const Context& context) {
  const auto process = make_process(kDdpm);
  const std::vector<double> times = times_of(*process);
  std::vector<Rows> noise;  // of the start and of every step
  for (std::size_t n = 0; n < times.size(); ++n) {
    std::vector<std::uint64_t> seeds(kRows);
    std::iota(seeds.begin(), seeds.end(), n * kRows);
    noise.push_back(initial_noise(seeds, field.dimension()));
  }
  const Rows by_denoised = ancestral(Prediction::kDenoised, field, *process, times, noise, context);
  double apart = 0;
  for (const Prediction p : kPredictions) {
    apart =
        std::max(apart, largest_difference(by_denoised, ancestral(p, field, *process, times, noise, context)) / radius);
  }
  const char* const reason =
      "100 steps of ten roundings each of states of the data's size; the flow spreads a difference by what the modes "
      "are apart over their width, about ten, and adds no other";
  findings.checks.push_back({"DDPM's samples by the mean of each prediction: largest difference over the data's radius",
                             apart, 0, 0, 1e-12, reason});

  std::vector<double> levels;
  for (const double t : times) levels.push_back(process->at(t).sigma);
  Rows start = noise[0];
  for (double& value : start.values()) value /= process->at(times[0]).scale;
  const std::vector<Rows> states = {start};
  const auto recorded = recorded_noise(std::span<const Rows>(noise).subspan(1));
  Rows end = sample_from({.field = field,
                          .sampler = find_sampler("posterior"),
                          .levels = levels,
                          .process = process.get(),
                          .step_noise = recorded.get()},
                         states, first_seeds(kRows), {}, nullptr, context)
                 .x;
  for (double& value : end.values()) value *= process->at(times.back()).scale;
  findings.checks.push_back({"the same chain by the library's posterior sampler: largest difference over the radius",
                             largest_difference(by_denoised, end) / radius, 0, 0, 1e-12, reason});
}

/// One run of a sampler; of the exact field where nothing else is said.
Rows run(const Field& field, const char* sampler, const Process* process, const Context& context) {
  ScheduleOptions schedule;
  schedule.sigma_max = 40;
  return sample(
             {.field = field, .sampler = find_sampler(sampler), .levels = noise_levels(schedule), .process = process},
             first_seeds(kRows), {}, nullptr, context)
      .x;
}

void measure_samplers(const GaussianMixture& field, double radius, Findings& findings, const Context& context) {
  ScheduleOptions schedule;
  schedule.sigma_max = 40;
  const std::vector<double> levels = noise_levels(schedule);
  double apart = 0;          // of conversions in double
  double single_apart = 0;   // of predictions as float32 networks, against the one that predicts x0
  double single_effect = 0;  // of that one, against double
  for (const char* sampler : {"euler", "heun", "dpmpp2m", "posterior"}) {
    for (const char* name : {"vp", "flow"}) {
      const std::shared_ptr<const Process> process = make_process(name);
      const Rows exact = run(field, sampler, process.get(), context);
      Rows single;
      for (const Prediction p : kPredictions) {
        const PredictedField converted(field, p, process);
        apart = std::max(apart, largest_difference(exact, run(converted, sampler, process.get(), context)) / radius);
        const auto network = field_as_network(field, {prediction_name(p), name, 1}, levels);
        Rows samples = run(*network, sampler, process.get(), context);
        if (p == Prediction::kDenoised) {
          single_effect = std::max(single_effect, largest_difference(exact, samples) / radius);
          single = std::move(samples);
        } else {
          single_apart = std::max(single_apart, largest_difference(single, samples) / radius);
        }
      }
    }
  }
  findings.checks.push_back(
      {"samples by each prediction, converted in double: largest difference over the radius", apart, 0, 0, 1e-12,
       "euler, heun, dpmpp2m and posterior, 18 levels, in the coordinates of vp and of flow: some "
       "hundred roundings, spread by the flow about tenfold"});
  findings.checks.push_back(
      {"samples by a float32 network that predicts x0, against double: largest difference over the radius",
       single_effect, 0, 0, 2e-5, "6e-8 at each of 35 evaluations, spread by the flow about tenfold"});
  findings.checks.push_back(
      {"samples by each prediction as a float32 network, against that one: largest difference over the radius",
       single_apart, 0, 0, 10 * single_effect + 1e-6,
       fmt::format(
           "float32 input and output (6e-8) of a network that predicts x0 move samples by {:.1e} of the radius; "
           "of the others, whose output is scaled by sigma or 1/sigma, by a few times that",
           single_effect)});
}

Findings measure(const Context& context) {
  const GaussianMixture field = mixture_field(kMixture, context);
  const double radius = std::sqrt(field.variance());
  Findings findings;
  measure_losses(field, findings, context);
  measure_ancestral(field, radius, findings, context);
  measure_samplers(field, radius, findings, context);
  return findings;
}

}  // namespace

Claim parametrisations_claim() {
  return {
      "parametrisations",
      "Predicting x_0, the noise or the score is one thing: with their weights the losses are the same term of the "
      "ELBO, and samples are the same (v and flow velocity too).",
      "Luo 2022 (arXiv 2208.11970), equations 99, 108-110, 125, 130, 148; docs/theory/parametrisations.md",
      "The exact field of an 8-dimensional mixture, turned into each prediction and back: KL of the reverse step by "
      "the two Gaussians against the weighted losses, in six processes; DDPM's chain from each prediction's own "
      "mean; four samplers, also with the prediction in the place of a float32 network.",
      measure};
}

}  // namespace scorefield
