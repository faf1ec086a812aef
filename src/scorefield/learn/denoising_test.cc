#include "scorefield/learn/denoising.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/learn/feature_network_test.h"
#include "scorefield/process/process.h"

namespace scorefield {
namespace {

using testing_support::FeatureNetwork;

constexpr std::size_t kD = 2;
constexpr std::size_t kRows = 24;

Dataset few_points() {
  std::vector<double> values(2 * 20);
  RandomStream(3, Purpose::kTest).normals(values);
  for (std::size_t i = 0; i < values.size(); i += 2) values[i] += 1.5;
  return make_dataset("points", values, {kD});
}

Target target_of(const std::string& predicts, const std::string& process) {
  Target target;
  target.predicts = predicts;
  target.process = process;
  target.sigma_data = 1;
  return target;
}

NoisingOptions noising(const Target& target, const std::string& weight, std::shared_ptr<const NoiseLaw> law,
                       std::shared_ptr<const NoiseLaw> proposal = nullptr, bool antithetic = true) {
  NoisingOptions options;
  options.centre = {1.25, -0.5};
  options.preconditioner = make_preconditioner(target);
  options.weight = make_loss_weight(weight, target);
  options.law = std::move(law);
  options.proposal = std::move(proposal);
  options.antithetic = antithetic;
  return options;
}

/// A task of the feature network, and what it reads.
struct Fixture {
  Weights weights;
  NoisedRows rows;
  DenoisingTask task;

  explicit Fixture(const NoisingOptions& options, std::size_t batch = kRows, int workers = 1)
      : weights({{"", FeatureNetwork::layout(kD)}}, 1),
        rows(BatchLoader(few_points(), loader(batch)), options),
        task(
            rows, NoisedRows::held_out(BatchLoader(few_points(), loader(16)), options), 10,
            WorkerNetworks([this] { return std::make_unique<FeatureNetwork>(kD, weights.values().data()); }, workers)) {
  }

  static LoaderOptions loader(std::size_t batch) {
    LoaderOptions options;
    options.seed = 11;
    options.batch = batch;
    return options;
  }
  LossSum gradient(std::uint64_t step, std::vector<float>& sum) {
    LossSum loss;
    sum.assign(weights.size(), 0);
    for (std::size_t k = 0; k < task.micro_batches(); ++k) loss.add(task.add_gradient(step, k, 0, sum));
    return loss;
  }
};

/// The textbook's target of each prediction, of x_t = s x_0 + b n.
double textbook(const std::string& predicts, const Marginal& at, double x0, double n, double sigma_data) {
  if (predicts == "denoised") return x0;
  if (predicts == "noise") return n;
  if (predicts == "v") return at.scale * n - at.noise * x0;  // s^2 + b^2 = 1
  if (predicts == "score") return -n / at.noise;
  if (predicts == "velocity") return at.dscale_dt * x0 + at.dnoise_dt * n;
  const double sigma = at.sigma;  // EDM, table 1 and eq. 8
  const double all = sigma * sigma + sigma_data * sigma_data;
  return (x0 - sigma_data * sigma_data / all * (x0 + sigma * n)) * std::sqrt(all) / (sigma * sigma_data);
}

TEST(Denoising, PlainLossesAreThoseOfTheTextbook) {
  for (const auto& [predicts, process] : std::vector<std::pair<std::string, std::string>>{{"denoised", "vp"},
                                                                                          {"noise", "vp"},
                                                                                          {"noise", "edm"},
                                                                                          {"v", "cosine"},
                                                                                          {"score", "ou"},
                                                                                          {"velocity", "flow"},
                                                                                          {"edm", "edm"}}) {
    const Target target = target_of(predicts, process);
    Fixture f(noising(target, "plain", make_log_normal(-0.5, 0.7)));
    std::vector<float> gradient;
    const LossSum loss = f.gradient(4, gradient);
    const NoisedBatch batch = f.rows.make(4, 0, kRows);
    std::vector<float> output(kRows * kD);
    FeatureNetwork(kD, f.weights.values().data()).evaluate(batch.for_network(), output.data());
    const auto in = make_process(process);
    double expected = 0;
    double largest = 0;  // size of the terms whose difference is squared
    for (std::size_t i = 0; i < kRows; ++i) {
      const Marginal at = in->at(in->time_of(batch.sigma[i]));
      for (std::size_t k = 0; k < kD; ++k) {
        const double n = (batch.state(i, k) - batch.clean(i, k)) / batch.sigma[i];
        const double error = output[i * kD + k] - textbook(predicts, at, batch.clean(i, k), n, 1);
        expected += error * error / kD;
        largest = std::max(largest, error * error);
      }
    }
    EXPECT_EQ(loss.rows, kRows);
    // The same float outputs; some ten roundings in double of terms whose square is at most `largest`.
    EXPECT_NEAR(loss.sum, expected, 1e-11 * largest * kRows) << predicts;
  }
}

TEST(Denoising, GradientsAreThoseOfTheMeanLoss) {
  for (const char* const predicts : {"edm", "noise", "velocity"}) {
    const Target target = target_of(predicts, predicts == std::string("velocity") ? "flow" : "edm");
    Fixture f(noising(target, "min-snr:5", make_log_normal(-0.5, 1), make_log_normal(0, 1.5)));
    std::vector<float> gradient;
    std::vector<float> unused;
    const double loss = f.gradient(2, gradient).mean();
    double length = 0;
    for (const float g : gradient) length = std::max(length, std::abs(static_cast<double>(g)));
    for (std::size_t w = 0; w < f.weights.size(); ++w) {
      // The loss is quadratic in a weight: central differences are exact in any step.
      const float kept = f.weights.values()[w];
      f.weights.values()[w] = kept + 0.25F;
      const double up = f.gradient(2, unused).mean();
      f.weights.values()[w] = kept - 0.25F;
      const double down = f.gradient(2, unused).mean();
      f.weights.values()[w] = kept;
      // Float outputs (2^-24 relative) against a loss of this size, divided by the step; gradients summed in float.
      EXPECT_NEAR(gradient[w], (up - down) / 0.5, 1e-6 * (8 * loss + 8 * length)) << predicts << " " << w;
    }
  }
}

/// Mean gradient over many steps, and its standard error.
struct MeanGradient {
  std::vector<double> mean;
  std::vector<double> error;

