#include "scorefield/base/random.h"

#include <Random123/philox.h>

#include <array>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/portable_math.h"

namespace scorefield {
namespace {

template <std::size_t n>
double horner(const std::array<double, n>& c, double x) {
  double sum = c[n - 1];
  for (std::size_t k = n - 1; k-- > 0;) sum = sum * x + c[k];
  return sum;
}

/// Inverse of the standard normal distribution function (Wichura 1988, algorithm AS 241, relative error 1e-16).
double normal_quantile(double p) {
  constexpr std::array<double, 8> a = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                       1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                       3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr std::array<double, 8> b = {1.0,
                                       4.2313330701600911252e+1,
                                       6.8718700749205790830e+2,
                                       5.3941960214247511077e+3,
                                       2.1213794301586595867e+4,
                                       3.9307895800092710610e+4,
                                       2.8729085735721942674e+4,
                                       5.2264952788528545610e+3};
  constexpr std::array<double, 8> c = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                       3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                       2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr std::array<double, 8> d = {1.0,
                                       2.05319162663775882187e0,
                                       1.67638483018380384940e0,
                                       6.89767334985100004550e-1,
                                       1.48103976427480074590e-1,
                                       1.51986665636164571966e-2,
                                       5.47593808499534494600e-4,
                                       1.05075007164441684324e-9};
  constexpr std::array<double, 8> e = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                       2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                       2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr std::array<double, 8> f = {1.0,
                                       5.99832206555887937690e-1,
                                       1.36929880922735805310e-1,
                                       1.48753612908506148525e-2,
                                       7.86869131145613259100e-4,
                                       1.84631831751005468180e-5,
                                       1.42151175831644588870e-7,
                                       2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * horner(a, r) / horner(b, r);
  }
  const double r = std::sqrt(-portable_log(q < 0 ? p : 1.0 - p));
  const double tail = r <= 5.0 ? horner(c, r - 1.6) / horner(d, r - 1.6) : horner(e, r - 5.0) / horner(f, r - 5.0);
  return q < 0 ? -tail : tail;
}

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
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = normal_quantile(uniform(first + k));
}

}  // namespace scorefield
