#include "scorefield/metrics/neighbours.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "scorefield/base/error.h"
#include "scorefield/kernel/nearest.h"

namespace scorefield {
namespace {

/// Queries asked at a time: enough for the kernel to run at full speed, 32 MiB of scratch at most.
std::size_t block_rows(std::size_t dimension) {
  return std::clamp<std::size_t>((std::size_t{32} << 20) / (sizeof(double) * dimension), 1, 1024);
}

void append(NearestTwo& result, std::span<const std::uint32_t> index, std::span<const double> distance) {
  result.d1.push_back(distance[0]);
  result.index1.push_back(index[0]);
  const bool second = distance.size() > 1;
  result.d2.push_back(second ? distance[1] : std::numeric_limits<double>::infinity());
  result.index2.push_back(second ? index[1] : kNoRow);
}

/// fill(first, block) writes the queries [first, first + block.rows); self(i) is the row that query i must not find.
template <class Fill, class Self>
NearestTwo search(const Dataset& training, std::size_t count, bool leave_one_out, const Fill& fill, const Self& self,
                  const Context& context) {
  const std::size_t k = std::min<std::size_t>(leave_one_out ? 3 : 2, training.size());
  const std::size_t step = std::min(block_rows(training.dimension()), count);
  context.check_memory(step * training.dimension() * sizeof(double), "the queries of a nearest-row search");
  Rows block(step, training.dimension());
  Context quiet = context;  // a block's own progress would restart the caller's bar
  quiet.progress = nullptr;
  NearestTwo result;
  for (std::size_t first = 0; first < count; first += step) {
    context.check_cancelled();
    const RowsView<double> queries = block.view().slice(0, std::min(step, count - first));
    fill(first, queries);
    const NearestRows found = nearest_rows(training.stored(), training.affine(), queries, k, quiet);
    for (std::size_t i = 0; i < queries.rows; ++i) {
      std::vector<std::uint32_t> index(found.index.begin() + i * k, found.index.begin() + (i + 1) * k);
      std::vector<double> distance(found.distance.begin() + i * k, found.distance.begin() + (i + 1) * k);
      if (leave_one_out) {
        // Among many exact duplicates the row itself may not be of the three found; then the first two are right too.
        const auto at = std::min<std::ptrdiff_t>(std::find(index.begin(), index.end(), self(first + i)) - index.begin(),
                                                 static_cast<std::ptrdiff_t>(k) - 1);
        index.erase(index.begin() + at);
        distance.erase(distance.begin() + at);
      }
      append(result, index, distance);
    }
    context.report("nearest rows", static_cast<double>(first + queries.rows), static_cast<double>(count));
  }
  return result;
}

void copy_rows(const Dataset& from, std::span<const std::size_t> rows, std::size_t first, RowsView<double> to) {
  for (std::size_t i = 0; i < to.rows; ++i) from.row(rows[first + i], to[i]);
}

}  // namespace

std::vector<double> NearestTwo::ratios() const {
  std::vector<double> result(size());
  for (std::size_t i = 0; i < size(); ++i) result[i] = d1[i] == 0.0 ? 0.0 : d1[i] / d2[i];
  return result;
}

void check_same_shape(const Dataset& training, const Dataset& queries) {
  if (queries.shape() != training.shape()) {
    throw Error(fmt::format("{} has rows of shape [{}], {} has [{}]: only rows of one shape can be compared",
                            training.name(), fmt::join(training.shape(), ", "), queries.name(),
                            fmt::join(queries.shape(), ", ")));
  }
}

NearestTwo nearest_two(const Dataset& training, RowsView<const double> queries, const Context& context) {
  if (queries.cols != training.dimension()) {
    throw Error(fmt::format("rows of {} values cannot be compared with {}, whose rows have {}", queries.cols,
                            training.name(), training.dimension()));
  }
  const auto fill = [&](std::size_t first, RowsView<double> block) {
    for (std::size_t i = 0; i < block.rows; ++i) std::ranges::copy(queries[first + i], block[i].begin());
  };
  return search(
      training, queries.rows, false, fill, [](std::size_t) { return kNoRow; }, context);
}

NearestTwo nearest_two(const Dataset& training, const Dataset& queries, std::span<const std::size_t> rows,
                       const Context& context) {
  check_same_shape(training, queries);
  const auto fill = [&](std::size_t first, RowsView<double> block) { copy_rows(queries, rows, first, block); };
  return search(
      training, rows.size(), false, fill, [](std::size_t) { return kNoRow; }, context);
}

NearestTwo nearest_two_others(const Dataset& training, std::span<const std::size_t> rows, const Context& context) {
  if (training.size() < 2) throw Error(fmt::format("{} has one row only, which has no neighbours", training.name()));
  const auto fill = [&](std::size_t first, RowsView<double> block) { copy_rows(training, rows, first, block); };
  const auto self = [&](std::size_t query) { return static_cast<std::uint32_t>(rows[query]); };
  return search(training, rows.size(), true, fill, self, context);
}

}  // namespace scorefield
