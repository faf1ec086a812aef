// The vectorised kernel behind RandomStream::normals.
#pragma once

#include <cstdint>
#include <span>

#include "scorefield/base/random.h"

namespace scorefield {

/// out[k] = normal_quantile(RandomStream(seed, purpose, node).uniform(first + k)), bit for bit, on every instruction
/// set. first + out.size() <= 2^47.
void fill_normals(std::uint64_t seed, Purpose purpose, std::uint64_t node, std::uint64_t first, std::span<double> out);

}  // namespace scorefield
