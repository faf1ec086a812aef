#include "scorefield/learn/declaration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"

namespace scorefield {
namespace {

/// The whole text as a finite number.
std::optional<double> read_number(std::string_view text) {
  double value = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || rest != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// A number is taken where a name is not: everything is a text for the parts that are names.
nlohmann::json json_of(const std::string& text) {
  nlohmann::json list = nlohmann::json::array();
  std::string_view left = text;
  while (true) {
    const std::string_view piece = left.substr(0, left.find(','));
    const std::optional<double> value = read_number(piece);
    if (!value) return text;
    if (*value == std::floor(*value) && std::abs(*value) < 1e15) {
      list.push_back(static_cast<std::int64_t>(*value));
    } else {
      list.push_back(*value);
    }
    if (piece.size() == left.size()) return list;
    left.remove_prefix(piece.size() + 1);
  }
}

[[noreturn]] void refuse(std::string_view where, std::string_view key, const nlohmann::json& value,
                         const char* wanted) {
  throw Error(fmt::format("{}: {} is {}; it must be {}", where, key, value.dump(), wanted));
}

/// A number, or a list of one (as a flag gives it).
const nlohmann::json& only(const nlohmann::json& value) {
  return value.is_array() && value.size() == 1 ? value[0] : value;
}

double number_of(std::string_view where, std::string_view key, const nlohmann::json& value) {
  if (!only(value).is_number()) refuse(where, key, value, "a number");
  return only(value).get<double>();
}

std::size_t count_of(std::string_view where, std::string_view key, const nlohmann::json& value) {
  constexpr std::int64_t kMost = 1'000'000;
  const nlohmann::json& one = only(value);
  if (!one.is_number_integer() || one.get<std::int64_t>() < 0 || one.get<std::int64_t>() > kMost) {
    refuse(where, key, value, "a whole number from 0 to 1000000");
  }
  return one.get<std::size_t>();
}

using Setter = void (*)(std::string_view where, std::string_view key, const nlohmann::json& value, Declaration& to);

template <std::string Declaration::*Part>
void set_name(std::string_view where, std::string_view key, const nlohmann::json& value, Declaration& to) {
  if (!value.is_string()) refuse(where, key, value, "a name");
  to.*Part = value.get<std::string>();
}

void set_range(std::string_view where, std::string_view key, const nlohmann::json& value, Declaration& to) {
  if (!value.is_array() || value.size() != 2 || !value[0].is_number() || !value[1].is_number() ||
      !(value[0].get<double>() < value[1].get<double>())) {
    refuse(where, key, value, "two rising numbers, the network's values for -1 and 1 in data units, e.g. -0.5,0.5");
  }
  to.low = value[0].get<double>();
  to.high = value[1].get<double>();
}

void set_shape(std::string_view where, std::string_view key, const nlohmann::json& value, Declaration& to) {
  constexpr const char* kWanted = "channels, height and width (e.g. 1,28,28), or one length";
  if (!value.is_array() || (value.size() != 3 && value.size() != 1)) refuse(where, key, value, kWanted);
  std::vector<std::size_t> shape;
  double size = 1;
  for (const nlohmann::json& n : value) {
    if (!n.is_number_integer() || n.get<std::int64_t>() < 1) refuse(where, key, value, kWanted);
    shape.push_back(n.get<std::size_t>());
    size *= n.get<double>();
  }
  if (size > 0x1p28) refuse(where, key, value, "of at most 2^28 values");
  to.shape = std::move(shape);
}

struct Key {
  std::string_view name;
  Setter set;
};

constexpr Key kKeys[] = {
    {"predicts", set_name<&Declaration::predicts>},
    {"process", set_name<&Declaration::process>},
    {"time", set_name<&Declaration::time>},
    {"rounding", set_name<&Declaration::rounding>},
    {"input", set_name<&Declaration::input>},
    {"range", set_range},
    {"shape", set_shape},
    {"classes", [](std::string_view where, std::string_view key, const nlohmann::json& value,
                   Declaration& to) { to.classes = count_of(where, key, value); }},
    {"no_class", [](std::string_view where, std::string_view key, const nlohmann::json& value,
                    Declaration& to) { to.no_class = count_of(where, key, value); }},
    {"mean", [](std::string_view where, std::string_view key, const nlohmann::json& value,
                Declaration& to) { to.mean = number_of(where, key, value); }},
    {"variance",
     [](std::string_view where, std::string_view key, const nlohmann::json& value, Declaration& to) {
       to.variance = number_of(where, key, value);
       if (!(to.variance > 0)) refuse(where, key, value, "above 0");
     }},
};

void set_part(std::string_view where, std::string_view key, const nlohmann::json& value, Declaration& to) {
  const auto found = std::ranges::find(kKeys, key, &Key::name);
  if (found == std::end(kKeys)) {
    throw Error(fmt::format("{}: {}", where, unknown_name("key", key, declaration_keys())));
  }
  found->set(where, key, value, to);
}

/// "step/1000" -> what is counted, and a factor on it.
struct TimeLabel {
  std::string base;
  double factor = 1;
};

TimeLabel time_label(const std::string& spelling) {
  std::string text = spelling;
  std::ranges::replace(text, ' ', '-');
  std::ranges::replace(text, '_', '-');
  const std::size_t mark = text.find_first_of("*/");
  TimeLabel label{text.substr(0, mark), 1};
  if (label.base == "none" && mark == std::string::npos) return label;
  if (std::ranges::find(time_bases(), label.base) == time_bases().end()) {
    throw Error(fmt::format("time '{}': {}; *NUMBER or /NUMBER may follow, as in step/1000", spelling,
                            unknown_name("time", label.base, time_bases())));
  }
  if (mark == std::string::npos) return label;
  const std::optional<double> number = read_number(std::string_view(text).substr(mark + 1));
  if (!number || *number == 0) {
    throw Error(fmt::format("time '{}': behind {} stands * or / and a number, as in step/1000", spelling, label.base));
  }
  label.factor = text[mark] == '*' ? *number : 1 / *number;
  return label;
}

/// SIGMA_DATA of "unit:SIGMA_DATA"; null for the other inputs. Throws Error for what is none.
std::optional<double> unit_input(const std::string& input) {
  if (input == "x_t" || input == "x_t/s") return std::nullopt;
  if (input.rfind("unit:", 0) == 0) {
    const std::optional<double> deviation = read_number(std::string_view(input).substr(5));
    if (deviation && *deviation > 0) return deviation;
  }
  throw Error(fmt::format("input '{}': known are x_t, x_t/s, and unit:SIGMA_DATA (as in unit:0.5)", input));
}

class DeclaredPreconditioner final : public Preconditioner {
 public:
  explicit DeclaredPreconditioner(const Declaration& declaration)
      : process_(make_process(declaration.process)),
        time_(time_label(declaration.time)),
        nearest_(declaration.rounding == "nearest"),
        unit_(unit_input(declaration.input)),
        in_process_(declaration.input == "x_t"),
        scale_(declaration.scale()) {
    if (!nearest_ && declaration.rounding != "none") {
      throw Error(fmt::format("rounding '{}': known are none and nearest", declaration.rounding));
    }
    const bool reversed = declaration.predicts == "reversed-velocity";
    const std::string predicts = reversed ? "velocity" : target_name(declaration.predicts);
    if (predicts == "edm") {
      if (!unit_)
        throw Error("predicts edm: say what its input is, with the sigma_data it was trained with, as in unit:0.5");
      edm_ = make_preconditioner({"edm", "edm", *unit_});
    } else {
      prediction_ = prediction_of(predicts);
      sign_ = reversed ? -1 : 1;
    }
    const bool counts = time_.base == "step" || time_.base == "index";
    if ((counts || nearest_) && std::isinf(process_->t_max())) {
      throw Error(fmt::format("{}: process {} has no steps; tell the network t or sigma",
                              counts ? "time " + declaration.time : "rounding nearest", declaration.process));
    }
  }

  Preconditioning at(double sigma) const override {
    check(sigma);
    const double t = process_->time_of(sigma);
    const Marginal law = process_->at(t);
    Preconditioning at;
    const double state = std::isinf(sigma) ? law.noise : law.scale;  // x_t = state * y
    if (edm_ != nullptr) {
      at = edm_->at(sigma);
    } else {
      const Conversion to_denoised(prediction_, Prediction::kDenoised, law);
      at.skip = to_denoised(state, 0);
      at.out = sign_ * to_denoised(0, 1);
    }
    at.in = in_process_ ? state : std::isinf(sigma) ? 1 : unit_ ? 1 / std::hypot(sigma, *unit_) : 1;
    at.label = time_.base == "none" ? 0 : time_.factor * label(t);
    return at;
  }

 private:
  void check(double sigma) const {
    const double least = process_->at(process_->t_min()).sigma;
    const double most = process_->at(process_->t_max()).sigma;
    constexpr double kRounding = 1e-12;  // of sigma between the two units
    if (sigma >= least * (1 - kRounding) && sigma <= most * (1 + kRounding)) return;
    throw Error(fmt::format(
        "the network knows noise levels from sigma = {:.6g} to {:.6g} (data units), and was asked at {:.6g}",
        least / scale_, most / scale_, sigma / scale_));
  }

  bool counted() const { return process_->t_max() > 1; }  // t is an index already
  double step_of(double t) const { return counted() ? t + 1 : 1000 * t; }

  double label(double t) const {
    if (nearest_) {
      const double step = std::max(1.0, std::round(step_of(t)));
      t = std::clamp(counted() ? step - 1 : step / 1000, process_->t_min(), process_->t_max());
    }
    if (time_.base == "t") return t;
    if (time_.base == "1-t") return 1 - t;
    if (time_.base == "step") return step_of(t);
    if (time_.base == "index") return step_of(t) - 1;
    const Marginal law = process_->at(t);
    if (time_.base == "sigma") return law.sigma;
    return time_.base == "log-sigma" ? std::log(law.sigma) : law.log_snr();
  }

  std::unique_ptr<const Process> process_;
  TimeLabel time_;
  bool nearest_;
  std::optional<double> unit_;
  bool in_process_;
  double scale_;
  std::unique_ptr<const Preconditioner> edm_;
  Prediction prediction_ = Prediction::kDenoised;
  double sign_ = 1;
};

}  // namespace

std::size_t Declaration::dimension() const {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

const std::vector<std::string>& time_bases() {
  static const std::vector<std::string> names = {"t", "1-t", "step", "index", "sigma", "log-sigma", "log-snr"};
  return names;
}

const std::vector<std::string>& declaration_keys() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    for (const Key& key : kKeys) made.emplace_back(key.name);
    return made;
  }();
  return names;
}

void read_declaration(const nlohmann::json& json, std::string_view where, Declaration& declaration) {
  if (!json.is_object()) throw Error(fmt::format("{}: must be one JSON object, {{\"predicts\": ...}}", where));
  for (const auto& [key, value] : json.items()) set_part(where, key, value, declaration);
}

void set_declared(std::string_view key, std::string_view flag, const std::string& text, Declaration& declaration) {
  set_part(flag, key, json_of(text), declaration);
}

nlohmann::json declaration_json(const Declaration& declaration) {
  nlohmann::json json = {{"predicts", declaration.predicts}, {"process", declaration.process},
                         {"time", declaration.time},         {"rounding", declaration.rounding},
                         {"input", declaration.input},       {"range", {declaration.low, declaration.high}},
                         {"shape", declaration.shape},       {"classes", declaration.classes},
                         {"mean", declaration.mean},         {"variance", declaration.variance}};
  if (declaration.no_class) json["no_class"] = *declaration.no_class;
  return json;
}

std::unique_ptr<const Preconditioner> make_declared_preconditioner(const Declaration& declaration) {
  return std::make_unique<DeclaredPreconditioner>(declaration);
}

SigmaRange sigma_range(const Declaration& declaration) {
  const std::unique_ptr<const Process> process = make_process(declaration.process);
  return {process->at(process->t_min()).sigma / declaration.scale(),
          process->at(process->t_max()).sigma / declaration.scale()};
}

}  // namespace scorefield
