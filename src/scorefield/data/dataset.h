// A data set, resident as it is stored: u8 stays u8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "scorefield/base/stored_rows.h"

namespace scorefield {

/// N rows of one shape, with labels and units. Cheap to copy: copies share the rows, which never change.
/// Images are [C, H, W], channel-major, whatever the file had.
class Dataset {
 public:
  Dataset() = default;
  /// Views rows that `owner` keeps alive (a vector, a memory map). shape: {d} or {C, H, W}; its product is the row
  /// length. labels: none, or one a row, >= 0.
  /// Throws Error when there are no rows, a shape or label count does not fit, or a label is negative.
  Dataset(std::string name, StoredRows rows, std::shared_ptr<const void> owner, std::vector<std::size_t> shape,
          Affine affine, std::vector<std::int32_t> labels = {}, std::vector<std::string> label_names = {});

  const std::string& name() const { return name_; }
  const StoredRows& stored() const { return rows_; }
  std::size_t size() const { return row_count(rows_); }
  std::size_t dimension() const { return row_length(rows_); }
  const std::vector<std::size_t>& shape() const { return shape_; }
  bool is_image() const { return shape_.size() == 3; }
  /// An image that can be shown: grey or RGB (a latent of an autoencoder is an image, but no picture).
  bool is_picture() const { return is_image() && (shape_[0] == 1 || shape_[0] == 3); }
  bool is_eight_bit() const { return std::holds_alternative<RowsView<const std::uint8_t>>(rows_); }
  /// The map from stored values to data units.
  const Affine& affine() const { return affine_; }
  /// Empty, or one label a row.
  std::span<const std::int32_t> labels() const { return labels_; }
  /// Empty, or the name of label k at k.
  const std::vector<std::string>& label_names() const { return label_names_; }
  /// 1 + the largest label; 0 without labels.
  std::size_t classes() const { return classes_; }
  /// What was done to the values on the way in (resizing, ...), for the run folder; empty when nothing was.
  const std::vector<std::string>& notes() const { return notes_; }

  /// Row i in data units, exact in double. out: [d].
  void row(std::size_t i, std::span<double> out) const { read_row(rows_, affine_, i, out); }

  /// The same rows with other units, another name, names for the labels, or one more note.
  Dataset with_affine(Affine affine) const;
  Dataset with_name(std::string name) const;
  Dataset with_label_names(std::vector<std::string> names) const;
  Dataset with_note(std::string note) const;
  /// Copies the chosen rows (in the order given) into a new data set; labels go along.
  Dataset select(std::span<const std::size_t> indices) const;

  /// SHA-256 (hex) over scalar type, shape, affine map, rows and labels: what resume and --config compare.
  std::string digest() const;

 private:
  std::string name_;
  StoredRows rows_;
  std::shared_ptr<const void> owner_;
  std::vector<std::size_t> shape_;
  Affine affine_;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> label_names_;
  std::size_t classes_ = 0;
  std::vector<std::string> notes_;
};

/// Owns `values` (row-major, N x product of shape) as a data set.
template <class T>
Dataset make_dataset(std::string name, std::vector<T> values, std::vector<std::size_t> shape, Affine affine = {},
                     std::vector<std::int32_t> labels = {}, std::vector<std::string> label_names = {}) {
  std::size_t length = 1;
  for (const std::size_t n : shape) length *= n;
  const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  const RowsView<const T> rows(owner->data(), length == 0 ? 0 : owner->size() / length, length);
  return {std::move(name), rows, owner, std::move(shape), affine, std::move(labels), std::move(label_names)};
}

}  // namespace scorefield
