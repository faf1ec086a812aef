#include "scorefield/field/guidance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/field/empirical.h"
#include "scorefield/field/gaussian.h"
#include "scorefield/field/mixture.h"

namespace scorefield {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// 12 components in 3-D, three of each of four classes.
GaussianMixture labelled_mixture() {
  const RandomStream stream(3, Purpose::kTest);
  std::vector<GaussianComponent> components(12);
  for (std::size_t k = 0; k < components.size(); ++k) {
    std::vector<double> mean(3);
    stream.normals(mean, 3 * k);
    components[k] = {.weight = 1 + static_cast<double>(k % 5),
                     .mean = mean,
                     .covariance = Covariance::diagonal({0.1, 0.02 * static_cast<double>(k), 0.3}),
                     .label = static_cast<int>(k % 4)};
  }
  return GaussianMixture(std::move(components));
}

Empirical labelled_rows() {
  std::vector<double> values(60 * 3);
  RandomStream(4, Purpose::kTest).normals(values);
  std::vector<std::int32_t> labels(60);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 7 % 4);
  EmpiricalOptions options;
  options.precision = Precision::kPrecise;
  for (std::size_t i = 0; i < labels.size(); ++i) options.weights.push_back(1 + static_cast<double>(i % 3));
  return {make_dataset<double>("rows", std::move(values), {3}, {}, std::move(labels)), options, {}};
}

Rows states(std::size_t rows, double sigma) {
  Rows x(rows, 3);
  RandomStream(5, Purpose::kTest).normals(x.values());
  for (double& v : x.values()) v *= std::isinf(sigma) ? 1 : 1 + sigma;
  return x;
}

Rows denoised(const Field& field, const Rows& x, double sigma, int label) {
  return field.ask(x.view(), {&sigma, 1}, {&label, 1}, {}, {}).denoised;
}

double largest_difference(const Rows& a, const Rows& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.values().size(); ++i) {
    largest = std::max(largest, std::abs(a.values()[i] - b.values()[i]));
  }
  return largest;
}

bool same_bits(const Rows& a, const Rows& b) {
  return std::ranges::equal(a.values(), b.values());
}

TEST(Guided, IsTheConditionalAtOneAndTheGuideAtZero) {
  const GaussianMixture field = labelled_mixture();
  for (const double sigma : {1e-6, 0.3, 5.0, 1e6, kInf}) {
    const Rows x = states(9, sigma);
    const auto guided = [&](double scale, std::optional<int> label) {
      return denoised(Guided(field, {field, label}, {.scale = scale}), x, sigma, 2);
    };
    EXPECT_TRUE(same_bits(guided(1, -1), denoised(field, x, sigma, 2)));
    EXPECT_TRUE(same_bits(guided(0, -1), denoised(field, x, sigma, -1)));
    EXPECT_TRUE(same_bits(guided(0, 3), denoised(field, x, sigma, 3)));
    // The guide under the query's own label is the field itself: nothing to extrapolate.
    EXPECT_TRUE(same_bits(guided(7, std::nullopt), denoised(field, x, sigma, 2)));
  }
}

TEST(Guided, ExtrapolatesByItsScale) {
  const GaussianMixture field = labelled_mixture();
  for (const double sigma : {0.3, 5.0, kInf}) {
    const Rows x = states(9, sigma);
    const Rows conditional = denoised(field, x, sigma, 2);
    const Rows negative = denoised(field, x, sigma, 0);
    for (const double scale : {-1.5, 0.5, 4.0}) {
      const Rows guided = denoised(Guided(field, {field, 0}, {.scale = scale}), x, sigma, 2);
      for (std::size_t i = 0; i < x.values().size(); ++i) {
        // The weighted mean of Ho & Salimans, (1 + w) D_c - w D_u with w = g - 1, another order of roundings: each of
        // three terms of at most 10 |scale| is off by 1e-16 of it.
        const double w = scale - 1;
        EXPECT_NEAR(guided.values()[i], (1 + w) * conditional.values()[i] - w * negative.values()[i], 1e-13);
      }
    }
  }
}

TEST(Guided, GuidesWithinItsIntervalOnly) {
  const GaussianMixture field = labelled_mixture();
  const Guided everywhere(field, {field}, {.scale = 3});
  const Guided within(field, {field}, {.scale = 3, .sigma_low = 0.5, .sigma_high = 2});
  const std::vector<double> sigmas = {0.4999, 0.5, 1, 2, 2.0001, kInf};
  const std::vector<int> labels = {0, 1, 2, 3, 0, -1};
  const Rows x = states(sigmas.size(), 1);
  const Rows answer = within.ask(x.view(), sigmas, labels, {}, {}).denoised;
  for (std::size_t i = 0; i < sigmas.size(); ++i) {
    Rows one(1, 3);
    std::ranges::copy(x[i], one[0].begin());
    const bool inside = i >= 1 && i <= 3;
    const Rows expected = denoised(inside ? static_cast<const Field&>(everywhere) : field, one, sigmas[i], labels[i]);
    EXPECT_TRUE(std::ranges::equal(answer[i], expected[0])) << sigmas[i];
  }
}

