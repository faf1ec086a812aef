#include "scorefield/learn/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

constexpr const char* kStep = "step";

}  // namespace

void save_state(const std::filesystem::path& path, std::span<const net::Tensor> tensors,
                std::span<const StatePart> parts, std::uint64_t step, const TensorMetadata& metadata) {
  const auto number = static_cast<std::int64_t>(step);
  std::vector<TensorBytes> all = {{kStep, ScalarType::kI64, {1}, std::as_bytes(std::span(&number, 1))}};
  for (const StatePart& part : parts) {
    for (const net::Tensor& tensor : tensors) {
      all.push_back({part.prefix + tensor.name, ScalarType::kF32, tensor.shape,
                     std::as_bytes(part.values.subspan(tensor.offset, tensor.size))});
    }
  }
  write_safetensors(path, std::move(all), metadata);
}

std::uint64_t load_state(const std::filesystem::path& path, std::span<const net::Tensor> tensors,
                         std::span<const StatePart> parts, const Context& context) {
  const SafetensorsFile file = open_safetensors(path, context);
  const Array step = file.read(kStep, context);
  if (step.count() != 1 || step.values<std::int64_t>()[0] < 0) {
    throw Error(fmt::format("{}: 'step' is not a number of steps", path.string()));
  }
  if (const std::size_t expected = 1 + parts.size() * tensors.size(); file.keys().size() != expected) {
    throw Error(
        fmt::format("{}: holds {} tensors where this training has {}; it is of another network or another kind "
                    "of average",
                    path.string(), file.keys().size(), expected));
  }
  std::vector<Array> read;
  for (const StatePart& part : parts) {
    for (const net::Tensor& tensor : tensors) read.push_back(read_weights(file, part.prefix, tensor, context));
  }
  auto stored = read.begin();
  for (const StatePart& part : parts) {
    for (const net::Tensor& tensor : tensors) {
      std::ranges::copy((stored++)->values<float>(), part.values.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
    }
  }
  return static_cast<std::uint64_t>(step.values<std::int64_t>()[0]);
}

Array read_weights(const SafetensorsFile& file, const std::string& prefix, const net::Tensor& tensor,
                   const Context& context) {
  Array stored = file.read(prefix + tensor.name, context);
  if (stored.shape != tensor.shape) {
    throw Error(fmt::format("{}: has the shape [{}], but in this network it is [{}]", stored.name,
                            fmt::join(stored.shape, ", "), fmt::join(tensor.shape, ", ")));
  }
  const std::span<const float> values = stored.values<float>();
  const auto bad = std::ranges::find_if(values, [](float value) { return !std::isfinite(value); });
  if (bad != values.end()) {
    throw Error(fmt::format("{}: value {} is not finite", stored.name, bad - values.begin()));
  }
  return stored;
}

}  // namespace scorefield
