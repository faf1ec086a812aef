// Elementary functions from +, *, / alone, so that their bits do not depend on the machine's libm.
#pragma once

#include <bit>
#include <cmath>
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

struct CosSin {
  double cos = 1.0;
  double sin = 0.0;
};

/// cos and sin of 2 pi * turns by their Taylor series about the nearest quarter turn. Error below 2 ulp of 1.
inline CosSin portable_cos_sin(double turns) {
  const double quarters = std::round(4.0 * turns);
  const double angle = (turns - 0.25 * quarters) * 6.28318530717958647693;  // |angle| <= pi / 4
  const double q = angle * angle;
  double c = 1.0;
  double s = 1.0;
  for (int k = 9; k >= 1; --k) {  // (pi / 4)^20 / 20! < 2^-67
    c = 1.0 - c * q / ((2 * k - 1) * (2 * k));
    s = 1.0 - s * q / ((2 * k) * (2 * k + 1));
  }
  s *= angle;
  switch (static_cast<std::int64_t>(quarters) & 3) {
    case 0:
      return {c, s};
    case 1:
      return {-s, c};
    case 2:
      return {-c, -s};
    default:
      return {s, -c};
  }
}

}  // namespace scorefield
