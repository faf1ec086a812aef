#include "scorefield/kernel/centred_rows.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "scorefield/base/thread_pool.h"

namespace scorefield {

AlignedFloats::AlignedFloats(std::size_t count) : values_(hwy::AllocateAligned<float>(count)) {
  if (values_ == nullptr) throw std::bad_alloc();
  std::fill_n(values_.get(), count, 0.0F);
}

CentredRows::CentredRows(StoredRows rows, Affine affine, std::span<const double> about, double spread)
    : rows_(rows), affine_(affine) {
  if (!bytes() && spread > 0) unit_ = std::ldexp(1.0F, -std::clamp(std::ilogb(spread), -100, 100));
  units_per_data_ = static_cast<double>(unit_) / std::abs(affine.scale);
  centre_.assign(stride(), 0.0F);
  shifted_centre_.assign(stride(), 0x1p23F);
  zeros_.assign(stride(), 0.0F);
  for (std::size_t k = 0; k < dimension(); ++k) {
    centre_[k] = static_cast<float>(bytes() ? std::round(about[k]) : about[k]);
    shifted_centre_[k] = 0x1p23F + centre_[k];
  }
}

double CentredRows::centre_query(std::span<const double> x, float* u) const {
  double square = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double value = (affine_.to_stored(x[k]) - static_cast<double>(centre_[k])) * static_cast<double>(unit_);
    u[k] = static_cast<float>(value);
    square += value * value;
  }
  return std::sqrt(square);
}

double CentredRows::half_norm(std::size_t row) const {
  return std::visit(
      [&](const auto& view) {
        const auto* values = view[row].data();
        double square = 0;
        for (std::size_t k = 0; k < dimension(); ++k) {
          const double u =
              (static_cast<double>(values[k]) - static_cast<double>(centre_[k])) * static_cast<double>(unit_);
          square += u * u;
        }
        return square / 2;
      },
      rows_);
}

std::vector<float> CentredRows::half_norms(const Context& context) const {
  constexpr std::size_t kTaskRows = 1024;
  std::vector<float> norms(size());
  run_tasks(context.pool, (size() + kTaskRows - 1) / kTaskRows, [&](std::size_t task, int /*worker*/) {
    context.check_cancelled();
    for (std::size_t i = kTaskRows * task; i < std::min(size(), kTaskRows * (task + 1)); ++i) {
      norms[i] = static_cast<float>(half_norm(i));
    }
  });
  return norms;
}

double CentredRows::worst_score_error(double norm, double longest) const {
  // A chain of n fused operations is off by at most n units of sum |x_k y_k| <= |x||y|; blocks are added to one
  // another; x, y (unless u is exact), |y|^2/2 and the sums made of them are rounded once each.
  const std::size_t block = tile::block_length(dimension());
  const double chain = static_cast<double>(block + (dimension() + block - 1) / block);
  return 0x1p-24 * (chain * norm * longest + 6 * (norm + longest) * longest);
}

void CentredRows::Tile::select(std::span<const std::uint32_t> subset, std::size_t first, std::size_t last,
                               std::size_t end) {
  count_ = last - first;
  converted_ = false;
  const auto number_at = [&](std::size_t position) {
    return subset.empty() ? static_cast<std::uint32_t>(position) : subset[position];
  };
  for (std::size_t j = 0; j < tile::kTileRows; ++j) numbers_[j] = number_at(first + (j < count_ ? j : 0));
  std::visit(
      [&](const auto& view) {
        row_bytes_ = view[0].size_bytes();
        const auto address = [&](std::uint32_t number) {
          return reinterpret_cast<const std::uint8_t*>(view[number].data());
        };
        for (std::size_t j = 0; j < tile::kTileRows; ++j) {
          stored_[j] = address(numbers_[j]);
          stored_[tile::kTileRows + j] = address(number_at(std::min(first + tile::kTileRows + j, end - 1)));
        }
      },
      rows_.rows_);
}

const float* CentredRows::Tile::values() {
  if (!values_) values_.emplace(tile::kTileRows * rows_.stride());
  if (!converted_) {
    std::visit(
        [&](const auto& view) {
          for (std::size_t j = 0; j < tile::kTileRows; ++j) {
            tile::centre_row(view[numbers_[j]].data(), rows_.centre(), rows_.unit_, rows_.dimension(),
                             values_->data() + j * rows_.stride());
          }
        },
        rows_.rows_);
    converted_ = true;
  }
  return values_->data();
}

tile::FloatRows CentredRows::Tile::floats() {
  const bool as_stored = std::holds_alternative<RowsView<const float>>(rows_.rows_);
  const float* converted = as_stored ? nullptr : values();
  for (std::size_t j = 0; j < tile::kTileRows; ++j) {
    floats_[j] = as_stored ? reinterpret_cast<const float*>(stored_[j]) : converted + j * rows_.stride();
  }
  return {floats_.data(), as_stored ? rows_.centre() : rows_.zeros_.data(), as_stored ? rows_.unit_ : 1.0F};
}

}  // namespace scorefield
