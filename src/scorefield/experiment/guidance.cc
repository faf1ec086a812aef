// Classifier guidance, classifier-free guidance and the class itself are one field at scale 1; at other scales guided
// samples are not those of p(x) p(y|x)^g.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "scorefield/base/random.h"
#include "scorefield/data/named.h"
#include "scorefield/data/open.h"
#include "scorefield/data/synthetic.h"
#include "scorefield/experiment/claims.h"
#include "scorefield/field/empirical.h"
#include "scorefield/field/guidance.h"
#include "scorefield/field/synthetic_law.h"
#include "scorefield/process/schedule.h"
#include "scorefield/sample/guidance_pictures.h"
#include "scorefield/sample/guidance_sweep.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr int kLabel = 1;
/// Four components a class; those of class 1 lie among the others.
constexpr const char* kMixture = "mixture:d=2,modes=12,classes=3,rank=2,noise=0.1,spread=2,sd=0.7,truth=1";
/// Three components a class, at the rim.
constexpr const char* kRimMixture = "mixture:d=2,modes=9,classes=3,rank=2,noise=0.1,spread=2";
constexpr std::size_t kSamples = 8000;
constexpr int kSteps = 40;
constexpr double kShift = 0x1p-20;  // of a scale, beside 1
constexpr double kClear = 5;        // standard errors that make a difference clear

/// Draws of the field's law noised to sigma, a row a seed. [count, d].
Rows noised_draws(const Field& field, double sigma, std::size_t count) {
  Rows x(count, field.dimension());
  std::vector<double> noise(field.dimension());
  for (std::size_t i = 0; i < count; ++i) {
    field.draw(i, -1, x[i]);
    RandomStream(i, Purpose::kInitialNoise).normals(noise);
    for (std::size_t k = 0; k < noise.size(); ++k) x(i, k) += sigma * noise[k];
  }
  return x;
}

double largest_difference(const Rows& a, const Rows& b) {
  double largest = 0;
  for (std::size_t k = 0; k < a.values().size(); ++k) {
    largest = std::max(largest, std::abs(a.values()[k] - b.values()[k]));
  }
  return largest;
}

/// The largest differences from D of the class, over states at several noise levels.
struct FieldDifferences {
  double classifier_free = 0;
  double beside = 0;  // of classifier-free guidance at scale 1 + kShift
  double classifier = 0;
  double all_rows = 0;  // of D of all classes: what there is to tell apart
};

FieldDifferences compare_fields(const Field& field, const ClassLikelihood& classes, std::span<const double> sigmas,
                                std::size_t count, const Context& context) {
  const Guided free(field, {field}, {});
  const Guided beside(field, {field}, {.scale = 1 + kShift});
  const ClassifierGuided classified(field, classes, {});
  FieldDifferences largest;
  for (const double sigma : sigmas) {
    const Rows x = noised_draws(field, sigma, count);
    const auto ask = [&](const Field& asked, int label) {
      return asked.ask(x.view(), {&sigma, 1}, {&label, 1}, {}, context).denoised;
    };
    const Rows own = ask(field, kLabel);
    largest.classifier_free = std::max(largest.classifier_free, largest_difference(ask(free, kLabel), own));
    largest.beside = std::max(largest.beside, largest_difference(ask(beside, kLabel), own));
    largest.classifier = std::max(largest.classifier, largest_difference(ask(classified, kLabel), own));
    largest.all_rows = std::max(largest.all_rows, largest_difference(ask(field, -1), own));
  }
  return largest;
}

void add_field_checks(Findings& findings, const std::string& what, const FieldDifferences& largest, double tolerance,
                      const std::string& reason) {
  findings.checks.push_back({what + ": largest |D - D_class| of classifier-free guidance at scale 1",
                             largest.classifier_free, 0, 0, 0, "the same answer"});
  // Values below 10 are rounded by at most 1e-15, in a handful of operations.
  findings.checks.push_back({what + ": the same at scale 1 + 2^-20, over the largest |D - D_class| of all classes' D",
                             largest.beside / largest.all_rows, 0, kShift, 1e-14 / largest.all_rows,
                             "D_class + 2^-20 (D_class - D)"});
  findings.checks.push_back({what + ": the same of classifier guidance at scale 1", largest.classifier, 0, 0, tolerance,
                             reason + fmt::format("; D of all classes is up to {:.3g} away", largest.all_rows)});
}

