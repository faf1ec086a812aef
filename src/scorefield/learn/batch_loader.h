// Which rows a training step sees, and what is done to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scorefield/base/rows.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

struct LoaderOptions {
  std::uint64_t seed = 0;
  std::size_t batch = 128;
  bool labels = false;       // rows carry their class
  double class_dropout = 0;  // the share of rows whose class is left out (-1), for guidance without a classifier
  bool flip = false;         // half of the rows are mirrored left to right; images only
};

/// Goes through the data in a new random order each epoch. What is in a batch is a function of its step alone, so
/// training starts anywhere. Const and thread-safe.
class BatchLoader {
 public:
  /// Throws Error for labels that the data does not have, a dropout outside [0, 1], and flips of what is no image.
  BatchLoader(Dataset data, const LoaderOptions& options);

  const Dataset& data() const { return data_; }
  const LoaderOptions& options() const { return options_; }
  /// The data set's row that row i of a step's batch is.
  std::size_t row_of(std::uint64_t step, std::size_t i) const;
  /// Rows first ... of a step's batch: x [count, d], data units; classes [count], -1 where there is none.
  void load(std::uint64_t step, std::size_t first, RowsView<double> x, std::span<std::int32_t> classes) const;

 private:
  Dataset data_;
  LoaderOptions options_;
};

}  // namespace scorefield
