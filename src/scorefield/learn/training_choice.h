// Where the random choices of a training batch stand in their stream.
#pragma once

#include <cstdint>

namespace scorefield {

/// Of RandomStream(seed, Purpose::kTrainingChoice, step): row r of the batch has the elements from r * kChoicesPerRow
/// on.
inline constexpr std::uint64_t kChoicesPerRow = 4;
enum class TrainingChoice : std::uint64_t { kLevel, kClass, kFlip };

inline std::uint64_t choice_element(std::uint64_t row, TrainingChoice choice) {
  return row * kChoicesPerRow + static_cast<std::uint64_t>(choice);
}

}  // namespace scorefield