/// Largest error of sigma^2 grad log p(y|x) = D_y - D, the gradient by differences of log p(y|x), as a share of sigma.
double gradient_error(const GaussianMixture& law, const ClassLikelihood& classes, const Context& context) {
  double largest = 0;
  for (const double sigma : {0.3, 1.0, 3.0, 10.0}) {
    const Rows x = noised_draws(law, sigma, 50);
    const auto ask = [&](int label) { return law.ask(x.view(), {&sigma, 1}, {&label, 1}, {}, context).denoised; };
    const Rows own = ask(kLabel);
    const Rows all = ask(-1);
    const double h = 1e-3 * sigma;
    for (std::size_t k = 0; k < x.cols(); ++k) {
      const auto log_probability = [&](double shift) {
        Rows moved = x;
        for (std::size_t i = 0; i < x.rows(); ++i) moved(i, k) += shift;
        return classes.ask(moved.view(), {&sigma, 1}, {}, context).log_probability;
      };
      const Rows one = log_probability(h);
      const Rows back = log_probability(-h);
      const Rows two = log_probability(2 * h);
      const Rows far_back = log_probability(-2 * h);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        const double slope =
            (8 * (one(i, kLabel) - back(i, kLabel)) - (two(i, kLabel) - far_back(i, kLabel))) / (12 * h);
        largest = std::max(largest, std::abs(sigma * sigma * slope - (own(i, k) - all(i, k))) / sigma);
      }
    }
  }
  return largest;
}

/// Samples from the very start of the flow, sigma = inf, where D is exact.
std::vector<double> levels_from_infinity(int steps) {
  ScheduleOptions schedule;
  schedule.steps = steps;
  std::vector<double> levels = noise_levels(schedule);
  levels.insert(levels.begin(), kInf);
  return levels;
}

GuidanceReport sweep(const Dataset& data, const GaussianMixture* law, const Field& field,
                     std::span<const double> scales, std::size_t samples, int steps, const Context& context) {
  std::vector<std::unique_ptr<const Field>> fields;
  std::vector<GuidanceTrial> trials;
  for (const double scale : scales) {
    fields.push_back(std::make_unique<Guided>(field, Guide{field}, GuidanceScale{.scale = scale}));
    trials.push_back({scale, *fields.back()});
  }
  const std::vector<double> levels = levels_from_infinity(steps);
  std::vector<std::uint64_t> seeds(samples);
  std::iota(seeds.begin(), seeds.end(), 0);
  return sweep_guidance({.data = data,
                         .law = law,
                         .label = kLabel,
                         .trials = trials,
                         .sampling = {.field = field, .sampler = find_sampler("heun"), .levels = levels},
                         .seeds = seeds},
                        context);
}

/// How often the spread moves one way from scale to scale, each time by three standard errors of the difference. The
/// samples of two scales have the same noise, so that their errors are no larger than if they were independent.
double clear_steps(const GuidanceReport& report, std::size_t first, double sign) {
  double count = 0;
  for (std::size_t i = first; i + 1 < report.results.size(); ++i) {
    const Estimate& a = report.results[i].spread;
    const Estimate& b = report.results[i + 1].spread;
    if (sign * (b.value - a.value) > 3 * std::hypot(a.standard_error, b.standard_error)) ++count;
  }
  return count;
}

double is_clearly_less(const Estimate& a, const Estimate& b) {
  return b.value - a.value > kClear * std::hypot(a.standard_error, b.standard_error) ? 1 : 0;
}

/// How far the total variation is over that of exact samples, in standard errors.
double excess(const GuidanceResult& result) {
  return (result.tilted->value - result.exact_tilted.mean) / result.exact_tilted.deviation;
}

