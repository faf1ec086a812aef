// Elementary functions from +, *, / alone, so that their bits do not depend on the machine's libm.
#pragma once

#include <bit>
#include <cstdint>

namespace scorefield {

/// Natural logarithm of a normal positive x, by the atanh series. Error below 2 ulp.
inline double portable_log(double x) {
  auto bits = std::bit_cast<std::uint64_t>(x);
  auto exponent = static_cast<std::int64_t>(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffULL) | 0x3ff0000000000000ULL;
  double m = std::bit_cast<double>(bits);  // in [1, 2)
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1.0) / (m + 1.0);  // |s| <= 0.1716, so 11 terms reach 2^-56
  const double q = s * s;
  double series = 0.0;
  for (int k = 10; k >= 0; --k) series = series * q + 1.0 / (2 * k + 1);
  return static_cast<double>(exponent) * 0.69314718055994530942 + 2.0 * s * series;
}

}  // namespace scorefield
