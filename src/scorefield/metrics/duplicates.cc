#include "scorefield/metrics/duplicates.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <tuple>
#include <utility>

#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

constexpr std::size_t kTaskRows = 4096;

/// Equal rows have equal hashes: -0.0 equals 0.0, so the sign of a zero must not count.
template <class T>
std::size_t hash_row(std::span<const T> row, std::vector<T>& scratch) {
  scratch.assign(row.begin(), row.end());
  if constexpr (std::is_floating_point_v<T>) {
    for (T& v : scratch) v += T{0};
  }
  const auto bytes = std::as_bytes(std::span<const T>(scratch));
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

std::vector<std::vector<std::uint32_t>> exact_duplicates(const Dataset& data, const Context& context) {
  using Entry = std::pair<std::size_t, std::uint32_t>;  // hash, row
  context.check_memory(data.size() * sizeof(Entry), "the hashes of the rows");
  std::vector<Entry> entries(data.size());
  std::vector<std::vector<std::uint32_t>> groups;
  std::visit(
      [&](const auto& rows) {
        using T = std::remove_cvref_t<decltype(rows(0, 0))>;
        run_tasks(context.pool, (rows.rows + kTaskRows - 1) / kTaskRows, [&](std::size_t task, int /*worker*/) {
          context.check_cancelled();
          std::vector<T> scratch;
          for (std::size_t i = task * kTaskRows; i < std::min(rows.rows, (task + 1) * kTaskRows); ++i) {
            entries[i] = {hash_row<T>(rows[i], scratch), static_cast<std::uint32_t>(i)};
          }
        });
        std::sort(entries.begin(), entries.end());
        for (auto first = entries.begin(); first != entries.end();) {
          const auto last = std::find_if(first, entries.end(), [&](const Entry& e) { return e.first != first->first; });
          // Almost always one group; rows that only share the hash make groups of their own.
          std::vector<std::vector<std::uint32_t>> found;
          for (; first != last; ++first) {
            const std::uint32_t row = first->second;
            const auto same = std::find_if(found.begin(), found.end(), [&](const std::vector<std::uint32_t>& group) {
              return std::ranges::equal(rows[group.front()], rows[row]);
            });
            if (same == found.end()) {
              found.push_back({row});
            } else {
              same->push_back(row);
            }
          }
          for (auto& group : found) {
            if (group.size() > 1) groups.push_back(std::move(group));
          }
        }
      },
      data.stored());
  std::sort(groups.begin(), groups.end());
  return groups;
}

std::vector<RowPair> near_pairs(const NearestTwo& nearest, std::span<const std::size_t> rows, double threshold) {
  std::vector<RowPair> pairs;
  const auto add = [&](std::size_t row, std::uint32_t other, double distance) {
    if (!(distance > 0.0 && distance <= threshold)) return;
    const auto [low, high] = std::minmax({static_cast<std::uint32_t>(row), other});
    pairs.push_back({low, high, distance});
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    add(rows[i], nearest.index1[i], nearest.d1[i]);
    add(rows[i], nearest.index2[i], nearest.d2[i]);
  }
  const auto key = [](const RowPair& p) { return std::tuple(p.distance, p.first, p.second); };
  // The two directions of a pair may differ in the last bit of the distance.
  std::sort(pairs.begin(), pairs.end(), [&](const RowPair& a, const RowPair& b) {
    return std::tuple(a.first, a.second, a.distance) < std::tuple(b.first, b.second, b.distance);
  });
  const auto same = [](const RowPair& a, const RowPair& b) { return a.first == b.first && a.second == b.second; };
  pairs.erase(std::unique(pairs.begin(), pairs.end(), same), pairs.end());
  std::sort(pairs.begin(), pairs.end(), [&](const RowPair& a, const RowPair& b) { return key(a) < key(b); });
  return pairs;
}

}  // namespace scorefield