Table sweep_table(const std::string& title, const GuidanceReport& report) {
  Table table{title,
              {"g", "of the class", "tr Cov", "standard error", "modes hit", "TV to p(x) p(y|x)^g", "standard error",
               "TV of exact samples", "deviation"},
              {}};
  for (const GuidanceResult& r : report.results) {
    const Estimate tilted = r.tilted.value_or(Estimate{std::nan(""), std::nan("")});
    const SampleVariation exact = r.tilted ? r.exact_tilted : SampleVariation{std::nan(""), std::nan("")};
    table.rows.push_back({r.scale, r.pure.value, r.spread.value, r.spread.standard_error, r.modes.value, tilted.value,
                          tilted.standard_error, exact.mean, exact.deviation});
  }
  return table;
}

void add_law_checks(Findings& findings, const GuidanceReport& report) {
  for (const std::size_t i : {0u, 1u}) {
    const GuidanceResult& r = report.results[i];
    findings.checks.push_back(
        {fmt::format("TV of samples at g = {:g} to {} on a grid", r.scale, i == 0 ? "p(x)" : "p(x|y)"), r.tilted->value,
         r.tilted->standard_error, r.exact_tilted.mean, 3 * r.exact_tilted.deviation + 0.01,
         "what as many exact samples show, 3 standard deviations; 0.01 for the solver's steps and "
         "the last noise"});
  }
  findings.checks.push_back({"tr Cov at g = 1", report.results[1].spread.value, report.results[1].spread.standard_error,
                             report.reference.spread,
                             3 * report.results[1].spread.standard_error + 0.01 * report.reference.spread,
                             "that of the class; three standard errors, and a hundredth for the solver's steps"});
  double clear = 0;
  for (std::size_t i = 2; i < report.results.size(); ++i) clear += excess(report.results[i]) > kClear ? 1 : 0;
  findings.checks.push_back({"scales over 1 whose samples are clearly not of p(x) p(y|x)^g", clear, 0,
                             static_cast<double>(report.results.size() - 2), 0,
                             "all; TV over that of exact samples by 5 of its standard deviations"});
}

Findings measure_mixture(const Context& context) {
  Findings findings;
  const SyntheticData made = make_synthetic(kMixture, context);
  const GaussianMixture law = synthetic_law(made.truth);
  const ExactClassLikelihood classes(law, law.class_probabilities());
  constexpr double kSigmas[] = {0.01, 0.1, 0.5, 2, 10, 80};
  add_field_checks(
      findings, "mixture", compare_fields(law, classes, kSigmas, 200, context), 1e-12,
      "classes within 40 nats of the likeliest count, their log densities of at most 100 are rounded by 1e-14, "
      "times differences of class means of 10");
  findings.checks.push_back({"largest error of sigma^2 grad log p(y|x) = D_y - D, per sigma",
                             gradient_error(law, classes, context), 0, 0, 1e-7,
                             "five-point differences with h = sigma/1000: truncation h^4 times a fifth derivative of "
                             "100/sigma^5, rounding 1e-12/h"});

  constexpr double kScales[] = {0, 1, 1.5, 2, 3, 4};
  const GuidanceReport report = sweep(made.data, &law, law, kScales, kSamples, kSteps, context);
  add_law_checks(findings, report);
  findings.checks.push_back({"falls of tr Cov from g = 1 to 1.5, 2, 3, 4", clear_steps(report, 1, -1), 0, 4, 0,
                             "each by three standard errors"});
  constexpr double kTwo[] = {2};
  const GuidanceReport finer = sweep(made.data, &law, law, kTwo, kSamples, 2 * kSteps, context);
  const Estimate& coarse = *report.results[3].tilted;
  const double error = std::hypot(coarse.standard_error, finer.results[0].tilted->standard_error);
  findings.checks.push_back({"TV at g = 2 with twice the steps", finer.results[0].tilted->value, error, coarse.value,
                             3 * error, "that with 40 steps: it is not the solver; three standard errors"});

  const SyntheticData rim = make_synthetic(kRimMixture, context);
  const GaussianMixture rim_law = synthetic_law(rim.truth);
  constexpr double kRimScales[] = {1, 2};
  const GuidanceReport rim_report = sweep(rim.data, &rim_law, rim_law, kRimScales, kSamples / 2, kSteps, context);
  findings.checks.push_back({"rises of tr Cov from g = 1 to 2 where the class lies at the rim",
                             clear_steps(rim_report, 0, 1), 0, 1, 0,
                             "by three standard errors: less diversity is no law, samples move away from the others"});
  findings.tables.push_back(sweep_table("A class among the others", report));
  findings.tables.push_back(sweep_table("A class at the rim", rim_report));
  findings.figures.push_back({"guidance-curves", guidance_curves(report)});
  findings.figures.push_back({"guidance-samples", guidance_scatter(report)});
  return findings;
}

