#include "scorefield/kernel/nearest.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

TEST(NearestRows, RanksRowsAndBreaksTiesByRowNumber) {
  const std::vector<float> rows = {0, 0, 3, 4, 0, 0, 1, 0};
  const std::vector<double> query = {0, 0};
  const NearestRows nearest =
      nearest_rows(RowsView<const float>(rows.data(), 4, 2), {2.0, 0.0}, {query.data(), 1, 2}, 4, {});
  EXPECT_EQ(nearest.index, (std::vector<std::uint32_t>{0, 2, 3, 1}));
  EXPECT_EQ(nearest.distance, (std::vector<double>{0, 0, 2, 10}));
}

TEST(NearestRows, RefusesWhatDoesNotFit) {
  const std::vector<double> rows = {0, 1};
  const RowsView<const double> view(rows.data(), 2, 1);
  EXPECT_THROW(nearest_rows(view, {}, view, 0, {}), Error);
  EXPECT_THROW(nearest_rows(view, {}, view, 3, {}), Error);
  EXPECT_THROW(nearest_rows(view, {}, {rows.data(), 1, 2}, 1, {}), Error);
}

/// Sorts everything by the difference form.
NearestRows by_sorting(const StoredRows& rows, const Affine& affine, RowsView<const double> queries, std::size_t k) {
  NearestRows nearest{k, {}, {}};
  std::vector<double> row(queries.cols);
  for (std::size_t q = 0; q < queries.rows; ++q) {
    std::vector<std::pair<double, std::uint32_t>> order;
    for (std::size_t i = 0; i < row_count(rows); ++i) {
      read_row(rows, affine, i, row);
      double square = 0;
      for (std::size_t c = 0; c < row.size(); ++c) square += (queries(q, c) - row[c]) * (queries(q, c) - row[c]);
      order.emplace_back(square, i);
    }
    std::sort(order.begin(), order.end());
    for (std::size_t r = 0; r < k; ++r) {
      nearest.index.push_back(order[r].second);
      nearest.distance.push_back(std::sqrt(order[r].first));
    }
  }
  return nearest;
}

void expect_as_by_sorting(const StoredRows& rows, const Affine& affine, const Rows& queries, std::size_t k) {
  ThreadPool pool(2);
  Context context;
  context.pool = &pool;
  const NearestRows expected = by_sorting(rows, affine, queries.view(), k);
  for (const Context& c : {Context{}, context}) {
    const NearestRows nearest = nearest_rows(rows, affine, queries.view(), k, c);
    EXPECT_EQ(nearest.index, expected.index);
    EXPECT_EQ(nearest.distance, expected.distance);
  }
}

TEST(NearestRows, AgreesWithSortingForEveryStorageSizeAndNumberOfQueries) {
  for (const std::size_t d : {1, 2, 31, 100}) {
    for (const std::size_t n : {5, 96, 97, 1500}) {
      for (const std::size_t count : {1, 17, 65, 300}) {
        SCOPED_TRACE(fmt::format("d {} n {} queries {}", d, n, count));
        const RandomStream random(n, Purpose::kTest);
        std::vector<std::uint8_t> bytes(n * d);
        std::vector<float> floats(n * d);
        std::vector<double> doubles(n * d);
        random.normals(doubles);
        for (std::size_t i = 0; i < n * d; ++i) {
          bytes[i] = static_cast<std::uint8_t>(random.bits(i));
          doubles[i] += 1000;  // far off centre
          floats[i] = static_cast<float>(doubles[i]);
        }
        Rows queries(count, d);
        random.normals(queries.values(), 7);
        expect_as_by_sorting(RowsView<const std::uint8_t>(bytes.data(), n, d), kImageUnits, queries, 3);
        for (double& v : queries.values()) v += 1000;
        expect_as_by_sorting(RowsView<const float>(floats.data(), n, d), {}, queries, 5);
        expect_as_by_sorting(RowsView<const double>(doubles.data(), n, d), {}, queries, 1);
      }
    }
  }
}

TEST(NearestRows, KeepsRowNumbersInOrderAmongMoreDuplicatesThanAListHolds) {
  std::vector<std::uint8_t> bytes(3000 * 20, 9);
  for (std::size_t i = 0; i < 40; ++i) bytes[i * 20] = static_cast<std::uint8_t>(200 + i % 5);
  const RowsView<const std::uint8_t> rows(bytes.data(), 3000, 20);
  Rows queries(3, 20);
  expect_as_by_sorting(rows, kImageUnits, queries, 4);
}

TEST(NearestRows, FindsRowsThatDifferByLessThanSingleRounding) {
  // Around 1000, rows 1e-9 apart: f32 sees all of them in one place.
  const std::size_t n = 700;
  std::vector<double> values(n * 3, 1000.0);
  for (std::size_t i = 0; i < n; ++i) values[i * 3] += 1e-9 * static_cast<double>((i * 271) % n);
  values[0] += 1;  // spreads the data
  Rows queries(2, 3);
  for (double& v : queries.values()) v = 1000 + 3e-7;
  expect_as_by_sorting(RowsView<const double>(values.data(), n, 3), {}, queries, 6);
}

TEST(NearestRows, AnswersQueriesBeyondTheRangeOfSingle) {
  const std::vector<double> values = {0, 1, 2, 3, 4, 5};
  Rows queries(2, 1);
  queries(0, 0) = 1e60;
  queries(1, 0) = -1e60;
  const NearestRows nearest = nearest_rows(RowsView<const double>(values.data(), 6, 1), {}, queries.view(), 1, {});
  EXPECT_EQ(nearest.index, (std::vector<std::uint32_t>{0, 0}));  // all the same in double
}

}  // namespace
}  // namespace scorefield
