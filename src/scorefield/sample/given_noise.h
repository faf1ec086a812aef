// Noise from files, in place of the seeds' own.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/data/array.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

/// Rows [first, first + count) in data units, [count, d].
Rows rows_of(const Dataset& data, std::size_t first, std::size_t count);

/// Unit noise for rows like those of `data`: an array of floats [N, d], or of the shape of its images. The values stay
/// as they are. Throws Error (with the file) on other types, shapes and values that are not finite.
Dataset open_noise(const std::string& path, const Dataset& data, const Context& context);

/// Draws that were recorded: what a whole run of N samples asked for, in order.
class StepDraws {
 public:
  /// An .npy of floats: [draws, N, d], or [draws, N, ...] with d values a sample. Throws Error (with the file) on other
  /// types, shapes and values that are not finite.
  StepDraws(const std::filesystem::path& path, std::size_t dimension, const Context& context);

  const std::string& name() const { return array_.name; }
  std::size_t size() const { return draws_; }
  std::size_t samples() const { return samples_; }
  /// Every draw of the samples [first, first + count): [count, d] each.
  std::vector<Rows> of_samples(std::size_t first, std::size_t count) const;
  /// SHA-256 (hex) over type, shape and values.
  std::string digest() const;

 private:
  Array array_;
  std::size_t draws_ = 0;
  std::size_t samples_ = 0;
  std::size_t dimension_ = 0;
};

}  // namespace scorefield