TEST(Guided, WithoutALabelThereIsNothingToGuideTo) {
  const GaussianMixture field = labelled_mixture();
  const Rows x = states(4, 1);
  EXPECT_TRUE(same_bits(denoised(Guided(field, {field}, {.scale = 5}), x, 1, -1), denoised(field, x, 1, -1)));
  const ExactClassLikelihood classes(field, field.class_probabilities());
  const ClassifierGuided guided(field, classes, {.scale = 5});
  EXPECT_TRUE(same_bits(denoised(guided, x, 1, -1), denoised(field, x, 1, -1)));
}

TEST(Guided, TellsDAloneAndRefusesTheRest) {
  const GaussianMixture field = labelled_mixture();
  const Guided guided(field, {field}, {.scale = 2});
  const Rows x = states(1, 1);
  const double sigma = 1;
  EXPECT_THAT(
      [&] {
        guided.ask(x.view(), {&sigma, 1}, {}, {.log_density = true}, {});
      },
      ThrowsMessage<Error>(HasSubstr("log-density")));
  EXPECT_THAT(
      [&] {
        guided.ask(x.view(), {&sigma, 1}, {}, {.posterior = true}, {});
      },
      ThrowsMessage<Error>(HasSubstr("entropy")));
  EXPECT_THAT([&] { denoised(guided, x, 1, 4); }, ThrowsMessage<Error>(HasSubstr("label 4")));
  std::vector<double> out(3);
  EXPECT_THAT([&] { guided.draw(0, 1, out); }, ThrowsMessage<Error>(HasSubstr("cannot draw")));
  EXPECT_THAT([&] { Guided(field, {field}, {.scale = kInf}); }, ThrowsMessage<Error>(HasSubstr("finite")));
  EXPECT_THAT([&] { Guided(field, {field}, {.scale = 2, .sigma_low = 3, .sigma_high = 1}); },
              ThrowsMessage<Error>(HasSubstr("between 3 and 1")));
  const Gaussian flat({0, 0}, Covariance::isotropic(2, 1));
  EXPECT_THAT([&] { Guided(field, {flat}, {}); }, ThrowsMessage<Error>(HasSubstr("dimension 2")));
}

TEST(Guided, AnswersDoNotDependOnBatchOrThreads) {
  const Empirical field = labelled_rows();
  const ExactClassLikelihood classes(field, field.class_probabilities());
  const Guided free(field, {field, 1}, {.scale = 3, .sigma_low = 0.5});
  const ClassifierGuided classified(field, classes, {.scale = 3, .sigma_low = 0.5});
  const std::size_t count = 70;
  const Rows x = states(count, 1);
  std::vector<double> sigmas;
  std::vector<int> labels;
  for (std::size_t i = 0; i < count; ++i) {
    sigmas.push_back(0.1 * static_cast<double>(i + 1));
    labels.push_back(static_cast<int>(i % 5) - 1);
  }
  ThreadPool pool(3);
  Context threads;
  threads.pool = &pool;
  for (const Field* guided : {static_cast<const Field*>(&free), static_cast<const Field*>(&classified)}) {
    const Rows all = guided->ask(x.view(), sigmas, labels, {}, threads).denoised;
    for (std::size_t i = 0; i < count; ++i) {
      const Answer one = guided->ask(x.view().slice(i, 1), {&sigmas[i], 1}, {&labels[i], 1}, {}, {});
      EXPECT_TRUE(std::ranges::equal(one.denoised[0], all[i])) << i;
    }
  }
}

/// Classifier guidance by Bayes' rule over the densities of all classes is classifier-free guidance from the class and
/// from all rows together, which never meets a density: at every scale, as sigma^2 grad log p(y | x) = D_y - D.
void expect_classifier_is_classifier_free(const Field& field, const std::vector<double>& probabilities) {
  const ExactClassLikelihood classes(field, probabilities);
  for (const double sigma : {1e-3, 0.1, 0.7, 3.0, 50.0, 1e6, kInf}) {
    const Rows x = states(20, sigma);
    for (const double scale : {0.0, 1.0, 4.0}) {
      for (const int label : {0, 1, 2, 3}) {
        const Rows by_classifier = denoised(ClassifierGuided(field, classes, {.scale = scale}), x, sigma, label);
        const Rows free = denoised(Guided(field, {field}, {.scale = scale}), x, sigma, label);
        // Class densities are good to 1e-15 of log p, which is about |x|^2/sigma^2 <= 1e7 at sigma = 1e-3; so are the
        // class weights, times differences of class means of at most 10, times the scale.
        const double log_p = 10 / (sigma * sigma) + 10;
        EXPECT_LE(largest_difference(by_classifier, free), 1e-14 * (10 + scale * 10 * log_p)) << sigma << " " << label;
      }
    }
  }
}