Findings measure_images(const Context& context) {
  Findings findings;
  findings.missing = missing_files("fashion-mnist");
  if (!findings.missing.empty()) return findings;
  DatasetOptions first;
  first.subset = 2000;
  const Dataset data = open_dataset("fashion-mnist", first, context);
  EmpiricalOptions options;
  options.precision = Precision::kPrecise;
  const Empirical field(data, options, context);
  const ExactClassLikelihood classes(field, field.class_probabilities());
  constexpr double kSigmas[] = {0.1, 0.5, 2, 5, 20, 80};
  add_field_checks(findings, "2000 images", compare_fields(field, classes, kSigmas, 16, context), 1e-8,
                   "the precise field's 1e-12 of log p, which is up to 4500, times class means up to 2 apart a pixel");
  constexpr double kScales[] = {1, 2, 4, 8};
  const GuidanceReport report = sweep(data, nullptr, field, kScales, 256, 24, context);
  const Estimate& one = report.results.front().spread;
  const Estimate& most = report.results.back().spread;
  findings.checks.push_back({"tr Cov at g = 1", one.value, one.standard_error, report.reference.spread,
                             4 * one.standard_error, "that of the class; four standard errors"});
  findings.checks.push_back({"share of samples of the class at g = 1", report.results.front().pure.value, 0, 1, 0,
                             "every sample is a row of the class"});
  findings.checks.push_back({"whether tr Cov is clearly smaller at g = 8 than at g = 1", is_clearly_less(most, one), 0,
                             1, 0, "yes, by five standard errors"});
  findings.checks.push_back({"whether clearly fewer training rows are hit at g = 8 than at g = 1",
                             is_clearly_less(report.results.back().modes, report.results.front().modes), 0, 1, 0,
                             "yes, by five standard errors"});
  findings.tables.push_back(sweep_table("Trousers, 2000 images, 256 samples a scale", report));
  findings.figures.push_back({"guidance-curves", guidance_curves(report)});
  return findings;
}

}  // namespace

Claim guidance_claim() {
  return {
      "guidance",
      "At scale 1 classifier guidance and classifier-free guidance are the class-conditional field, and their "
      "samples the class; with g over 1 samples are purer and, of a class among others, less diverse, and they are "
      "not samples of p(x) p(y|x)^g.",
      "Dhariwal & Nichol 2021 (arXiv 2105.05233); Ho & Salimans 2022 (arXiv 2207.12598), Eq. 6; "
      "docs/theory/guidance.md",
      "A labelled mixture in the plane, 12 components in 3 classes: fields compared at 1200 states; log p(y|x) "
      "differenced; 8000 samples a scale by heun with 40 steps from sigma = inf, their total variation on a grid of "
      "40 x 40 cells to the tilted density, beside that of as many exact samples.",
      measure_mixture};
}

Claim guidance_images_claim() {
  return {
      "guidance-fashion-mnist",
      "The same for the exact field of images: guidance by the class posteriors is guidance away from all rows, "
      "samples at scale 1 are the class, and stronger guidance returns fewer of its rows.",
      "Dhariwal & Nichol 2021 (arXiv 2105.05233); Ho & Salimans 2022 (arXiv 2207.12598); docs/theory/guidance.md",
      "The first 2000 images of Fashion-MNIST in double precision; 256 samples of class 1 (trousers) a scale by heun "
      "with 24 steps from sigma = inf.",
      measure_images};
}

}  // namespace scorefield
