#include "scorefield/data/image_folder.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/data/image_labels.h"
#include "scorefield/data/image_set.h"

namespace scorefield {
namespace {

namespace fs = std::filesystem;

/// Lists the regular files under a folder, each folder once.
class Walk {
 public:
  Walk(fs::path root, const Context& context) : root_(std::move(root)), context_(context) {}

  /// Paths relative to the root, with '/', sorted bytewise.
  std::vector<std::string> files() {
    enter("");
    while (!pending_.empty()) {
      const std::string folder = std::exchange(pending_.back(), "");
      pending_.pop_back();
      list(folder);
    }
    std::sort(files_.begin(), files_.end());
    return std::move(files_);
  }

 private:
  /// Links may form a loop, or reach the same folders along exponentially many ways.
  void enter(const std::string& folder) {
    const fs::path path = root_ / folder;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      throw Error(fmt::format("{}: cannot read: {}", path.string(), std::strerror(errno)));
    }
    const auto [before, is_new] = seen_.try_emplace({info.st_dev, info.st_ino}, path.string());
    if (!is_new) {
      throw Error(
          fmt::format("{}: a link to {}, which is read already; remove the link", path.string(), before->second));
    }
    pending_.push_back(folder);
  }

  void list(const std::string& folder) {
    std::error_code code;
    fs::directory_iterator at(root_ / folder, code);
    for (; !code && at != fs::directory_iterator(); at.increment(code)) {
      context_.check_cancelled();
      const std::string name = at->path().filename().string();
      if (name.front() == '.') continue;
      const std::string relative = folder.empty() ? name : folder + "/" + name;
      std::error_code unknown;
      const fs::file_status status = at->status(unknown);
      if (fs::is_directory(status)) {
        enter(relative);
      } else if (fs::is_regular_file(status)) {
        files_.push_back(relative);
      } else if (!fs::exists(status)) {
        throw Error(fmt::format("{}: a link that leads nowhere; remove it", at->path().string()));
      }
    }
    if (code) throw Error(fmt::format("{}: cannot read: {}", (root_ / folder).string(), code.message()));
  }

  fs::path root_;
  const Context& context_;
  std::vector<std::string> pending_;
  std::vector<std::string> files_;
  std::map<std::pair<dev_t, ino_t>, std::string> seen_;
};

bool begins_like_image(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(fmt::format("{}: cannot open: {}", path.string(), std::strerror(errno)));
  std::array<char, 8> head{};
  file.read(head.data(), head.size());
  return looks_like_image(std::as_bytes(std::span(head.data(), static_cast<std::size_t>(file.gcount()))));
}

}  // namespace

Dataset read_image_folder(const fs::path& folder, std::optional<std::size_t> resolution, const Context& context) {
  ImageSet set;
  set.name = folder.string();
  for (std::string& file : Walk(folder, context).files()) {
    context.check_cancelled();
    if (file == kLabelFile) {
      set.label_file = map_blob(folder / kLabelFile);
    } else if (has_image_name(file) || begins_like_image(folder / file)) {
      set.files.push_back(std::move(file));
    } else {
      set.left_out.push_back(std::move(file));
    }
  }
  set.read = [&](std::size_t i, const Context& limits) {
    const fs::path path = folder / set.files[i];
    return make_blob(path.string(), read_file(path, limits));
  };
  return decode_images(set, resolution, context);
}

}  // namespace scorefield
