// The inverse of the standard normal distribution function (Wichura 1988, algorithm AS 241, relative error 1e-16), from
// +, -, *, /, square root alone: its bits do not depend on the machine.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include "scorefield/base/portable_math.h"

namespace scorefield {

/// Numerators and denominators, constant term first, of the three branches: the centre |p - 1/2| <= kCentre in
/// r = kCentre^2 - (p - 1/2)^2; the tails in r - 1.6, where r = sqrt(-log(min(p, 1-p))) <= 5; and beyond in r - 5.
struct NormalQuantile {
  using Coefficients = std::array<double, 8>;

  static constexpr double kCentre = 0.425;
  static constexpr double kCentreSquared = 0.180625;

  static constexpr Coefficients kCentreOver = {
      3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
      4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr Coefficients kCentreUnder = {1.0,
                                                4.2313330701600911252e+1,
                                                6.8718700749205790830e+2,
                                                5.3941960214247511077e+3,
                                                2.1213794301586595867e+4,
                                                3.9307895800092710610e+4,
                                                2.8729085735721942674e+4,
                                                5.2264952788528545610e+3};
  static constexpr Coefficients kTailOver = {
      1.42343711074968357734e0, 4.63033784615654529590e0,  5.76949722146069140550e0,  3.64784832476320460504e0,
      1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr Coefficients kTailUnder = {1.0,
                                              2.05319162663775882187e0,
                                              1.67638483018380384940e0,
                                              6.89767334985100004550e-1,
                                              1.48103976427480074590e-1,
                                              1.51986665636164571966e-2,
                                              5.47593808499534494600e-4,
                                              1.05075007164441684324e-9};
  static constexpr Coefficients kFarOver = {
      6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,  2.96560571828504891230e-1,
      2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr Coefficients kFarUnder = {1.0,
                                             5.99832206555887937690e-1,
                                             1.36929880922735805310e-1,
                                             1.48753612908506148525e-2,
                                             7.86869131145613259100e-4,
                                             1.84631831751005468180e-5,
                                             1.42151175831644588870e-7,
                                             2.04426310338993978564e-15};

  static double horner(const Coefficients& c, double x) {
    double sum = c[7];
    for (std::size_t k = 7; k-- > 0;) sum = sum * x + c[k];
    return sum;
  }
};

/// z with P(Z <= z) = p, 2^-53 <= p <= 1 - 2^-53. The reference for the vectorised kernel in normals.cc, which gives
/// the same bits.
inline double normal_quantile(double p) {
  using Q = NormalQuantile;
  const double q = p - 0.5;
  if (std::abs(q) <= Q::kCentre) {
    const double r = Q::kCentreSquared - q * q;
    return q * Q::horner(Q::kCentreOver, r) / Q::horner(Q::kCentreUnder, r);
  }
  const double r = std::sqrt(-portable_log(q < 0 ? p : 1.0 - p));
  const double tail = r <= 5.0 ? Q::horner(Q::kTailOver, r - 1.6) / Q::horner(Q::kTailUnder, r - 1.6)
                               : Q::horner(Q::kFarOver, r - 5.0) / Q::horner(Q::kFarUnder, r - 5.0);
  return q < 0 ? -tail : tail;
}

}  // namespace scorefield
