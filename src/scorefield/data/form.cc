#include "scorefield/data/form.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/data/array.h"

namespace scorefield {

std::size_t DataForm::dimension() const {
  std::size_t size = 1;
  for (const std::size_t n : shape) size *= n;
  return size;
}

DataForm form_of(const Dataset& data) {
  return {data.name(),         data.digest(),  data.shape(),       data.affine(),
          data.is_eight_bit(), data.classes(), data.label_names(), data.notes()};
}

void check_rows(std::string_view model, const DataForm& form, const Dataset& data) {
  if (form.shape != data.shape()) {
    throw Error(fmt::format("{}: made for rows of shape [{}], but {} has rows of shape [{}]", model,
                            fmt::join(form.shape, ", "), data.name(), fmt::join(data.shape(), ", ")));
  }
  if (form.eight_bit && data.is_eight_bit() && form.affine != data.affine()) {
    throw Error(fmt::format(
        "{}: made for 8-bit values in the units {:.9g},{:.9g}, but {} has other units, {:.9g},{:.9g}; give --units "
        "{:.9g},{:.9g}",
        model, form.affine.scale, form.affine.offset, data.name(), data.affine().scale, data.affine().offset,
        form.affine.scale, form.affine.offset));
  }
}

void to_json(nlohmann::json& json, const DataForm& form) {
  json = {{"name", form.name},          {"digest", form.digest},           {"shape", form.shape},
          {"scale", form.affine.scale}, {"offset", form.affine.offset},    {"eight_bit", form.eight_bit},
          {"classes", form.classes},    {"label_names", form.label_names}, {"notes", form.notes}};
}

void from_json(const nlohmann::json& json, DataForm& form) {
  try {
    form.name = json.at("name").get<std::string>();
    form.digest = json.at("digest").get<std::string>();
    form.shape = json.at("shape").get<std::vector<std::size_t>>();
    form.affine = {json.at("scale").get<double>(), json.at("offset").get<double>()};
    form.eight_bit = json.at("eight_bit").get<bool>();
    form.classes = json.at("classes").get<std::size_t>();
    form.label_names = json.at("label_names").get<std::vector<std::string>>();
    form.notes = json.value("notes", std::vector<std::string>());  // older models have none
  } catch (const nlohmann::json::exception& fault) {
    throw Error(fmt::format("a description of data that does not hold: {}", fault.what()));
  }
  constexpr std::size_t kMostAxis = 1 << 24;
  const bool sound_shape =
      (form.shape.size() == 1 || form.shape.size() == 3) &&
      std::ranges::all_of(form.shape, [](std::size_t n) { return n > 0 && n <= kMostAxis; }) &&
      std::ranges::all_of(form.shape, [&](std::size_t n) { return form.shape.size() == 1 || n <= (1 << 16); });
  if (!sound_shape) throw Error("a description of data whose shape is neither [d] nor [C, H, W]");
  if (!std::isfinite(form.affine.scale) || form.affine.scale == 0 || !std::isfinite(form.affine.offset)) {
    throw Error("a description of data whose units are not finite");
  }
  if (form.classes > kLargestLabel + 1 || form.label_names.size() > form.classes) {
    throw Error(
        fmt::format("a description of data with {} names for {} classes", form.label_names.size(), form.classes));
  }
}

}  // namespace scorefield
