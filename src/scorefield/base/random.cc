#include "scorefield/base/random.h"

#include <Random123/philox.h>

#include <array>

#include "scorefield/base/error.h"
#include "scorefield/base/normals.h"

namespace scorefield {
namespace {

std::array<std::uint64_t, 2> philox(std::uint64_t seed, Purpose purpose, std::uint64_t node, std::uint64_t block) {
  r123::Philox4x32 generator;
  const r123::Philox4x32::ctr_type counter = {
      {static_cast<std::uint32_t>(block),
       static_cast<std::uint32_t>(block >> 32) | static_cast<std::uint32_t>(purpose) << 16,
       static_cast<std::uint32_t>(node), static_cast<std::uint32_t>(node >> 32)}};
  const r123::Philox4x32::key_type key = {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}};
  const auto out = generator(counter, key);
  return {out[0] | static_cast<std::uint64_t>(out[1]) << 32, out[2] | static_cast<std::uint64_t>(out[3]) << 32};
}

/// 52 bits, centred in their cell: 2^-53 ... 1 - 2^-53, symmetric about 1/2.
double to_uniform(std::uint64_t bits) {
  return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52;
}

}  // namespace

std::uint64_t RandomStream::bits(std::uint64_t element) const {
  return philox(seed_, purpose_, node_, element >> 1)[element & 1];
}

double RandomStream::uniform(std::uint64_t element) const {
  return to_uniform(bits(element));
}

std::uint64_t RandomStream::below(std::uint64_t element, std::uint64_t bound) const {
  ensure(bound > 0, "bound > 0");
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(bits(element)) * bound >> 64);
}

void RandomStream::normals(std::span<double> out, std::uint64_t first) const {
  fill_normals(seed_, purpose_, node_, first, out);
}

}  // namespace scorefield
