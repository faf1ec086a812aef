#include "scorefield/kernel/nearest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "scorefield/base/error.h"

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

}  // namespace
}  // namespace scorefield
