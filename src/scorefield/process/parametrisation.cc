#include "scorefield/process/parametrisation.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

/// A prediction is denoised D + noise eps.
struct Combination {
  double denoised;
  double noise;
};

Combination combination(Prediction prediction, const Marginal& at) {
  switch (prediction) {
    case Prediction::kDenoised:
      return {1, 0};
    case Prediction::kNoise:
      return {0, 1};
    case Prediction::kV: {
      const double length = std::hypot(at.scale, at.noise);
      return {-at.noise / length, at.scale / length};
    }
    case Prediction::kScore:
      return {0, -1 / at.noise};
    case Prediction::kVelocity:
      return {at.dscale_dt, at.dnoise_dt};
  }
  throw_bug("a known prediction", __FILE__, __LINE__);
}

std::string_view name_of(Prediction prediction) {
  switch (prediction) {
    case Prediction::kDenoised:
      return "the denoised mean";
    case Prediction::kNoise:
      return "the noise";
    case Prediction::kV:
      return "v";
    case Prediction::kScore:
      return "the score";
    case Prediction::kVelocity:
      return "the velocity";
  }
  throw_bug("a known prediction", __FILE__, __LINE__);
}

}  // namespace

Conversion::Conversion(Prediction from, Prediction to, const Marginal& at) {
  if (from == to) return;
  // out = p x + q value with x = s D + b eps: two equations for p and q, solved by determinants. For s' <= 0 <= b'
  // every determinant but (v, velocity) is a sum of terms of one sign.
  const Combination given = combination(from, at);
  const Combination wanted = combination(to, at);
  const double determinant = at.scale * given.noise - at.noise * given.denoised;
  const double p = wanted.denoised * given.noise - wanted.noise * given.denoised;
  const double q = at.scale * wanted.noise - at.noise * wanted.denoised;
  bool determined = false;
  if (p == 0) {  // multiples of each other, whatever x is
    from_value_ = given.noise != 0 ? wanted.noise / given.noise : wanted.denoised / given.denoised;
    determined = std::isfinite(from_value_);
  } else {
    from_x_ = p / determinant;
    ratio_ = q / p;
    determined = std::isfinite(from_x_) && std::isfinite(ratio_);
  }
  if (!determined) {
    throw Error(fmt::format("{} does not determine {} at sigma = {}", name_of(from), name_of(to), at.sigma));
  }
}

void Conversion::apply(std::span<const double> x, std::span<const double> value, std::span<double> out) const {
  ensure(x.size() == value.size() && x.size() == out.size(), "rows of one length");
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = (*this)(x[k], value[k]);
}

}  // namespace scorefield