TEST(ClassifierGuidance, IsClassifierFreeGuidanceOfAMixture) {
  const GaussianMixture field = labelled_mixture();
  expect_classifier_is_classifier_free(field, field.class_probabilities());
}

TEST(ClassifierGuidance, IsClassifierFreeGuidanceOfRows) {
  const Empirical field = labelled_rows();
  expect_classifier_is_classifier_free(field, field.class_probabilities());
}

TEST(ExactClassLikelihood, ItsShiftIsTheGradientOfItsLogProbability) {
  const GaussianMixture field = labelled_mixture();
  const ExactClassLikelihood classes(field, field.class_probabilities());
  for (const double sigma : {0.3, 1.0, 7.0}) {
    const Rows x = states(6, sigma);
    const std::vector<int> labels = {0, 1, 2, 3, 1, 2};
    const ClassAnswer answer = classes.ask(x.view(), {&sigma, 1}, labels, {});
    for (std::size_t i = 0; i < x.rows(); ++i) {
      double sum = 0;
      for (const double v : answer.log_probability[i]) sum += std::exp(v);
      EXPECT_NEAR(sum, 1, 1e-14);
      for (std::size_t k = 0; k < 3; ++k) {
        const auto f = [&](double shift) {
          Rows moved(1, 3);
          std::ranges::copy(x[i], moved[0].begin());
          moved(0, k) += shift;
          return classes.ask(moved.view(), {&sigma, 1}, {}, {}).log_probability(0, static_cast<std::size_t>(labels[i]));
        };
        // Five points: truncation (h/sigma)^4 times a fifth derivative of order 100/sigma; rounding 1e-15 |log p| / h.
        const double h = 1e-3 * sigma;
        const double slope = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h);
        EXPECT_NEAR(answer.shift(i, k), sigma * sigma * slope, 1e-9 * (1 + sigma)) << sigma;
      }
    }
  }
}

TEST(ExactClassLikelihood, HasTheProbabilitiesOfTheDataWhereNoiseDrownsThem) {
  const Empirical field = labelled_rows();
  const std::vector<double> probabilities = field.class_probabilities();
  // By hand: weights 1 + i % 3 over rows i with i % 7 % 4 = c.
  std::vector<double> expected(4);
  for (std::size_t i = 0; i < 60; ++i) expected[i % 7 % 4] += (1 + static_cast<double>(i % 3)) / 120;
  const ExactClassLikelihood classes(field, probabilities);
  const Rows x = states(1, kInf);
  const ClassAnswer answer = classes.ask(x.view(), {&kInf, 1}, {}, {});
  EXPECT_TRUE(answer.shift.empty());
  for (std::size_t c = 0; c < 4; ++c) {
    EXPECT_NEAR(probabilities[c], expected[c], 1e-15);
    EXPECT_NEAR(std::exp(answer.log_probability(0, c)), expected[c], 1e-15);
  }
}

TEST(ExactClassLikelihood, RefusesClassesThatCannotBe) {
  const GaussianMixture field = labelled_mixture();
  const Rows x = states(1, 1);
  const double sigma = 1;
  const int label = 3;
  EXPECT_THAT([&] { ExactClassLikelihood(field, {}); }, ThrowsMessage<Error>(HasSubstr("no classes")));
  EXPECT_THAT([&] { ExactClassLikelihood(field, {0.5, -0.5}); }, ThrowsMessage<Error>(HasSubstr("-0.5")));
  const ExactClassLikelihood classes(field, {0.5, 0.25, 0.25, 0});
  EXPECT_THAT(
      [&] {
        classes.ask(x.view(), {&sigma, 1}, {&label, 1}, {});
      },
      ThrowsMessage<Error>(HasSubstr("class 3 has the probability 0")));
  // Labels that are none, and too many of them, are refused before a class is looked up by them.
  const auto refuses = [&](const std::vector<int>& labels, const char* why) {
    EXPECT_THAT([&] { classes.ask(x.view(), {&sigma, 1}, labels, {}); }, ThrowsMessage<Error>(HasSubstr(why)));
  };
  refuses({4}, "label 4 is unknown; the field has classes 0 to 3");
  refuses({-2}, "label -2 is unknown");
  refuses({0, 1}, "2 labels for 1 states");
  std::vector<GaussianComponent> some = field.components();
  some[5].label = -1;
  EXPECT_THAT([&] { GaussianMixture(some).class_probabilities(); }, ThrowsMessage<Error>(HasSubstr("component 5")));
}

}  // namespace
}  // namespace scorefield
