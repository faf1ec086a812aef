// Pairs within reach against every distance computed by itself.
#include "scorefield/kernel/pairs_within.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/kernel/nearest.h"

namespace scorefield {
namespace {

using Found = std::vector<std::vector<RowDistance>>;

Found find(const Rows& rows, const std::vector<double>& row_reach, const Rows& queries,
           const std::vector<double>& query_reach, const Context& context) {
  Found found;
  pairs_within(
      rows.view(), row_reach, queries.view(), query_reach,
      [&](std::size_t q, std::span<const RowDistance> near) {
        EXPECT_EQ(q, found.size()) << "queries in order";
        found.emplace_back(near.begin(), near.end());
      },
      context);
  return found;
}

Found by_looking_at_all(const Rows& rows, const std::vector<double>& row_reach, const Rows& queries,
                        const std::vector<double>& query_reach) {
  Found found(queries.rows());
  for (std::size_t q = 0; q < queries.rows(); ++q) {
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      double square = 0;
      for (std::size_t c = 0; c < rows.cols(); ++c) {
        square += (queries(q, c) - rows(i, c)) * (queries(q, c) - rows(i, c));
      }
      const double distance = std::sqrt(square);
      if (distance <= std::max(row_reach[i], query_reach[q])) {
        found[q].push_back({static_cast<std::uint32_t>(i), distance});
      }
    }
  }
  return found;
}

Rows normals(std::size_t n, std::size_t d, std::uint64_t seed, double offset = 0) {
  Rows rows(n, d);
  RandomStream(seed, Purpose::kTest).normals(rows.values());
  for (double& v : rows.values()) v += offset;
  return rows;
}

TEST(PairsWithin, AgreesWithEveryDistanceForAllSizesAndThreads) {
  ThreadPool pool(2);
  Context threads;
  threads.pool = &pool;
  std::size_t pairs = 0;
  for (const std::size_t d : {1, 3, 100}) {
    for (const std::size_t n : {1, 97, 700}) {
      for (const double offset : {0.0, 1e4}) {
        const Rows rows = normals(n, d, 1, offset);
        const Rows queries = normals(300, d, 2, offset);
        // Reaches from none at all to more than the typical distance sqrt(2 d).
        std::vector<double> row_reach(n);
        std::vector<double> query_reach(300);
        const RandomStream random(3, Purpose::kTest);
        for (std::size_t i = 0; i < n; ++i) row_reach[i] = 1.6 * std::sqrt(d) * random.uniform(i);
        for (std::size_t i = 0; i < 300; i += 2) query_reach[i] = 1.5 * std::sqrt(d) * random.uniform(n + i);
        const Found expected = by_looking_at_all(rows, row_reach, queries, query_reach);
        for (const auto& list : expected) pairs += list.size();
        EXPECT_EQ(find(rows, row_reach, queries, query_reach, {}), expected);
        EXPECT_EQ(find(rows, row_reach, queries, query_reach, threads), expected);
      }
    }
  }
  EXPECT_GT(pairs, 10000U) << "the test has something to find";
}

TEST(PairsWithin, TheReachOfTheNearestRowJustReachesIt) {
  // A reach that is a distance itself, to the last bit, in both directions.
  const Rows rows = normals(500, 40, 5);
  const Rows queries = normals(400, 40, 6);
  const NearestRows nearest = nearest_rows(rows.view(), {}, queries.view(), 1, {});
  const Found found = find(rows, std::vector<double>(500), queries, nearest.distance, {});
  for (std::size_t q = 0; q < 400; ++q) {
    ASSERT_EQ(found[q].size(), 1U);
    EXPECT_EQ(found[q][0], (RowDistance{nearest.index[q], nearest.distance[q]}));
  }
}

TEST(PairsWithin, ExtremeValuesAreJudgedInDouble) {
  Rows rows(3, 2);
  Rows queries(2, 2);
  rows(1, 0) = 1e-9;
  rows(2, 0) = 1e60;
  queries(1, 0) = 1e60;
  const std::vector<double> row_reach = {0, 1e-9, 1e61};
  EXPECT_EQ(find(rows, row_reach, queries, {0, 0}, {}), (Found{{{0, 0.0}, {1, 1e-9}, {2, 1e60}}, {{2, 0.0}}}));
}

TEST(PairsWithin, RefusesWhatDoesNotFit) {
  const Rows rows(2, 2);
  const auto ignore = [](std::size_t, std::span<const RowDistance>) {};
  const std::vector<double> two(2);
  EXPECT_THROW(pairs_within(rows.view(), two, Rows(2, 3).view(), two, ignore, {}), Error);
  EXPECT_THROW(pairs_within(Rows().view(), {}, rows.view(), two, ignore, {}), Error);
}

}  // namespace
}  // namespace scorefield
