// Features: components against their definition, blocks, clipping, and what is refused.
#include "scorefield/metrics/feature_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/metrics/two_samples_test.h"

namespace scorefield {
namespace {

Dataset dataset(const Rows& rows) {
  return make_dataset("rows", std::vector<double>(rows.values().begin(), rows.values().end()), {rows.cols()});
}

std::vector<std::size_t> all_rows(const Dataset& data) {
  std::vector<std::size_t> rows(data.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

TEST(FeatureMap, AllComponentsKeepDistancesAndTheFirstHasTheLargestVariance) {
  Rows rows = normal_rows(40, 3, 1);
  for (std::size_t i = 0; i < 40; ++i) rows(i, 2) = 5 * rows(i, 2) + 7;
  const Dataset data = dataset(rows);
  const auto map = make_feature_map("pca", data, 0, {});
  EXPECT_EQ(map->name(), "pca:3");
  const Rows features = features_of(*map, data, all_rows(data), std::nullopt, {}).features;
  for (std::size_t i = 1; i < 40; ++i) {
    EXPECT_NEAR(row_distance(features[i], features[0]), row_distance(rows[i], rows[0]), 1e-12);
  }
  const auto one = make_feature_map("pca:1", data, 0, {});
  const Rows first = features_of(*one, data, all_rows(data), std::nullopt, {}).features;
  for (std::size_t i = 0; i < 40; ++i) EXPECT_EQ(first(i, 0), features(i, 0));
  EXPECT_NEAR(std::abs(first(1, 0) - first(0, 0)), std::abs(rows(1, 2) - rows(0, 2)), 1.5) << "nearly that axis";
}

TEST(FeatureMap, BlocksClippingAndChoiceOfRows) {
  const Rows rows = normal_rows(1100, 2, 2);
  const Dataset data = dataset(rows);
  const auto map = identity_features(2);
  const std::vector<std::size_t> chosen = {1099, 3, 3, 700};
  const Rows few = features_of(*map, data, chosen, ValueRange{-0.5, 0.25}, {}).features;
  const Rows many = features_of(*map, data, all_rows(data), std::nullopt, {}).features;
  EXPECT_TRUE(std::ranges::equal(many.values(), rows.values()));
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    for (std::size_t k = 0; k < 2; ++k) EXPECT_EQ(few(i, k), std::clamp(rows(chosen[i], k), -0.5, 0.25));
  }
}

TEST(FeatureMap, RefusesWhatDoesNotFit) {
  const Dataset data = dataset(normal_rows(10, 3, 1));
  const auto refuses = [&](const char* spec, const char* expected) {
    EXPECT_THAT([&] { make_feature_map(spec, data, 0, {}); },
                testing::ThrowsMessage<Error>(testing::HasSubstr(expected)))
        << spec;
  };
  refuses("pac", "did you mean 'pca'");
  refuses("pca:", "how many");
  refuses("pca:3x", "how many");
  refuses("pca:-1", "how many");
  refuses("pca:0", "no principal components");
  refuses("pca:4", "at most 3");
  Rows bad = normal_rows(10, 3, 1);
  bad(6, 2) = std::numeric_limits<double>::infinity();
  const Dataset infinite = dataset(bad);
  EXPECT_THAT([&] { features_of(*identity_features(3), infinite, all_rows(infinite), std::nullopt, {}); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("row 6")));
  EXPECT_THROW(features_of(*identity_features(4), data, all_rows(data), std::nullopt, {}), Error);
}

}  // namespace
}  // namespace scorefield
