#include "scorefield/field/empirical.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string>
#include <vector>

#include "scorefield/base/error.h"
#include "tests/posteriors.h"

namespace scorefield {
namespace {

using test::kInfinity;
using test::matrix;
using test::normals;

Empirical precise(Dataset data, std::vector<double> weights = {}) {
  return {std::move(data), {Precision::kPrecise, std::move(weights)}, Context()};
}

/// 60 points in three dimensions with classes 0, 1, 2 and 4 in turn; class 3 has none.
Dataset points(std::uint64_t seed = 1) {
  std::vector<std::int32_t> labels(60);
  for (std::size_t i = 0; i < 60; ++i) labels[i] = static_cast<std::int32_t>(i % 4 == 3 ? 4 : i % 4);
  return make_dataset("points", normals(180, seed), {3}, {}, labels);
}

Dataset rows_of_class(const Dataset& data, int label) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data.labels()[i] == label) rows.push_back(i);
  }
  return data.select(rows);
}

Answer ask(const Field& field, RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
           const Request& request) {
  return field.ask(x, sigma, labels, request, {});
}

TEST(Empirical, FiftyDigitValues) {
  const Empirical field = precise(make_dataset("pts8", std::vector(test::kPoints8.begin(), test::kPoints8.end()), {2}));
  for (const test::PosteriorTruth& truth : test::kPoints8Truth) {
    test::expect_truth(truth, [&](RowsView<const double> x, std::span<const double> sigma, const Request& request) {
      return ask(field, x, sigma, {}, request);
    });
  }
}

TEST(Score, OfUnitNoiseIsMinusTheState) {
  // At sigma = inf whatever D is; the row beside it has its own sigma: (D - x) / sigma^2.
  const std::vector<double> x{0.5, -2, 3, 1}, denoised{7, 7, 1, 2}, sigma{kInfinity, 2};
  Rows score(2, 2);
  score_from_denoised(matrix(x, 2), matrix(denoised, 2), sigma, score.view());
  EXPECT_TRUE(std::ranges::equal(score.values(), std::vector<double>{-0.5, 2, -0.5, 0.25}));
}

TEST(Empirical, AClassIsTheFieldOfItsRows) {
  const Empirical field = precise(points());
  const std::vector<double> x = normals(24, 2), sigma{0.1, 0.2, 0.4, 0.6, 1, 2, 5, kInfinity};
  const std::vector<double> directions = normals(24, 3);
  Request request = test::everything();
  request.directions = matrix(directions, 3);
  for (const int label : {0, 1, 2, 4}) {
    const Empirical of_class = precise(rows_of_class(points(), label));
    test::expect_close(ask(field, matrix(x, 3), sigma, std::vector{label}, request),
                       ask(of_class, matrix(x, 3), sigma, {}, request), 3, 5);
  }
}

TEST(Empirical, MixedLabelsAreAnsweredInTheCallersOrder) {
  const Empirical field = precise(points());
  const std::vector<double> x = normals(18, 2), sigma{0.3, 0.5, 1, 0.4, 0.7, 2}, directions = normals(18, 3);
  const std::vector<int> labels{2, -1, 0, 2, 4, -1};
  Request request = test::everything();
  request.directions = matrix(directions, 3);
  request.top_k = 100;
  const Answer mixed = ask(field, matrix(x, 3), sigma, labels, request);
  EXPECT_EQ(mixed.top_k, 15);  // of the smallest class
  ASSERT_EQ(mixed.top_rows.size(), 6 * 15);
  request.top_k = 15;
  for (std::size_t q = 0; q < 6; ++q) {
    Request single = request;
    single.directions = request.directions.slice(q, 1);
    const Answer one = ask(field, matrix(x, 3).slice(q, 1), std::vector{sigma[q]}, std::vector{labels[q]}, single);
    EXPECT_TRUE(std::ranges::equal(mixed.denoised[q], one.denoised[0]));
    EXPECT_TRUE(std::ranges::equal(mixed.covariance_product[q], one.covariance_product[0]));
    EXPECT_EQ(mixed.log_density[q], one.log_density[0]);
    EXPECT_EQ(mixed.entropy[q], one.entropy[0]);
    EXPECT_EQ(mixed.effective_sample_size[q], one.effective_sample_size[0]);
    EXPECT_EQ(mixed.largest_weight[q], one.largest_weight[0]);
    EXPECT_EQ(mixed.covariance_trace[q], one.covariance_trace[0]);
    for (std::size_t i = 0; i < 15; ++i) {
      EXPECT_EQ(mixed.top_rows[q * 15 + i], one.top_rows[i]);
      EXPECT_EQ(mixed.top_weights[q * 15 + i], one.top_weights[i]);
      // Row numbers are those of the whole data set.
      EXPECT_TRUE(labels[q] < 0 || field.data().labels()[one.top_rows[i]] == labels[q]);
    }
  }
}

