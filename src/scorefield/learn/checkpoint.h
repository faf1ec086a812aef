// The state of a training in a safetensors file: vectors over the weights, tensor by tensor, and the number of steps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/learn/network.h"
#include "scorefield/learn/safetensors.h"

namespace scorefield {

/// A vector over all weights, whose tensors are saved as "prefix" + name.
struct StatePart {
  std::string prefix;
  std::span<float> values;
};

/// Writes every tensor of every part (F32) and `step` (I64, [1]). Throws Error when the disk is full or fails; an
/// earlier file stays then.
void save_state(const std::filesystem::path& path, std::span<const net::Tensor> tensors,
                std::span<const StatePart> parts, std::uint64_t step, const TensorMetadata& metadata);

/// Fills the parts from such a file and returns its step. Throws Error for a file of other tensors or shapes, or with
/// values that are not finite; no part has changed then.
std::uint64_t load_state(const std::filesystem::path& path, std::span<const net::Tensor> tensors,
                         std::span<const StatePart> parts, const Context& context);

/// The values of one tensor of a file, which must be F32, finite and of `tensor`'s shape. Throws Error where not.
Array read_weights(const SafetensorsFile& file, const std::string& prefix, const net::Tensor& tensor,
                   const Context& context);

}  // namespace scorefield
