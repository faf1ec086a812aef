// The fast field against the precise one where it is hardest: on sampling trajectories of a real data set, whose
// posteriors are of two minds at sigma 0.5 to 10.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/data/open.h"
#include "scorefield/field/empirical.h"
#include "scorefield/process/schedule.h"
#include "tests/posteriors.h"

namespace scorefield {
namespace {

/// Follows `states` trajectories of EDM's Heun sampler (18 steps, sigma 80 to 0.002 and 0) on the first `rows` images
/// (0: on all), led by the precise field, and holds the fast field to its promise at every state it is asked about.
void expect_fast_keeps_its_promise(std::size_t rows, std::size_t states) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) GTEST_SKIP() << "needs dataset-fashion-mnist";
  ThreadPool pool(2);
  Context context;
  context.pool = &pool;
  DatasetOptions options;
  if (rows > 0) options.subset = rows;
  const Dataset data = open_dataset("fashion-mnist", options, context);
  const Empirical precise(data, {Precision::kPrecise, {}}, context);
  const Empirical fast(data, {Precision::kFast, {}}, context);
  const std::size_t d = data.dimension();
  const double radius = std::sqrt(precise.variance());

  Request request = test::everything();
  request.top_k = 3;
  const auto denoise = [&](const Rows& x, double sigma) {
    const std::vector<double> sigmas{sigma};
    Answer truth = precise.ask(x.view(), sigmas, {}, request, context);
    const Answer answer = fast.ask(x.view(), sigmas, {}, request, context);
    const double bound = 5e-6 * std::min(radius, sigma * std::sqrt(static_cast<double>(d)));
    for (std::size_t i = 0; i < x.rows(); ++i) {
      SCOPED_TRACE(testing::Message() << "sigma " << sigma << ", trajectory " << i);
      double square = 0;
      for (std::size_t k = 0; k < d; ++k) square += std::pow(answer.denoised(i, k) - truth.denoised(i, k), 2);
      EXPECT_LE(std::sqrt(square), bound);
      EXPECT_NEAR(answer.log_density[i], truth.log_density[i], 1e-4);
      EXPECT_NEAR(answer.entropy[i], truth.entropy[i], 1e-4);
      EXPECT_NEAR(answer.effective_sample_size[i] / truth.effective_sample_size[i], 1, 2e-4);
      EXPECT_NEAR(answer.largest_weight[i] / truth.largest_weight[i], 1, 1e-4);
      EXPECT_NEAR(answer.covariance_trace[i], truth.covariance_trace[i], 1e-5 * radius * radius);
    }
    EXPECT_EQ(answer.top_rows, truth.top_rows);
    return std::move(truth.denoised);
  };

  const std::vector<double> sigmas = noise_levels({});
  Rows x(states, d);
  for (std::size_t i = 0; i < states; ++i) {
    RandomStream(i, Purpose::kInitialNoise).normals(x[i]);
    for (double& v : x[i]) v *= sigmas[0];
  }
  for (std::size_t step = 0; step + 1 < sigmas.size(); ++step) {
    const double s = sigmas[step], h = sigmas[step + 1] - s;
    const Rows first = denoise(x, s);
    Rows euler = x;
    for (std::size_t i = 0; i < x.values().size(); ++i) {
      euler.values()[i] += h * (x.values()[i] - first.values()[i]) / s;
    }
    if (sigmas[step + 1] == 0) break;
    const Rows second = denoise(euler, s + h);
    for (std::size_t i = 0; i < x.values().size(); ++i) {
      const double slope = (x.values()[i] - first.values()[i]) / s;
      const double slope_at_end = (euler.values()[i] - second.values()[i]) / (s + h);
      x.values()[i] += h * (slope + slope_at_end) / 2;
    }
  }
}

TEST(EmpiricalTrajectory, FastKeepsItsPromiseOnSomeImages) {
  expect_fast_keeps_its_promise(4000, 6);
}

TEST(EmpiricalTrajectory, FastKeepsItsPromiseOnAllImages) {
  if (std::getenv("SCOREFIELD_LONG_TESTS") == nullptr) GTEST_SKIP() << "SCOREFIELD_LONG_TESTS is not set";
  expect_fast_keeps_its_promise(0, 24);
}

}  // namespace
}  // namespace scorefield