TEST(Empirical, WeightsAreRepeatedRows) {
  std::vector<double> weights(60), repeated;
  const Dataset data = points();
  std::vector<double> row(3);
  for (std::size_t i = 0; i < 60; ++i) {
    weights[i] = static_cast<double>(i % 5) * 0.25;
    data.row(i, row);
    for (std::size_t copy = 0; copy < i % 5; ++copy) repeated.insert(repeated.end(), row.begin(), row.end());
  }
  const Empirical weighted = precise(data, weights);
  const Empirical copies = precise(make_dataset("copies", repeated, {3}));
  const std::vector<double> x = normals(15, 2), sigma{0.1, 0.4, 1, 10, kInfinity};
  Request request;
  request.log_density = request.covariance_trace = true;
  test::expect_close(ask(weighted, matrix(x, 3), sigma, {}, request), ask(copies, matrix(x, 3), sigma, {}, request), 3,
                     5);
  EXPECT_NEAR(weighted.mean()[1], copies.mean()[1], 1e-14);
  EXPECT_NEAR(weighted.variance(), copies.variance(), 1e-13);
}

TEST(Empirical, CovarianceAndScoreAreDerivatives) {
  // Cov = sigma^2 dD/dx; score = grad log p = (D - x) / sigma^2. Central differences of step h = sigma / 1000 are off
  // by 1e-6 / 6 times a third derivative in units of sigma (third cumulants of the posterior over sigma^3: below 100
  // for rows within 1 or so of the state at sigma = 0.2), and by rounding, 1e-13 / 1e-3.
  const std::size_t d = 3;
  const Empirical field = precise(points());
  for (const double sigma : {0.2, 0.5, 1.0, 3.0}) {
    const double h = 1e-3 * sigma;
    const std::vector<double> x = normals(d, 7);
    std::vector<double> states, units(d * d), same;
    for (std::size_t k = 0; k < d; ++k) {
      for (const double step : {h, -h}) {
        states.insert(states.end(), x.begin(), x.end());
        states[states.size() - d + k] += step;
      }
      units[k * d + k] = 1;
      same.insert(same.end(), x.begin(), x.end());
    }
    Request request = test::everything();
    const Answer around = ask(field, matrix(states, d), std::vector{sigma}, {}, request);
    request.directions = matrix(units, d);
    const Answer at = ask(field, matrix(same, d), std::vector{sigma}, {}, request);
    const double tolerance = 2e-5;
    double trace = 0;
    for (std::size_t k = 0; k < d; ++k) {
      const double slope = (around.log_density[2 * k] - around.log_density[2 * k + 1]) / (2 * h);
      EXPECT_NEAR((at.denoised(0, k) - x[k]) / sigma, slope * sigma, tolerance);
      for (std::size_t l = 0; l < d; ++l) {
        const double jacobian = (around.denoised(2 * k, l) - around.denoised(2 * k + 1, l)) / (2 * h);
        EXPECT_NEAR(at.covariance_product(k, l) / (sigma * sigma), jacobian, tolerance);
      }
      trace += at.covariance_product(k, k);
    }
    EXPECT_NEAR(at.covariance_trace[0], trace, 1e-13);
  }
}

TEST(Empirical, InfiniteSigmaAnswersTheMean) {
  const Empirical field = precise(points());
  const std::vector<double> x = normals(3, 9);
  Request request = test::everything();
  const Answer answer = ask(field, matrix(x, 3), std::vector{kInfinity}, {}, request);
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(answer.denoised(0, k), field.mean()[k], 1e-14);
  EXPECT_NEAR(answer.covariance_trace[0], field.variance(), 1e-13);
  EXPECT_NEAR(answer.entropy[0], std::log(60), 1e-14);
  const double square = x[0] * x[0] + x[1] * x[1] + x[2] * x[2];
  EXPECT_NEAR(answer.log_density[0], -0.5 * square - 1.5 * std::log(2 * std::numbers::pi), 1e-14);
}

