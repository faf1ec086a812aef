#include "scorefield/learn/loss_weight.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"

namespace scorefield {
namespace {

std::optional<double> number_after(std::string_view spec, std::string_view prefix) {
  if (!spec.starts_with(prefix)) return std::nullopt;
  double value = 0;
  const auto [end, failure] = std::from_chars(spec.data() + prefix.size(), spec.data() + spec.size(), value);
  if (failure != std::errc() || end != spec.data() + spec.size() || !(value > 0) || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

double snr(double sigma) {
  return 1 / (sigma * sigma);
}

}  // namespace

LossWeight plain_weight(const Target& target) {
  const std::shared_ptr<const Preconditioner> preconditioner = make_preconditioner(target);
  return [preconditioner](double sigma) {
    const double out = preconditioner->at(sigma).out;
    return 1 / (out * out);
  };
}

LossWeight make_loss_weight(std::string_view spec, const Target& target) {
  if (spec == "plain") return plain_weight(target);
  if (spec == "uniform") return [](double) { return 1.0; };
  if (spec == "snr") return snr;
  if (spec == "max-snr") return [](double sigma) { return std::max(snr(sigma), 1.0); };
  if (spec == "snr+1") return [](double sigma) { return snr(sigma) + 1; };
  if (const auto most = number_after(spec, "min-snr:")) {
    return [most = *most](double sigma) { return std::min(snr(sigma), most); };
  }
  if (spec == "ou:0" || spec.starts_with("ou:")) {
    const auto power = spec == "ou:0" ? std::optional<double>(0) : number_after(spec, "ou:");
    if (power) {
      return [power = *power](double sigma) {
        const double rest = 1 / (1 + sigma * sigma);  // 1 - h
        return rest / std::pow(sigma * sigma * rest, power);
      };
    }
  }
  Target named = target;
  try {
    named.predicts = target_name(spec);
  } catch (const Error&) {
    std::vector<std::string> names = target_names();
    for (const char* const name : {"plain", "uniform", "snr", "max-snr", "snr+1", "min-snr:5", "ou:1"}) {
      names.emplace_back(name);
    }
    throw Error(unknown_name("loss weight", spec, names));
  }
  return plain_weight(named);
}

}  // namespace scorefield
