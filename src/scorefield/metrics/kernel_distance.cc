#include "scorefield/metrics/kernel_distance.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
constexpr std::size_t kBandwidthRows = 500;

/// Rows from the centre, which keeps the digits of distances, and their dot products with it and themselves.
struct Block {
  Matrix rows;
  std::vector<double> with_centre;
  std::vector<double> squares;
};

Block centred_block(RowsView<const double> rows, std::span<const double> centre) {
  Block block{Matrix(rows.rows, rows.cols), std::vector<double>(rows.rows), std::vector<double>(rows.rows)};
  for (std::size_t i = 0; i < rows.rows; ++i) {
    for (std::size_t k = 0; k < rows.cols; ++k) {
      const double u = rows(i, k) - centre[k];
      block.rows(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(k)) = u;
      block.with_centre[i] += u * centre[k];
      block.squares[i] += u * u;
    }
  }
  return block;
}

double median_distance(RowsView<const double> rows, std::span<const double> centre) {
  const Block block = centred_block(rows, centre);
  const Matrix products = block.rows * block.rows.transpose();
  std::vector<double> squares;
  for (std::size_t i = 0; i < rows.rows; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double product = products(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j));
      squares.push_back(std::max(0.0, block.squares[i] + block.squares[j] - 2 * product));
    }
  }
  const auto middle = squares.begin() + static_cast<std::ptrdiff_t>(squares.size() / 2);
  std::nth_element(squares.begin(), middle, squares.end());
  return std::sqrt(*middle);
}

double sum_without(const Rows& sums, std::size_t without_a, std::size_t without_b) {
  double total = 0;
  for (std::size_t g = 0; g < sums.rows(); ++g) {
    for (std::size_t h = 0; h < sums.cols(); ++h) {
      if (g != without_a && h != without_b) total += sums(g, h);
    }
  }
  return total;
}

/// Over the pairs of different rows of one set.
double mean_within(const Rows& sums, const GroupedRows& set, std::size_t without) {
  const auto n = static_cast<double>(set.size_without(without));
  return sum_without(sums, without, without) / (n * (n - 1));
}

double mean_between(const Rows& sums, const GroupedRows& a, const GroupedRows& b, std::size_t without_a,
                    std::size_t without_b) {
  const auto n = static_cast<double>(a.size_without(without_a));
  const auto m = static_cast<double>(b.size_without(without_b));
  return sum_without(sums, without_a, without_b) / (n * m);
}

}  // namespace

KernelDistance::KernelDistance(const GroupedRows& reference, const Context& context)
    : reference_(reference), centre_(reference.dimension()) {
  for (std::size_t i = 0; i < reference.size(); ++i) {
    for (std::size_t k = 0; k < centre_.size(); ++k) {
      centre_[k] += reference.rows()(i, k) / static_cast<double>(reference.size());
    }
  }
  const double median =
      median_distance(reference.rows().view().slice(0, std::min(kBandwidthRows, reference.size())), centre_);
  if (median > 0) bandwidth_ = median;
  within_ = sums(reference, reference, context);
}

KernelDistance::Sums KernelDistance::sums(const GroupedRows& a, const GroupedRows& b, const Context& context) const {
  Sums result{Rows(a.groups(), b.groups()), Rows(a.groups(), b.groups())};
  const bool same = &a == &b;
  double centre_square = 0;
  for (const double v : centre_) centre_square += v * v;
  const auto p = static_cast<double>(centre_.size());
  run_tasks(context.pool, a.groups() * b.groups(), [&](std::size_t task, int /*worker*/) {
    const std::size_t g = task / b.groups();
    const std::size_t h = task % b.groups();
    if (same && h > g) return;
    context.check_cancelled();
    const Block x = centred_block(a.group(g), centre_);
    const Block y = centred_block(b.group(h), centre_);
    const Matrix products = x.rows * y.rows.transpose();
    double cubic = 0;
    double gaussian = 0;
    for (std::size_t i = 0; i < x.squares.size(); ++i) {
      for (std::size_t j = 0; j < y.squares.size(); ++j) {
        if (same && g == h && i == j) continue;
        const double product = products(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j));
        const double base = (product + x.with_centre[i] + y.with_centre[j] + centre_square) / p + 1;
        cubic += base * base * base;
        const double square = std::max(0.0, x.squares[i] + y.squares[j] - 2 * product);
        gaussian += std::exp(-square / (2 * bandwidth_ * bandwidth_));
      }
    }
    result.cubic(g, h) = cubic;
    result.gaussian(g, h) = gaussian;
    if (!same) return;
    result.cubic(h, g) = cubic;
    result.gaussian(h, g) = gaussian;
  });
  return result;
}

KernelDistances KernelDistance::distances(const GroupedRows& rows, const Context& context) const {
  if (rows.dimension() != reference_.dimension()) {
    throw Error(
        fmt::format("features of {} values cannot be held against {}", rows.dimension(), reference_.dimension()));
  }
  const Sums own = sums(rows, rows, context);
  const Sums between = sums(reference_, rows, context);
  const auto estimate = [&](const Rows& within, const Rows& of_rows, const Rows& across) {
    return jackknife(reference_.groups(), rows.groups(), [&](std::size_t a, std::size_t b) {
      return mean_within(within, reference_, a) + mean_within(of_rows, rows, b) -
             2 * mean_between(across, reference_, rows, a, b);
    });
  };
  return {estimate(within_.cubic, own.cubic, between.cubic),
          estimate(within_.gaussian, own.gaussian, between.gaussian)};
}

}  // namespace scorefield
