#include "scorefield/data/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/sha256.h"

namespace scorefield {

Dataset::Dataset(std::string name, StoredRows rows, std::shared_ptr<const void> owner, std::vector<std::size_t> shape,
                 Affine affine, std::vector<std::int32_t> labels, std::vector<std::string> label_names)
    : name_(std::move(name)),
      rows_(rows),
      owner_(std::move(owner)),
      shape_(std::move(shape)),
      affine_(affine),
      labels_(std::move(labels)),
      label_names_(std::move(label_names)) {
  std::size_t length = 1;
  for (const std::size_t n : shape_) length *= n;
  if (size() == 0 || dimension() == 0) throw Error(fmt::format("{}: the data set is empty", name_));
  if (shape_.empty() || length != dimension()) {
    throw Error(
        fmt::format("{}: rows of {} values do not have the shape [{}]", name_, dimension(), fmt::join(shape_, ", ")));
  }
  if (!labels_.empty() && labels_.size() != size()) {
    throw Error(fmt::format("{}: {} labels for {} rows", name_, labels_.size(), size()));
  }
  if (const auto negative = std::find_if(labels_.begin(), labels_.end(), [](std::int32_t l) { return l < 0; });
      negative != labels_.end()) {
    throw Error(fmt::format("{}: row {} has the negative label {}", name_, negative - labels_.begin(), *negative));
  }
  if (!labels_.empty()) classes_ = static_cast<std::size_t>(*std::max_element(labels_.begin(), labels_.end())) + 1;
}

Dataset Dataset::with_affine(Affine affine) const {
  Dataset copy = *this;
  copy.affine_ = affine;
  return copy;
}

Dataset Dataset::with_name(std::string name) const {
  Dataset copy = *this;
  copy.name_ = std::move(name);
  return copy;
}

Dataset Dataset::with_label_names(std::vector<std::string> names) const {
  Dataset copy = *this;
  copy.label_names_ = std::move(names);
  return copy;
}

Dataset Dataset::with_note(std::string note) const {
  Dataset copy = *this;
  copy.notes_.push_back(std::move(note));
  return copy;
}

Dataset Dataset::select(std::span<const std::size_t> indices) const {
  std::vector<std::int32_t> labels;
  if (!labels_.empty()) {
    for (const std::size_t i : indices) labels.push_back(labels_[i]);
  }
  Dataset chosen = std::visit(
      [&](const auto& view) {
        using T = std::remove_cvref_t<decltype(view(0, 0))>;
        std::vector<T> values;
        values.reserve(indices.size() * view.cols);
        for (const std::size_t i : indices) values.insert(values.end(), view[i].begin(), view[i].end());
        return make_dataset(name_, std::move(values), shape_, affine_, std::move(labels), label_names_);
      },
      rows_);
  chosen.notes_ = notes_;
  return chosen;
}

std::string Dataset::digest() const {
  Sha256 hash;
  hash.update_value(rows_.index());
  for (const std::size_t n : shape_) hash.update_value(n);
  hash.update_value(affine_.scale);
  hash.update_value(affine_.offset);
  std::visit(
      [&](const auto& view) {
        for (std::size_t i = 0; i < view.rows; ++i) hash.update(std::as_bytes(view[i]));
      },
      rows_);
  hash.update(std::as_bytes(std::span(labels_)));
  return hash.hex();
}

}  // namespace scorefield
