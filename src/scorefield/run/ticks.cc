#include "scorefield/run/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace scorefield {
namespace {

double power_of_ten(int exponent) {
  return exponent < 0 ? 1.0 / std::pow(10.0, -exponent) : std::pow(10.0, exponent);
}

/// With a true minus sign.
std::string number(std::string text) {
  if (text.front() == '-') text.replace(0, 1, "\u2212");
  return text;
}

/// A distance between two numbers, digit * 10^exponent, digit 1, 2 or 5.
struct Step {
  int digit = 1;
  int exponent = 0;

  double value() const { return digit * power_of_ten(exponent); }
  Step larger() const {
    return digit == 1 ? Step{2, exponent} : digit == 2 ? Step{5, exponent} : Step{1, exponent + 1};
  }
  Step smaller() const {
    return digit == 5 ? Step{2, exponent} : digit == 2 ? Step{1, exponent} : Step{5, exponent - 1};
  }
  double numbers(double low, double high) const {
    return std::floor(high / value() + 1e-6) - std::ceil(low / value() - 1e-6) + 1;
  }
};

Ticks linear_ticks(double low, double high, int most) {
  Ticks ticks;
  most = std::max(1, most);
  Step apart{1, static_cast<int>(std::floor(std::log10((high - low) / most)))};
  while (apart.value() * most < high - low) apart = apart.larger();
  // One number alone gives no scale.
  if (apart.numbers(low, high) < 3) apart = apart.smaller();
  const auto [digit, exponent] = apart;
  const double largest = std::max(std::abs(low), std::abs(high));
  if (largest >= 1e5 || largest < 1e-3) ticks.power = static_cast<int>(std::floor(std::log10(largest)));
  const int decimals = std::max(0, ticks.power - exponent);
  const int minor = digit == 2 ? 4 : 5;  // halves, fifths or units between two numbers
  const double step = digit * power_of_ten(exponent) / minor;
  const auto first = static_cast<long long>(std::ceil(low / step - 1e-6));
  const auto last = static_cast<long long>(std::floor(high / step + 1e-6));
  for (long long i = first; i <= last; ++i) {
    Tick tick{static_cast<double>(i) * step, "", ""};
    if (i % minor == 0) tick.text = number(fmt::format("{:.{}f}", tick.value / power_of_ten(ticks.power), decimals));
    ticks.marks.push_back(std::move(tick));
  }
  return ticks;
}

/// The marks digit * 10^decade of a log axis; numbers where `named` says so.
template <class Named>
Ticks log_marks(double low, double high, bool powers, Named named) {
  Ticks ticks;
  const double slack = 1e-9;
  const int first = static_cast<int>(std::floor(std::log10(low)));
  const int last = static_cast<int>(std::floor(std::log10(high)));
  for (int decade = first; decade <= last; ++decade) {
    for (int digit = 1; digit <= 9; ++digit) {
      const double value = digit * power_of_ten(decade);
      if (value < low * (1 - slack) || value > high * (1 + slack)) continue;
      Tick tick{value, "", ""};
      if (named(decade, digit)) {
        tick.text = powers ? "10" : fmt::format("{:g}", value);
        if (powers) tick.exponent = number(fmt::format("{}", decade));
      }
      ticks.marks.push_back(std::move(tick));
    }
  }
  return ticks;
}

}  // namespace

Ticks choose_ticks(double low, double high, Scale scale, int most) {
  if (scale == Scale::kLinear) return linear_ticks(low, high, most);
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  const double decades = std::log10(high / low);
  if (decades < 0.7) return linear_ticks(low, high, most);
  if (last - first < 1) {
    return log_marks(low, high, false, [](int, int digit) { return digit == 1 || digit == 2 || digit == 5; });
  }
  const int every = (last - first) / std::max(1, most) + 1;
  const bool powers = first < -3 || last > 4;
  Ticks ticks = log_marks(low, high, powers, [=](int decade, int digit) { return digit == 1 && decade % every == 0; });
  if (every > 1 || decades > 12) {
    // Too dense for digits: only the decades keep a mark.
    const auto is_digit = [](const Tick& tick) {
      const double exponent = std::log10(tick.value);
      return std::abs(exponent - std::round(exponent)) > 1e-6;
    };
    ticks.marks.erase(std::remove_if(ticks.marks.begin(), ticks.marks.end(), is_digit), ticks.marks.end());
  }
  return ticks;
}

}  // namespace scorefield