  MeanGradient(const NoisingOptions& options, std::uint64_t steps) {
    Fixture f(options, 64);
    std::vector<float> gradient;
    std::vector<double> squares(f.weights.size());
    mean.assign(f.weights.size(), 0);
    for (std::uint64_t step = 0; step < steps; ++step) {
      f.gradient(step, gradient);
      for (std::size_t w = 0; w < mean.size(); ++w) {
        mean[w] += gradient[w];
        squares[w] += std::pow(static_cast<double>(gradient[w]), 2);
      }
    }
    const auto n = static_cast<double>(steps);
    for (std::size_t w = 0; w < mean.size(); ++w) {
      mean[w] /= n;
      error.push_back(std::sqrt((squares[w] / n - mean[w] * mean[w]) / (n - 1)));
    }
  }
  double total_variance() const { return std::inner_product(error.begin(), error.end(), error.begin(), 0.0); }
};

TEST(Denoising, OneLossByWeightAndDensityWhateverIsSampled) {
  // The same weight times density in log sigma, written as other laws, proposals and strata: the same gradient on
  // average. Four kinds of the plain noise loss with t uniform in [0, 1] of rectified flow, cut to sigma in [0.1, 8].
  const Target target = target_of("noise", "flow");
  const std::shared_ptr<const NoiseLaw> law = make_noise_law("uniform", target, 0.1, 8);
  std::vector<double> sigmas;
  std::vector<double> densities;
  for (double s = 0.0999; s < 8.01; s *= 1.02) {
    sigmas.push_back(s);
    densities.push_back(1 + 2 / (1 + s));
  }
  const std::shared_ptr<const NoiseLaw> other = make_tabulated(sigmas, densities);
  const std::shared_ptr<const NoiseLaw> uniform_log =
      make_tabulated(std::vector<double>{0.1, 8}, std::vector<double>{1, 1});

  // As another law with the ratio of densities in the weight.
  NoisingOptions weighted = noising(target, "plain", other);
  weighted.weight = [plain = weighted.weight, law, other](double sigma) {
    return plain(sigma) * law->density(sigma) / other->density(sigma);
  };
  const std::uint64_t steps = 1500;
  const MeanGradient reference(noising(target, "plain", law), steps);
  const MeanGradient free(noising(target, "plain", law, nullptr, false), steps);
  for (const MeanGradient& mean :
       {free, MeanGradient(noising(target, "snr", law, other), steps),
        MeanGradient(noising(target, "ou:1", law, uniform_log), steps), MeanGradient(weighted, steps)}) {
    for (std::size_t w = 0; w < mean.mean.size(); ++w) {
      // 14 gradients, five cases: five deviations fail once in 10^4.
      EXPECT_NEAR(mean.mean[w], reference.mean[w], 5 * std::hypot(mean.error[w], reference.error[w])) << w;
      // The bound is a bound: errors are small against the gradients themselves.
      EXPECT_LT(mean.error[w], 0.1 * std::abs(reference.mean[w]) + 0.05) << w;
    }
  }
  // It can fail: the same draws with another weight.
  const MeanGradient wrong(noising(target, "uniform", law), steps);
  double worst = 0;
  for (std::size_t w = 0; w < wrong.mean.size(); ++w) {
    worst =
        std::max(worst, std::abs(wrong.mean[w] - reference.mean[w]) / std::hypot(wrong.error[w], reference.error[w]));
  }
  EXPECT_GT(worst, 20);
  // Strata take away the variance between levels.
  EXPECT_LT(reference.total_variance(), free.total_variance());
}

TEST(Denoising, AProposalThatDoesNotCoverTheLawIsRefused) {
  const std::shared_ptr<const NoiseLaw> narrow = make_tabulated(std::vector<double>{0.5, 1}, std::vector<double>{1, 1});
  EXPECT_THAT([&] { Fixture f(noising(target_of("edm", "edm"), "plain", make_log_normal(-0.5, 1), narrow)); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("--importance never draws sigma")));
}

TEST(Denoising, HeldOutLossIsFixedAndOfTheLaw) {
  const NoisingOptions options =
      noising(target_of("edm", "edm"), "plain", make_log_normal(-0.5, 1), make_log_normal(2, 1));
  Fixture f(options);
  EXPECT_EQ(f.task.held_out_batches(), 2u);
  const double first = f.task.held_out_loss(0, 0).sum;
  EXPECT_EQ(f.task.held_out_loss(0, 0).sum, first);
  EXPECT_EQ(f.task.held_out_loss(1, 0).rows, 6u);
  const NoisedRows held_out = NoisedRows::held_out(BatchLoader(few_points(), Fixture::loader(16)), options);
  const NoisedBatch batch = held_out.make(0, 0, 16);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(batch.sigma[i], make_log_normal(-0.5, 1)->level((static_cast<double>(i) + 0.5) / 16), 1e-12);
    EXPECT_NE(batch.state(i, 0), f.rows.make(0, 0, 16).state(i, 0));
  }
}

TEST(Denoising, TrainsToTheBestDenoiserInItsClass) {
  // Rows N(0, s^2) at one level: the best linear denoiser is x s^2/(s^2 + sigma^2), and weights at 0 elsewhere.
  std::vector<double> values(2 * 4000);
  RandomStream(8, Purpose::kTest).normals(values);
  const Dataset data = make_dataset("normal", values, {kD});
  Target target = target_of("denoised", "edm");
  NoisingOptions options =
      noising(target, "plain", make_tabulated(std::vector<double>{0.5, 0.5001}, std::vector<double>{1, 1}));
  options.centre = {0, 0};
  Weights weights({{"", FeatureNetwork::layout(kD)}}, 1);
  ThreadPool pool(2);
  Context context;
  context.pool = &pool;
  LoaderOptions loader;
  loader.batch = 500;
  DenoisingTask task(NoisedRows(BatchLoader(data, loader), options), std::nullopt, 125,
                     WorkerNetworks([&] { return std::make_unique<FeatureNetwork>(kD, weights.values().data()); }, 2));
  TrainerOptions training;
  training.rate.rate = 0.05;
  training.rate.steps = 600;
  set_decay("cosine", training.rate);
  Trainer trainer(weights, task, training, context);
  for (int k = 0; k < 600; ++k) trainer.step(context);
  NoisedBatch batch = NoisedRows::held_out(BatchLoader(data, loader), options).make(0, 0, 500);
  std::vector<float> output(500 * kD);
  FeatureNetwork(kD, weights.values().data()).evaluate(batch.for_network(), output.data());
  double sum = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    for (std::size_t k = 0; k < kD; ++k) sum += std::pow(output[i * kD + k] - batch.state(i, k) / 1.25, 2) / (500 * kD);
  }
  // The best of 7 coefficients a coordinate on 3 10^5 noisy rows and 4000 clean ones of variance 0.2 and 1: the sum of
  // squared errors is 7 * 0.2/3e5 and 0.16^2 * 7/4000 = 5e-5; ten times that.
  EXPECT_LT(sum, 5e-4);
}

TEST(Denoising, SameBitsForAnyNumberOfThreads) {
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    Context context;
    context.pool = &pool;
    Fixture f(noising(target_of("edm", "edm"), "plain", make_log_normal(-0.5, 1)), 64, threads);
    Trainer trainer(f.weights, f.task, {}, context);
    for (int k = 0; k < 10; ++k) trainer.step(context);
    results.emplace_back(f.weights.values().begin(), f.weights.values().end());
  }
  EXPECT_EQ(results[0], results[1]);
}

}  // namespace
}  // namespace scorefield
