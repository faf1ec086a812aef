// Stored rows as the f32 loops see them: shifted to their centre and scaled, one tile at a time. Far-off-centre data
// lose their digits in f32 otherwise; about the centre a difference keeps all of them.
#pragma once

#include <hwy/aligned_allocator.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/stored_rows.h"
#include "scorefield/kernel/tile.h"

namespace scorefield {

/// Floats on cache lines, zero to begin with.
class AlignedFloats {
 public:
  explicit AlignedFloats(std::size_t count);
  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }

 private:
  hwy::AlignedFreeUniquePtr<float[]> values_;
};

/// u = (stored - centre) * unit. The centre is an integer for 8-bit rows, so that u is exact; the unit is a power of 2,
/// so that scaling is, and takes rows of any magnitude into the range of f32.
class CentredRows {
 public:
  /// about: near the mean of the rows, [d], stored units; spread: near their rms distance from it, stored units.
  CentredRows(StoredRows rows, Affine affine, std::span<const double> about, double spread);

  std::size_t size() const { return row_count(rows_); }
  std::size_t dimension() const { return row_length(rows_); }
  std::size_t stride() const { return tile::row_stride(dimension()); }
  bool bytes() const { return std::holds_alternative<RowsView<const std::uint8_t>>(rows_); }
  const StoredRows& rows() const { return rows_; }
  const Affine& affine() const { return affine_; }

  /// Units of the loops per data unit.
  double units_per_data() const { return units_per_data_; }
  /// x: [d], data units -> u, [d], rounded to f32. Returns |u|, of the unrounded u.
  double centre_query(std::span<const double> x, float* u) const;
  /// u -> data units.
  double to_data(double u, std::size_t k) const {
    return affine_.to_data(static_cast<double>(centre_[k]) + u / static_cast<double>(unit_));
  }
  /// |u|^2 / 2 of every row, rounded once to f32.
  std::vector<float> half_norms(const Context& context) const;
  /// The most that x.y - |y|^2/2 can be off in the loops, for |x| = norm and rows no longer than `longest`.
  double worst_score_error(double norm, double longest) const;

  /// kTileRows rows of all or of a subset; where there is no row, the first of the tile again. Filled as far as the
  /// loops need.
  class Tile {
   public:
    explicit Tile(const CentredRows& rows) : rows_(rows) {}
    /// Rows first to last - 1, by position in `subset` (empty: among all). `end`: where the positions end.
    void select(std::span<const std::uint32_t> subset, std::size_t first, std::size_t last, std::size_t end);
    std::uint32_t number(std::size_t j) const { return numbers_[j]; }
    std::size_t count() const { return count_; }
    /// Rows as u, [kTileRows][stride]; converted when first asked for.
    const float* values();
    /// Rows of floats: as stored where they are stored so, else values().
    tile::FloatRows floats();
    /// Rows as stored, where they are bytes().
    const std::uint8_t* const* stored_bytes() const { return stored_.data(); }
    /// The rows of the tile after this one.
    tile::Ahead ahead() const { return {stored_.data() + tile::kTileRows, row_bytes_}; }

   private:
    const CentredRows& rows_;
    std::size_t count_ = 0;
    std::size_t row_bytes_ = 0;
    bool converted_ = false;
    std::array<std::uint32_t, tile::kTileRows> numbers_{};
    std::array<const std::uint8_t*, 2 * tile::kTileRows> stored_{};
    std::array<const float*, tile::kTileRows> floats_{};
    std::optional<AlignedFloats> values_;
  };

  const float* centre() const { return centre_.data(); }
  /// 2^23 + centre, for the loops on bytes.
  const float* shifted_centre() const { return shifted_centre_.data(); }

 private:
  double half_norm(std::size_t row) const;

  StoredRows rows_;
  Affine affine_;
  float unit_ = 1;
  double units_per_data_ = 1;
  std::vector<float> centre_;          // [stride]
  std::vector<float> shifted_centre_;  // [stride]
  std::vector<float> zeros_;           // [stride]
};

}  // namespace scorefield
