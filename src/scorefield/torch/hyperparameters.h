// Hyperparameters that go together, or an Error that says which do not and what would.
#pragma once

#include <cstddef>
#include <string>

#include "scorefield/learn/architecture.h"

namespace scorefield::net {

inline constexpr std::size_t kMostParameters = std::size_t{1} << 31;  // 8 GiB; training takes five times that

/// Each throws Error, its text led by the kind of network.
void need_positive(const Architecture& architecture, const char* name, std::size_t value);
/// value: what `name` is, a count of layers or blocks, each of which takes memory whatever its width.
void need_count(const Architecture& architecture, const char* name, std::size_t value);
/// divisor (called `name`) has to divide `value`, of which `what` says what it is.
void need_divisor(const Architecture& architecture, const char* name, std::size_t divisor, const std::string& what,
                  std::size_t value);
/// What all kinds share: shapes, frequencies, classes.
void need_shapes(const Architecture& architecture);
/// width * multiplier, without overflow.
std::size_t channels_at(const Architecture& architecture, std::size_t level);
/// height and width, in patches of `patch` pixels, halve as often as there are multipliers but the first.
void need_resolutions(const Architecture& architecture, const Shape& image, std::size_t patch);
/// What the convolutional kinds share: multipliers, blocks, groups.
void need_levels(const Architecture& architecture);
/// parameters: of the whole network.
void need_possible_size(const Architecture& architecture, std::size_t parameters);

}  // namespace scorefield::net
