#include "scorefield/learn/import_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "scorefield/data/image_grid.h"
#include "scorefield/data/png.h"

namespace scorefield {
namespace {

/// More than the bound by a tenth, and by what a handful of rows does not explain: 4 standard errors are exceeded once
/// in 30 000 times, with 16 rows (Student's t) in 1700.
bool above_bound(const LevelCheck& level) {
  return level.error > 1.1 * level.bound && level.error - level.bound > 4 * level.excess_error;
}

nlohmann::json trial_json(const Trial& trial) {
  nlohmann::json json = {{"change", trial.change}, {"declaration", declaration_json(trial.declaration)}};
  if (!trial.refused.empty()) {
    json["refused"] = trial.refused;
    return json;
  }
  json["ratio"] = trial.ratio;
  json["errors"] = nlohmann::json::array();
  for (const double error : trial.errors) json["errors"].push_back(error);
  return json;
}

std::string_view told(double ratio) {
  if (ratio > kToldApart) return "worse";
  return ratio * kToldApart < 1 ? "better" : "cannot be told apart";
}

std::string trial_line(const Trial& trial) {
  if (!trial.refused.empty()) {
    const std::string line = fmt::format("  {:<28} {:>10}  {}", trial.change, "-", trial.refused);
    return line.substr(0, 119) + "\n";
  }
  return fmt::format("  {:<28} {:>10}  {}\n", trial.change,
                     std::isinf(trial.ratio) ? "no numbers" : fmt::format("{:.3g}", trial.ratio), told(trial.ratio));
}

}  // namespace

ImportVerdict verdict_of(const ImportCheck& check) {
  if (better_declaration(check) != nullptr) return ImportVerdict::kBetter;
  if (std::ranges::any_of(check.levels, above_bound)) return ImportVerdict::kPoor;
  return check.own_samples ? ImportVerdict::kOwnSamples : ImportVerdict::kFits;
}

std::string_view verdict_name(ImportVerdict verdict) {
  switch (verdict) {
    case ImportVerdict::kFits:
      return "fits";
    case ImportVerdict::kOwnSamples:
      return "denoises its own samples";
    case ImportVerdict::kBetter:
      return "another fits better";
    case ImportVerdict::kPoor:
      break;
  }
  return "does not denoise";
}

nlohmann::json import_json(const ImportCheck& check) {
  nlohmann::json levels = nlohmann::json::array();
  for (const LevelCheck& level : check.levels) {
    levels.push_back({{"sigma", level.sigma},
                      {"error", level.error},
                      {"bound", level.bound},
                      {"excess_error", level.excess_error},
                      {"calibration", level.calibration}});
  }
  nlohmann::json singles = nlohmann::json::array();
  for (const Trial& trial : check.singles) singles.push_back(trial_json(trial));
  nlohmann::json combinations = nlohmann::json::array();
  for (const Trial& trial : check.combinations) combinations.push_back(trial_json(trial));
  const Trial* better = better_declaration(check);
  return {{"verdict", verdict_name(verdict_of(check))},
          {"declaration", declaration_json(check.declaration)},
          {"better", better != nullptr ? trial_json(*better) : nlohmann::json(nullptr)},
          {"levels", levels},
          {"singles", singles},
          {"combinations", combinations},
          {"combinations_tried", check.combinations_tried}};
}

std::string import_text(const ImportCheck& check) {
  std::string text = fmt::format("\n  {:>10}  {:>10}  {:>10}  {:>11}\n  {:>10}  {:>10}  {:>10}\n", "sigma", "error",
                                 "bound", "calibration", "", "of D", "");
  for (const LevelCheck& level : check.levels) {
    text += fmt::format("  {:>10.4g}  {:>10.4g}  {:>10.4g}  {:>11.4f}{}\n", level.sigma, level.error, level.bound,
                        level.calibration, above_bound(level) ? "  above the bound" : "");
  }
  text +=
      "  error: mean square a value, data units; bound: of the best denoiser that sees each value alone;\n"
      "  calibration: 1 where the noise that the network finds is the noise that there is, in the mean\n\n";
  text += fmt::format("  {:<28} {:>10}\n", "one other value", "error times");
  for (const Trial& trial : check.singles) text += trial_line(trial);
  if (check.combinations_tried > 0) {
    text += fmt::format("\n  the best of {} combinations\n", check.combinations_tried);
    for (const Trial& trial : check.combinations) {
      text += fmt::format("  {:>10.3g}  {}\n", trial.ratio, trial.change);
    }
  }
  switch (verdict_of(check)) {
    case ImportVerdict::kFits:
      text += "\nverdict: the declaration fits: it denoises, and no other value makes the error markedly less\n";
      break;
    case ImportVerdict::kOwnSamples:
      text +=
          "\nverdict: it denoises its own samples as it is declared; without --data that is all that could be "
          "checked.\n"
          "Not checked: that the samples look like what it was trained on (samples.png), the range, and whether it\n"
          "denoises your data\n";
      break;
    case ImportVerdict::kBetter: {
      const Trial& better = *better_declaration(check);
      text += fmt::format("\nverdict: another declaration fits better; the error is {1:.3g} times with\n  {0}\n",
                          better.change, better.ratio);
      if (std::ranges::any_of(check.levels, above_bound))
        text += "as it is declared it does not denoise at every level\n";
      break;
    }
    case ImportVerdict::kPoor:
      text +=
          "\nverdict: it does not denoise as it is declared, nor as anything that was tried: more than one part may be "
          "wrong, or the network badly trained\n";
      break;
  }
  return text;
}

void write_import_picture(const ImportCheck& check, const CheckRows& rows, const std::filesystem::path& path) {
  const std::vector<std::size_t>& shape = check.declaration.shape;
  if (shape.size() != 3 || (shape[0] != 1 && shape[0] != 3)) return;
  const std::size_t levels = check.levels.size();
  const std::size_t columns = check.noisy.rows() / levels;
  const double deviation = rows.deviation();
  std::vector<Image> images;
  for (std::size_t i = 0; i < columns; ++i) images.push_back(image_from_row(rows.x0[i], shape));
  std::vector<double> shown(check.noisy.cols());
  for (std::size_t l = 0; l < levels; ++l) {
    const double shrink = deviation / std::hypot(deviation, check.levels[l].sigma);
    for (std::size_t i = 0; i < columns; ++i) {
      const auto x = check.noisy[l * columns + i];
      std::ranges::transform(x, shown.begin(), [&](double value) { return shrink * value; });
      images.push_back(image_from_row(shown, shape));
    }
    for (std::size_t i = 0; i < columns; ++i) images.push_back(image_from_row(check.denoised[l * columns + i], shape));
  }
  write_png(path, image_grid(images, columns, visible_scale(shape[1], shape[2]), 2));
}

}  // namespace scorefield
