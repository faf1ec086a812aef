// What rows of a data set look like (their shape, units and labels) without the rows: what a model keeps of its data.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/data/dataset.h"

namespace scorefield {

struct DataForm {
  std::string name;
  std::string digest;              // Dataset::digest(); empty where there is no such data set
  std::vector<std::size_t> shape;  // {d} or {C, H, W}
  Affine affine;                   // from stored values to data units
  bool eight_bit = false;          // stored as whole numbers from 0 to 255
  std::size_t classes = 0;
  std::vector<std::string> label_names;
  std::vector<std::string> notes;  // Dataset::notes()

  std::size_t dimension() const;
  bool is_image() const { return shape.size() == 3; }
  bool is_picture() const { return is_image() && (shape[0] == 1 || shape[0] == 3); }
};

/// The digest reads every row.
DataForm form_of(const Dataset& data);

/// Throws Error where rows of `data` are not those that a model was made for: another shape, or 8-bit values in other
/// units. model: its file, or what it is, for the message.
void check_rows(std::string_view model, const DataForm& form, const Dataset& data);

void to_json(nlohmann::json& json, const DataForm& form);
/// Throws Error (naming the key) for JSON that is no DataForm: wrong types, no shape, an affine map that is not finite
/// or has scale 0, more names than classes.
void from_json(const nlohmann::json& json, DataForm& form);

}  // namespace scorefield
