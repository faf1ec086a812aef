#include "scorefield/metrics/duplicates.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

using Groups = std::vector<std::vector<std::uint32_t>>;

TEST(ExactDuplicates, AgreeWithAMapOfRows) {
  // 10000 rows of 8 bits: 256 different rows, nearly all repeated, over several tasks.
  std::vector<std::uint8_t> values(80000);
  const RandomStream stream(1, Purpose::kTest);
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = static_cast<std::uint8_t>(stream.below(k, 2));
  std::map<std::vector<std::uint8_t>, std::vector<std::uint32_t>> expected;
  for (std::ptrdiff_t i = 0; i < 10000; ++i) {
    expected[{values.begin() + 8 * i, values.begin() + 8 * (i + 1)}].push_back(static_cast<std::uint32_t>(i));
  }
  const Dataset data = make_dataset("bits", std::move(values), {8});
  Groups groups;
  for (const auto& [row, group] : expected) {
    if (group.size() > 1) groups.push_back(group);
  }
  std::sort(groups.begin(), groups.end());
  EXPECT_EQ(exact_duplicates(data, {}), groups);
  ThreadPool pool(3);
  Context context;
  context.pool = &pool;
  EXPECT_EQ(exact_duplicates(data, context), groups);
}

TEST(ExactDuplicates, ComparesValuesNotBytes) {
  const Dataset data = make_dataset<double>("zeros", {0.0, 1.0, -0.0, 1.0, 0.0, 2.0}, {2});
  EXPECT_EQ(exact_duplicates(data, {}), (Groups{{0, 1}}));
}

TEST(ExactDuplicates, FindsNoneWhereThereAreNone) {
  EXPECT_EQ(exact_duplicates(make_dataset<float>("one", {1}, {1}), {}), Groups{});
  EXPECT_EQ(exact_duplicates(make_dataset<float>("line", {1, 2, 3}, {1}), {}), Groups{});
}

TEST(NearPairs, ListsEachPairOnceNearestFirst) {
  const Dataset data = make_dataset<double>("line", {0, 10, 10.5, 20, 20.25, 30, 30}, {1});
  std::vector<std::size_t> rows(data.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const NearestTwo nearest = nearest_two_others(data, rows, {});
  // 30 and 30 are exact duplicates, not near ones.
  EXPECT_EQ(near_pairs(nearest, rows, 1.0), (std::vector<RowPair>{{3, 4, 0.25}, {1, 2, 0.5}}));
  // A pair is found from either of its rows.
  const std::vector<std::size_t> one = {4};
  EXPECT_EQ(near_pairs(nearest_two_others(data, one, {}), one, 1.0), (std::vector<RowPair>{{3, 4, 0.25}}));
}

}  // namespace
}  // namespace scorefield
