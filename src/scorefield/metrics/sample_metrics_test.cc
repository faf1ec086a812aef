// All metrics of a set at once: what stands beside it, threads, and what is refused.
#include "scorefield/metrics/sample_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/metrics/sample_metrics_json.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

Dataset normal_dataset(const char* name, std::size_t n, std::uint64_t seed, double shift = 0, std::size_t d = 3) {
  const Rows rows = normal_rows(n, d, seed, shift);
  return make_dataset(name, std::vector<double>(rows.values().begin(), rows.values().end()), {d});
}

SampleMetrics metrics(const Dataset& data, const Dataset& samples, const Dataset* held_out,
                      const SampleMetricsOptions& options, const Context& context = {}) {
  return sample_metrics(data, samples, held_out, *identity_features(data.dimension()), options, context);
}

TEST(SampleMetrics, TakesAsManyRowsOfEverySetAndHoldsTheDataAgainstItself) {
  const Dataset data = normal_dataset("data", 500, 1);
  const Dataset samples = normal_dataset("samples", 300, 2, 1);
  const Dataset held_out = normal_dataset("held out", 400, 3);
  SampleMetricsOptions options;
  options.gaussian_baseline = true;
  const SampleMetrics halves = metrics(data, samples, nullptr, options);
  EXPECT_EQ(halves.rows, 250U);
  EXPECT_EQ(halves.samples.nearest.size(), 250U);
  EXPECT_GT(halves.data.nearest.front(), 0) << "no row of the data is on both sides";
  EXPECT_FALSE(halves.held_out);
  const SampleMetrics held = metrics(data, samples, &held_out, options);
  EXPECT_EQ(held.rows, 300U);
  EXPECT_TRUE(held.held_out);
  for (const SampleMetrics* m : {&halves, &held}) {
    // A shift of 1 in each of three coordinates: d^2 = 3, at errors of about 2 sqrt(3 * 2/250) = 0.3.
    EXPECT_NEAR(m->samples.frechet.value, 3, 4 * m->samples.frechet.standard_error + 0.2);
    EXPECT_NEAR(m->samples.frechet.standard_error, 0.3, 0.1);
    EXPECT_LT(m->data.frechet.value, 0.3);
    ASSERT_TRUE(m->baseline.has_value());
    EXPECT_LT(m->baseline->frechet.value, 0.3) << "the data are Gaussian";
    EXPECT_LT(m->samples.neighbours.coverage.value, m->data.neighbours.coverage.value);
    EXPECT_GT(m->samples.neighbours.nearest_accuracy.value, 0.6);
  }
}

TEST(SampleMetrics, DoesNotDependOnThreads) {
  const Dataset data = normal_dataset("data", 900, 1, 0, 20);
  const Dataset samples = normal_dataset("samples", 700, 2, 0.2, 20);
  SampleMetricsOptions options;
  options.projections = 20;
  options.gaussian_baseline = true;
  options.clip = true;
  ThreadPool pool(2);
  Context context;
  context.pool = &pool;
  const auto map = make_feature_map("pca:10", data, 0, {});
  const auto map_of_two = make_feature_map("pca:10", data, 0, context);
  EXPECT_EQ(sample_metrics_json(sample_metrics(data, samples, nullptr, *map, options, {})),
            sample_metrics_json(sample_metrics(data, samples, nullptr, *map_of_two, options, context)));
}

TEST(SampleMetrics, ClipsTheSamplesAndReferenceStatisticsStandBeside) {
  const Dataset data = normal_dataset("data", 200, 1);
  std::vector<double> far(300, 1e3);
  for (std::size_t i = 0; i < far.size(); i += 3) far[i] = -1e3;
  const Dataset samples = make_dataset("far", std::move(far), {3});
  SampleMetricsOptions options;
  options.count = 60;
  options.reference = MeanAndCovariance{{0, 0, 0}, Rows(3, 3)};
  const SampleMetrics wild = metrics(data, samples, nullptr, options);
  EXPECT_NEAR(wild.samples.frechet_to_reference->value, 3e6, 1);  // a point at (-1e3, 1e3, 1e3) from one at 0
  EXPECT_EQ(wild.samples.frechet_to_reference->standard_error, 0);
  options.clip = true;
  const SampleMetrics clipped = metrics(data, samples, nullptr, options);
  ASSERT_TRUE(clipped.clip.has_value());
  const double low = clipped.clip->low;
  const double high = clipped.clip->high;
  EXPECT_NEAR(clipped.samples.frechet_to_reference->value, low * low + 2 * high * high, 1e-9);
  EXPECT_EQ(clipped.data.frechet.value, wild.data.frechet.value);
}

/// A classifier of the sign of the first value.
class SignClassifier final : public FeatureMap {
 public:
  std::string name() const override { return "sign"; }
  std::size_t input_dimension() const override { return 3; }
  std::size_t dimension() const override { return 1; }
  FeatureRows features(RowsView<const double> x, const Context& /*context*/) const override {
    FeatureRows result{Rows(x.rows, 1), Rows(x.rows, 2)};
    for (std::size_t i = 0; i < x.rows; ++i) {
      result.features(i, 0) = x(i, 0);
      result.probabilities(i, x(i, 0) > 0 ? 1 : 0) = 1;
    }
    return result;
  }
};

TEST(SampleMetrics, AClassifierBehindTheMapBringsTheClassMetrics) {
  const Dataset data = normal_dataset("data", 1400, 1);
  const SampleMetrics m =
      sample_metrics(data, normal_dataset("samples", 1200, 2, 10), nullptr, SignClassifier(), {}, {});
  ASSERT_TRUE(m.samples.classes && m.data.classes);
  EXPECT_EQ(m.rows, 700U);
  EXPECT_EQ(m.samples.classes->shares, (std::vector<double>{0, 1}));
  EXPECT_EQ(m.samples.classes->entropy_of_mean.value, 0);
  EXPECT_NEAR(m.samples.classes->total_variation.value, 0.5, 4 * 0.5 / std::sqrt(700.0));
  EXPECT_NEAR(m.data.classes->inception_score.value, 2, 0.05);
  EXPECT_TRUE(sample_metrics_json(m)["sets"]["samples"].contains("classes"));
}

TEST(SampleMetrics, RefusesWhatCannotBeCompared) {
  const Dataset data = normal_dataset("data", 40, 1);
  const auto refuses = [&](const Dataset& samples, const Dataset* held_out, const char* expected) {
    EXPECT_THAT([&] { metrics(data, samples, held_out, {}); },
                testing::ThrowsMessage<Error>(testing::HasSubstr(expected)));
  };
  const Dataset narrow = normal_dataset("narrow", 40, 2, 0, 2);
  refuses(narrow, nullptr, "narrow has [2]");
  refuses(data, &narrow, "narrow has [2]");
  refuses(normal_dataset("few", 13, 2), nullptr, "5 nearest neighbours and their errors need 14");
  refuses(normal_dataset("one", 1, 2), nullptr, "one: 1");
  // Rows that are all equal are poor samples, not an error.
  const SampleMetrics m = metrics(data, make_dataset("constant", std::vector<double>(60), {3}), nullptr, {});
  EXPECT_EQ(m.rows, 20U);
  EXPECT_TRUE(std::isfinite(m.samples.frechet.standard_error));
}

}  // namespace
}  // namespace scorefield