TEST(Empirical, UnitsAreThoseOfTheData) {
  const std::vector<std::uint8_t> bytes{0, 255, 51, 204};
  const Empirical field = precise(make_dataset("bytes", bytes, {2}, kImageUnits));
  const std::vector<double> x{-0.9, 0.9};
  const Answer answer = ask(field, matrix(x, 2), std::vector{1e-2}, {}, {});
  EXPECT_NEAR(answer.denoised(0, 0), -1, 1e-15);
  EXPECT_NEAR(answer.denoised(0, 1), 1, 1e-15);
  EXPECT_NEAR(field.mean()[0], 0.5 * (-1 + 51 / 127.5 - 1), 1e-15);
}

TEST(Empirical, DrawsRowsByWeight) {
  std::vector<double> values(10), weights(10);
  std::vector<std::int32_t> labels(10);
  for (std::size_t i = 0; i < 10; ++i) {
    values[i] = static_cast<double>(i);
    weights[i] = static_cast<double>(i % 3);
    labels[i] = static_cast<std::int32_t>(i / 5);
  }
  const Dataset data = make_dataset("line", values, {1}, {}, labels);
  const auto frequencies = [&](const Empirical& field, int label) {
    std::vector<double> share(10);
    for (std::uint64_t seed = 0; seed < 20000; ++seed) {
      double value = -1;
      field.draw(seed, label, {&value, 1});
      share[static_cast<std::size_t>(value)] += 1.0 / 20000;
    }
    return share;
  };
  const std::vector<double> equal = frequencies(precise(data), -1), equal_one = frequencies(precise(data), 1);
  const std::vector<double> by_weight = frequencies(precise(data, weights), -1);
  const std::vector<double> by_weight_one = frequencies(precise(data, weights), 1);
  // Weights sum to 9 in all and to 5 (2, 0, 1, 2, 0 of rows 5 to 9) in class 1. Four standard errors of 20000 draws.
  for (std::size_t i = 0; i < 10; ++i) {
    const auto expect_share = [&](double share, double p) {
      EXPECT_NEAR(share, p, 4 * std::sqrt(p * (1 - p) / 20000)) << i;
    };
    expect_share(equal[i], 0.1);
    expect_share(equal_one[i], i < 5 ? 0 : 0.2);
    expect_share(by_weight[i], weights[i] / 9);
    expect_share(by_weight_one[i], i < 5 ? 0 : weights[i] / 5);
  }
}

TEST(Empirical, RefusesWhatItCannotAnswer) {
  const std::vector<double> x{0, 0, 0}, sigma{1};
  const Empirical field = precise(points());
  std::vector<double> row(3);
  const auto says = [](const std::function<void()>& act) {
    try {
      act();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(says([&] { ask(field, matrix(x, 3), sigma, std::vector{3}, {}); }), "points: class 3 has no rows");
  EXPECT_EQ(says([&] { ask(field, matrix(x, 3), sigma, std::vector{5}, {}); }),
            "label 5 is unknown; the field has classes 0 to 4");
  EXPECT_EQ(says([&] { field.draw(0, 7, row); }), "points: class 7 has no rows");
  std::vector<double> weights(60, 1.0);
  weights[7] = -0.5;
  EXPECT_EQ(says([&] { precise(points(), weights); }),
            "row 7 has the weight -0.5; weights are finite and not negative");
  EXPECT_THROW(precise(points(), {1, 2, 3}), Error);
  EXPECT_THROW(precise(points(), std::vector<double>(60, 0.0)), Error);
  for (std::size_t i = 0; i < 60; ++i) weights[i] = i % 4 == 1 ? 0 : 1;  // none in class 1
  const Empirical weighted = precise(points(), weights);
  EXPECT_THROW(ask(weighted, matrix(x, 3), sigma, std::vector{1}, {}), Error);
  EXPECT_THROW(weighted.draw(0, 1, row), Error);
  const Empirical unlabelled = precise(make_dataset("plain", normals(9, 1), {3}));
  EXPECT_FALSE(unlabelled.capabilities().labels);
  EXPECT_THROW(ask(unlabelled, matrix(x, 3), sigma, std::vector{0}, {}), Error);
}

}  // namespace
}  // namespace scorefield
