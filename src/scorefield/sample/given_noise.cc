#include "scorefield/sample/given_noise.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/sha256.h"
#include "scorefield/data/npy.h"

namespace scorefield {
namespace {

bool is_floats(const Array& array) {
  return array.type == ScalarType::kF64 || array.type == ScalarType::kF32 || array.type == ScalarType::kF16;
}

Array read_floats(const std::filesystem::path& path, const Context& context) {
  const Blob file = map_blob(path);
  if (!looks_like_npy(file.bytes))
    throw Error(fmt::format("{}: noise is read from .npy files, and this is none", file.name));
  Array array = read_npy_array(file, context);
  if (!is_floats(array)) {
    throw Error(fmt::format("{}: noise is float32 or float64, and this is {}", file.name, name_of(array.type)));
  }
  return array;
}

/// Values [first, first + out.size()) of an array of floats.
void read_values(const Array& array, std::size_t first, std::span<double> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    switch (array.type) {
      case ScalarType::kF16:
        out[i] = array.values<Half>()[first + i].value();
        break;
      case ScalarType::kF32:
        out[i] = array.values<float>()[first + i];
        break;
      default:
        out[i] = array.values<double>()[first + i];
    }
  }
}

}  // namespace

Rows rows_of(const Dataset& data, std::size_t first, std::size_t count) {
  Rows rows(count, data.dimension());
  for (std::size_t i = 0; i < count; ++i) data.row(first + i, rows[i]);
  return rows;
}

Dataset open_noise(const std::string& path, const Dataset& data, const Context& context) {
  Dataset noise = array_dataset(read_floats(path, context), std::nullopt, context).with_affine({});
  const bool fits = noise.is_image() && data.is_image() ? noise.shape() == data.shape() : true;
  if (!fits || noise.dimension() != data.dimension()) {
    throw Error(fmt::format("{}: rows of shape [{}], but the noise of a sample of {} has [{}]", path,
                            fmt::join(noise.shape(), ", "), data.name(), fmt::join(data.shape(), ", ")));
  }
  return noise;
}

StepDraws::StepDraws(const std::filesystem::path& path, std::size_t dimension, const Context& context)
    : array_(read_floats(path, context)), dimension_(dimension) {
  const std::vector<std::size_t>& shape = array_.shape;
  std::size_t length = shape.size() < 3 ? 0 : 1;
  for (std::size_t k = 2; k < shape.size(); ++k) length *= shape[k];
  if (length != dimension || array_.bytes.empty()) {
    throw Error(fmt::format("{}: shape [{}]; the noise of the steps is [draws, N, {}], a row a sample", array_.name,
                            fmt::join(shape, ", "), dimension));
  }
  draws_ = shape[0];
  samples_ = shape[1];
  std::vector<double> row(dimension);
  for (std::size_t i = 0; i < draws_ * samples_; ++i) {
    if (i % 4096 == 0) context.check_cancelled();
    read_values(array_, i * dimension, row);
    for (const double value : row) {
      if (!std::isfinite(value)) {
        throw Error(fmt::format("{}: draw {}, row {} holds {}, which is not finite", array_.name, i / samples_,
                                i % samples_, value));
      }
    }
  }
}

std::vector<Rows> StepDraws::of_samples(std::size_t first, std::size_t count) const {
  std::vector<Rows> draws;
  for (std::size_t k = 0; k < draws_; ++k) {
    draws.emplace_back(count, dimension_);
    read_values(array_, (k * samples_ + first) * dimension_, draws.back().values());
  }
  return draws;
}

std::string StepDraws::digest() const {
  Sha256 hash;
  hash.update_value(array_.type);
  for (const std::size_t n : array_.shape) hash.update_value(n);
  hash.update(array_.bytes);
  return hash.hex();
}

}  // namespace scorefield
