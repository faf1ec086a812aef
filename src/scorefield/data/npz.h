// NumPy's .npz: a zip of .npy arrays.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/data/array.h"
#include "scorefield/data/zip.h"

namespace scorefield {

/// The array that says of which autoencoder rows are latents: its digest, hex digits as uint8. A data set notes it.
inline constexpr const char* kAutoencoderKey = "autoencoder";
inline constexpr std::string_view kLatentsOf = "latents of the autoencoder ";
std::string latents_note(const std::string& digest);

/// True for an archive that holds at least one .npy entry.
bool looks_like_npz(const ZipArchive& archive);

/// The arrays of an .npz; each is read when it is asked for.
class NpzFile {
 public:
  /// Throws Error as ZipArchive does.
  explicit NpzFile(Blob file) : archive_(std::move(file)) {}
  explicit NpzFile(ZipArchive archive) : archive_(std::move(archive)) {}

  const std::string& name() const { return archive_.name(); }
  /// Names of the arrays, without ".npy", in the order of the archive.
  std::vector<std::string> keys() const;
  bool contains(std::string_view key) const;
  /// Throws Error when there is no such array (with those that there are), or as read_npy_array does.
  Array read(std::string_view key, const Context& context) const;

 private:
  ZipArchive archive_;
};

/// Throws Error when the file cannot be read or is not a sound zip.
NpzFile open_npz(const std::filesystem::path& path);

/// The data set in an .npz. Without a `key` the rows are arr_0, images, x or x_train, whichever comes first in this
/// list, else the only array there is. Labels are the partner's: arr_1, labels, y, y_train (y_test for x_test), if
/// there. Throws Error when no array or several fit, and as array_dataset does.
Dataset read_npz(const NpzFile& file, const std::string& key, const Context& context);

}  // namespace scorefield
