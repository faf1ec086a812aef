#include "scorefield/learn/score_matching.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/field/empirical.h"
#include "scorefield/learn/feature_network_test.h"

namespace scorefield {
namespace {

using testing_support::FeatureNetwork;

constexpr double kSigma = 0.8;

/// Every row of `data` with every noise of a grid, weighted by the grid's Gaussian weights: sums over the batch are
/// expectations over rows and noise, to the accuracy of the trapezoidal rule on a smooth decaying function.
NoisedBatch all_of_it(const Dataset& data, std::span<const double> centre, const Target& target, double step = 0.25) {
  const std::size_t d = data.dimension();
  const int reach = static_cast<int>(std::ceil(7 / step));  // 7 deviations
  std::vector<double> nodes;
  for (int k = -reach; k <= reach; ++k) nodes.push_back(step * k);
  std::size_t grid = 1;
  for (std::size_t k = 0; k < d; ++k) grid *= nodes.size();
  NoisedBatch batch;
  const std::size_t rows = data.size() * grid;
  batch.clean = Rows(rows, d);
  batch.state = Rows(rows, d);
  batch.sigma.assign(rows, kSigma);
  batch.at.assign(rows, make_preconditioner(target)->at(kSigma));
  batch.label.assign(rows, static_cast<float>(batch.at[0].label));
  batch.classes.assign(rows, -1);
  for (std::size_t i = 0; i < rows; ++i) {
    data.row(i / grid, batch.clean[i]);
    double weight = static_cast<double>(d) / static_cast<double>(data.size());  // losses are divided by d
    for (std::size_t k = 0, place = i % grid; k < d; ++k, place /= nodes.size()) {
      const double z = nodes[place % nodes.size()];
      weight *= step * std::exp(-z * z / 2) / std::sqrt(2 * M_PI);
      batch.clean(i, k) -= centre[k];
      batch.state(i, k) = batch.clean(i, k) + kSigma * z;
      batch.input.push_back(static_cast<float>(batch.at[0].in * batch.state(i, k)));
    }
    batch.weight.push_back(weight);
  }
  return batch;
}

struct Result {
  double loss = 0;
  std::vector<float> gradient;
};

/// The three losses' sums and gradients over a batch, and the sliced one with all signs of a probe.
std::vector<Result> all_objectives(const NoisedBatch& batch, const Field& field, std::span<const double> centre,
                                   std::span<const float> weights) {
  const std::size_t d = batch.clean.cols();
  FeatureNetwork network(d, weights.data());
  std::vector<Result> results(4, {0, std::vector<float>(weights.size())});
  results[0].loss = distance_losses(batch, batch.clean, 1, network, results[0].gradient).sum;
  results[1].loss = distance_losses(batch, denoised_by(field, centre, batch), 1, network, results[1].gradient).sum;
  std::vector<float> directions;
  std::vector<float> signs;
  const std::size_t sides = std::size_t{1} << d;
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    for (std::size_t k = 0; k < d * d; ++k) directions.push_back(k / d == k % d ? 1.0F : 0.0F);
    for (std::size_t k = 0; k < sides * d; ++k) signs.push_back((k / d >> k % d & 1) != 0 ? 1.0F : -1.0F);
  }
  results[2].loss = form_losses(batch, directions, d, 1, 1, network, results[2].gradient).sum;
  results[3].loss =
      form_losses(batch, signs, sides, 1 / static_cast<double>(sides), 1, network, results[3].gradient).sum;
  return results;
}

TEST(ScoreMatching, ObjectivesHaveOneGradientByQuadrature) {
  for (const std::size_t d : {std::size_t{1}, std::size_t{2}}) {
    const std::vector<double> points = {-1, 0.5, 0.25, 2, 1.5, -0.75};
    const Dataset data = make_dataset(
        "points", std::vector<double>(points.begin(), points.begin() + 3 * static_cast<std::ptrdiff_t>(d)), {d});
    const Empirical field(data, {.precision = Precision::kPrecise}, {});
    const std::vector<double> centre(d, 0.3);
    for (const char* const predicts : {"edm", "noise"}) {
      Target target;
      target.predicts = predicts;
      const NoisedBatch batch = all_of_it(data, centre, target);
      std::vector<double> shifts;
      Weights weights({{"", FeatureNetwork::layout(d)}}, 4);
      for (int pass = 0; pass < 2; ++pass) {
        const std::vector<Result> results = all_objectives(batch, field, centre, weights.values());
        double largest = 0;
        for (const float g : results[0].gradient) largest = std::max(largest, std::abs(static_cast<double>(g)));
        for (std::size_t k = 1; k < results.size(); ++k) {
          for (std::size_t w = 0; w < weights.size(); ++w) {
            // Float sums of up to 10^4 terms whose sum of sizes is some 10 times the largest gradient.
            EXPECT_NEAR(results[k].gradient[w], results[0].gradient[w], 1e-4 * largest)
                << d << predicts << k << " " << w;
          }
          // The losses differ by a constant that no weight changes.
          const double shift = results[k].loss - results[0].loss;
          if (pass == 0) {
            shifts.push_back(shift);
          } else {
            EXPECT_NEAR(shift, shifts[k - 1], 1e-5 * results[0].loss) << d << predicts << k;
          }
        }
        for (float& w : weights.values()) w += 0.5F;
      }
      // Explicit lies below denoising by E|x_0 - D|^2, the least loss there is.
      EXPECT_LT(shifts[0], 0);
    }
  }
}

TEST(ScoreMatching, GradientsAgreeWithDifferences) {
  const Dataset data = make_dataset("points", std::vector<double>{-1, 0.5, 0.25, 2}, {2});
  const Empirical field(data, {}, {});
  const std::vector<double> centre = {0, 0};
  const NoisedBatch batch = all_of_it(data, centre, {}, 1);  // any rows do
  Weights weights({{"", FeatureNetwork::layout(2)}}, 4);
  const std::vector<Result> results = all_objectives(batch, field, centre, weights.values());
  for (std::size_t w = 0; w < weights.size(); ++w) {
    const float kept = weights.values()[w];
    weights.values()[w] = kept + 0.25F;
    const std::vector<Result> up = all_objectives(batch, field, centre, weights.values());
    weights.values()[w] = kept - 0.25F;
    const std::vector<Result> down = all_objectives(batch, field, centre, weights.values());
    weights.values()[w] = kept;
    for (std::size_t k = 0; k < results.size(); ++k) {
      // Quadratic in a weight: exact but for float outputs, and float sums as above.
      EXPECT_NEAR(results[k].gradient[w], (up[k].loss - down[k].loss) / 0.5, 2e-4 * (1 + std::abs(results[k].loss)));
    }
  }
}

TEST(ScoreMatching, TaskWithRandomProbesHasTheSameGradientOnAverage) {
  std::vector<double> values(2 * 30);
  RandomStream(3, Purpose::kTest).normals(values);
  const Dataset data = make_dataset("points", values, {2});
  NoisingOptions noising;
  noising.centre = {0.25, 0};
  noising.preconditioner = make_preconditioner({});
  noising.weight = make_loss_weight("plain", {});
  noising.law = make_log_normal(0, 0.4);
  LoaderOptions loader;
  loader.batch = 64;
  const NoisedRows rows(BatchLoader(data, loader), noising);
  Weights weights({{"", FeatureNetwork::layout(2)}}, 4);
  const auto networks = [&] {
    return WorkerNetworks([&] { return std::make_unique<FeatureNetwork>(2, weights.values().data()); }, 1);
  };
  DenoisingTask denoising(rows, std::nullopt, 64, networks());
  const auto field = std::make_shared<Empirical>(data, EmpiricalOptions{}, Context{});
  for (const Objective objective : {Objective::kExplicit, Objective::kImplicit, Objective::kSliced}) {
    ScoreMatchingTask task(rows, std::nullopt, 16, networks(), {objective, 1, 5, field, noising.centre});
    constexpr std::uint64_t kSteps = 600;
    std::vector<double> sum(weights.size());
    std::vector<double> squares(weights.size());
    for (std::uint64_t step = 0; step < kSteps; ++step) {
      std::vector<float> one(weights.size());
      std::vector<float> other(weights.size());
      denoising.add_gradient(step, 0, 0, one);
      for (std::size_t k = 0; k < task.micro_batches(); ++k) task.add_gradient(step, k, 0, other);
      for (std::size_t w = 0; w < sum.size(); ++w) {
        const double difference = static_cast<double>(other[w]) - static_cast<double>(one[w]);
        sum[w] += difference / kSteps;
        squares[w] += difference * difference / kSteps;
      }
    }
    for (std::size_t w = 0; w < sum.size(); ++w) {
      const double error = std::sqrt((squares[w] - sum[w] * sum[w]) / (kSteps - 1));
      EXPECT_LT(std::abs(sum[w]), 5 * error) << static_cast<int>(objective) << " " << w;
    }
  }
}

TEST(ScoreMatching, NamesOfObjectives) {
  EXPECT_EQ(objective_of("sliced"), Objective::kSliced);
  EXPECT_THROW(objective_of("ism"), Error);
}

}  // namespace
}  // namespace scorefield
