#include "scorefield/metrics/neighbour_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "scorefield/base/error.h"
#include "scorefield/kernel/nearest.h"
#include "scorefield/kernel/pairs_within.h"

namespace scorefield {
namespace {

/// Bit g: what holds without group g; the bit after the groups: what holds with all rows.
using Mask = std::uint32_t;
static_assert(GroupedRows::kMostGroups < 32);

constexpr Mask bit(std::size_t g) {
  return Mask{1} << g;
}

/// Bits of the data sets without a group of `owner`, with which the row at `distance` from its row `centre` is in the
/// ball of that row.
Mask in_ball(const GroupedRows& owner, const NeighbourRadii& radii, std::size_t centre, double distance) {
  Mask mask = distance <= radii.radius(centre, kNoGroup) ? bit(owner.groups()) : 0;
  for (std::size_t g = 0; g < owner.groups(); ++g) {
    if (g != owner.group_of(centre) && distance <= radii.radius(centre, g)) mask |= bit(g);
  }
  return mask;
}

/// The nearest row of the other set, and the nearest outside its group: the nearest without any group.
class NearestOther {
 public:
  void add(double distance, std::size_t group) {
    if (distance < best_) {
      if (group != group_) second_ = best_;
      best_ = distance;
      group_ = group;
    } else if (group != group_) {
      second_ = std::min(second_, distance);
    }
  }
  double without(std::size_t group) const { return group == group_ ? second_ : best_; }

 private:
  double best_ = std::numeric_limits<double>::infinity();
  double second_ = std::numeric_limits<double>::infinity();
  std::size_t group_ = kNoGroup - 1;
};

/// Twice what a row counts in the nearest-neighbour test.
std::size_t twice_own(double own, double other) {
  return own < other ? 2 : own == other ? 1 : 0;
}

/// A sum over the rows of both sets: of all, without each group of the data, and without each of the samples.
class Counts {
 public:
  Counts(const GroupedRows& data, const GroupedRows& samples) : data_(data.groups() + 1), samples_(samples.groups()) {}

  std::size_t& without(std::size_t a, std::size_t b) {
    return b != kNoGroup ? samples_[b] : a != kNoGroup ? data_[a] : data_.back();
  }

 private:
  std::vector<std::size_t> data_;
  std::vector<std::size_t> samples_;
};

/// What is counted while the pairs go by.
class Counting {
 public:
  Counting(const GroupedRows& data, const NeighbourRadii& data_radii, const GroupedRows& samples,
           const NeighbourRadii& sample_radii)
      : data_(data),
        samples_(samples),
        data_radii_(data_radii),
        sample_radii_(sample_radii),
        recalled_(data.size()),
        covered_(data.size()),
        covered_without_sample_(data.size()),
        nearest_sample_(data.size()) {}

  void add_sample(std::size_t s, std::span<const RowDistance> near) {
    const std::size_t group = samples_.group_of(s);
    Mask precise = 0;
    NearestOther nearest;
    for (const auto& [row, distance] : near) {
      const Mask in_data_ball = in_ball(data_, data_radii_, row, distance);
      precise |= in_data_ball;
      count_density(in_data_ball, group);
      covered_[row] |= in_data_ball;
      if ((in_data_ball & bit(data_.groups())) != 0) covered_without_sample_[row] |= ~bit(group);
      recalled_[row] |= in_ball(samples_, sample_radii_, s, distance);
      nearest.add(distance, data_.group_of(row));
      nearest_sample_[row].add(distance, group);
    }
    count(precision_, precise, data_.groups(), group, false);
    for_each_choice([&](std::size_t a, std::size_t b) {
      if (b == group) return;
      nearest_accuracy_.without(a, b) += twice_own(sample_radii_.nearest(s, b), nearest.without(a));
    });
  }

  NeighbourMetrics finish() {
    for (std::size_t i = 0; i < data_.size(); ++i) {
      const std::size_t group = data_.group_of(i);
      count(recall_, recalled_[i], samples_.groups(), group, true);
      for_each_choice([&](std::size_t a, std::size_t b) {
        if (a == group) return;
        const bool is_covered = b == kNoGroup ? (covered_[i] & bit(a == kNoGroup ? data_.groups() : a)) != 0
                                              : (covered_without_sample_[i] & bit(b)) != 0;
        coverage_.without(a, b) += is_covered ? 1 : 0;
        nearest_accuracy_.without(a, b) += twice_own(data_radii_.nearest(i, a), nearest_sample_[i].without(b));
      });
    }
    const auto mean = [&](Counts& counts, bool over_data, bool over_samples, double each) {
      return jackknife(data_.groups(), samples_.groups(), [&](std::size_t a, std::size_t b) {
        const std::size_t rows =
            (over_data ? data_.size_without(a) : 0) + (over_samples ? samples_.size_without(b) : 0);
        return static_cast<double>(counts.without(a, b)) / (static_cast<double>(rows) * each);
      });
    };
    NeighbourMetrics result;
    result.precision = mean(precision_, false, true, 1);
    result.recall = mean(recall_, true, false, 1);
    result.density = mean(density_, false, true, static_cast<double>(data_radii_.k()));
    result.coverage = mean(coverage_, true, false, 1);
    result.nearest_accuracy = mean(nearest_accuracy_, true, true, 2);
    return result;
  }

 private:
  template <class Use>
  void for_each_choice(const Use& use) const {
    use(kNoGroup, kNoGroup);
    for (std::size_t a = 0; a < data_.groups(); ++a) use(a, kNoGroup);
    for (std::size_t b = 0; b < samples_.groups(); ++b) use(kNoGroup, b);
  }

  /// A row of one set (its group: `own`) for which `mask` says what holds without each group of the other set, of
  /// `others` groups. Without another group of its own set it is what it is with all.
  void count(Counts& counts, Mask mask, std::size_t others, std::size_t own, bool is_data) const {
    for_each_choice([&](std::size_t a, std::size_t b) {
      const std::size_t own_left_out = is_data ? a : b;
      const std::size_t other_left_out = is_data ? b : a;
      if (own_left_out == own) return;
      counts.without(a, b) += (mask & bit(other_left_out == kNoGroup ? others : other_left_out)) != 0 ? 1 : 0;
    });
  }

  void count_density(Mask in_data_ball, std::size_t sample_group) {
    count(density_, in_data_ball, data_.groups(), sample_group, false);
  }

  const GroupedRows& data_;
  const GroupedRows& samples_;
  const NeighbourRadii& data_radii_;
  const NeighbourRadii& sample_radii_;
  std::vector<Mask> recalled_;                // a data row: in a ball of the samples without each of their groups
  std::vector<Mask> covered_;                 // has a sample in its ball without each group of the data
  std::vector<Mask> covered_without_sample_;  // and without each group of the samples
  std::vector<NearestOther> nearest_sample_;
  Counts precision_{data_, samples_}, recall_{data_, samples_}, density_{data_, samples_}, coverage_{data_, samples_},
      nearest_accuracy_{data_, samples_};
};

}  // namespace

NeighbourRadii::NeighbourRadii(const GroupedRows& set, std::size_t k, const Context& context)
    : k_(k), radius_(set.size(), set.groups() + 1), nearest_(set.size(), set.groups() + 1), largest_(set.size()) {
  std::size_t fewest = set.size();
  for (std::size_t g = 0; g < set.groups(); ++g) fewest = std::min(fewest, set.size_without(g));
  if (k < 1 || fewest < k + 1) {
    throw Error(fmt::format(
        "{} nearest neighbours among {} rows, of which the standard error leaves {}; take more rows or fewer "
        "neighbours (1 to {})",
        k, set.size(), fewest, fewest - 1));
  }
  const RowsView<const double> rows = set.rows().view();
  // Of so many neighbours all but never more than half are in one group of a twentieth of the rows.
  const std::size_t most = std::min(set.size(), 2 * k + 11);
  const NearestRows found = nearest_rows(rows, {}, rows, most, context);
  /// False when the list is too short without some group.
  const auto fill = [&](std::size_t i, std::span<const std::uint32_t> index, std::span<const double> distance) {
    bool complete = true;
    for (std::size_t column = 0; column <= set.groups(); ++column) {
      std::size_t seen = 0;
      for (std::size_t r = 0; r < index.size() && seen < k; ++r) {
        if (index[r] == i || set.group_of(index[r]) == column) continue;
        if (++seen == 1) nearest_(i, column) = distance[r];
        radius_(i, column) = distance[r];
      }
      // Of its own group a row is never the one that asks.
      complete = complete && seen == k;
    }
    return complete;
  };
  for (std::size_t i = 0; i < set.size(); ++i) {
    const std::span<const std::uint32_t> index(found.index.data() + i * most, most);
    const std::span<const double> distance(found.distance.data() + i * most, most);
    if (!fill(i, index, distance)) {
      const NearestRows all = nearest_rows(rows, {}, rows.slice(i, 1), set.size(), context);
      ensure(fill(i, all.index, all.distance), "k other rows are left without any group");
    }
    largest_[i] = *std::ranges::max_element(radius_[i]);
  }
}

NeighbourMetrics neighbour_metrics(const GroupedRows& data, const NeighbourRadii& data_radii,
                                   const GroupedRows& samples, const NeighbourRadii& sample_radii,
                                   const Context& context) {
  ensure(data_radii.largest().size() == data.size() && sample_radii.largest().size() == samples.size(),
         "the radii are those of the sets");
  ensure(data_radii.k() == sample_radii.k(), "one k for both sets");
  Counting counting(data, data_radii, samples, sample_radii);
  pairs_within(
      data.rows().view(), data_radii.largest(), samples.rows().view(), sample_radii.largest(),
      [&](std::size_t s, std::span<const RowDistance> near) { counting.add_sample(s, near); }, context);
  return counting.finish();
}

}  // namespace scorefield
