#include "scorefield/data/image_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/data/image_labels.h"
#include "scorefield/data/jpeg.h"
#include "scorefield/data/png.h"
#include "scorefield/data/resize.h"

namespace scorefield {
namespace {

/// What was done to pictures, and to how many.
struct Counts {
  std::size_t alpha_dropped = 0;
  std::size_t bits_reduced = 0;
  std::size_t cmyk_converted = 0;
  std::size_t turned = 0;
  std::size_t resized = 0;
  std::size_t grey = 0;

  void add(const ImageChanges& changes, bool was_resized, bool is_grey) {
    alpha_dropped += changes.alpha_dropped ? 1 : 0;
    bits_reduced += changes.bits_reduced ? 1 : 0;
    cmyk_converted += changes.cmyk_converted ? 1 : 0;
    turned += changes.turned ? 1 : 0;
    resized += was_resized ? 1 : 0;
    grey += is_grey ? 1 : 0;
  }
};

DecodedImage decode_image(const Blob& file, const Context& context) {
  if (looks_like_png(file.bytes)) return read_png(file, context);
  if (looks_like_jpeg(file.bytes)) return read_jpeg(file, context);
  throw Error(fmt::format("{}: neither a PNG nor a JPEG file, whatever its name says", file.name));
}

class Decoder {
 public:
  Decoder(const ImageSet& set, std::optional<std::size_t> resolution, const Context& context)
      : set_(set),
        labels_(set.label_file ? labels_from_json(*set.label_file, set.files, context)
                               : labels_from_folders(set.files, set.name)),
        resolution_(resolution),
        context_(context) {
    if (resolution) check_resolution(*resolution);
    const Image first = decode_image(set.read(0, context), context).image;
    height_ = resolution.value_or(first.height);
    width_ = resolution.value_or(first.width);
    channels_ = first.channels;
  }

  Dataset run() {
    // Whether some picture is coloured shows only when all have been looked at: a grey beginning may start anew.
    while (!decode_all()) channels_ = 3;
    Dataset dataset = make_dataset(set_.name, std::move(values_), {channels_, height_, width_}, kImageUnits,
                                   labels_.labels, labels_.names);
    const auto declare = [&](std::size_t count, const char* what) {
      if (count > 0) dataset = dataset.with_note(fmt::format("{} of {} images: {}", count, dataset.size(), what));
    };
    declare(counts_.alpha_dropped, "transparency dropped");
    declare(counts_.bits_reduced, "16 bits rounded to 8");
    declare(counts_.cmyk_converted, "CMYK converted to RGB without a colour profile");
    declare(counts_.turned, "turned as their EXIF orientation says");
    if (channels_ == 3) declare(counts_.grey, "grey made RGB");
    if (!set_.left_out.empty()) {
      dataset = dataset.with_note(
          fmt::format("{} files left out that are no images, the first '{}'", set_.left_out.size(), set_.left_out[0]));
    }
    if (labels_.unused > 0) {
      dataset = dataset.with_note(fmt::format("{} labels are for files that are not there", labels_.unused));
    }
    if (counts_.resized > 0) dataset = dataset.with_note(resize_note(height_));
    return dataset;
  }

 private:
  struct Loaded {
    Image image;
    ImageChanges changes;
    bool resized = false;
  };

  Loaded load(std::size_t i, const Context& context) const {
    const Blob file = set_.read(i, context);
    DecodedImage decoded = decode_image(file, context.without(file.bytes.size()));
    Loaded loaded{std::move(decoded.image), decoded.changes, false};
    if (resolution_ && (loaded.image.height != *resolution_ || loaded.image.width != *resolution_)) {
      loaded.image = resize_image(loaded.image, *resolution_, context);
      loaded.resized = true;
    }
    return loaded;
  }

  void check_size(const Image& image, std::size_t i) const {
    if (image.height == height_ && image.width == width_) return;
    throw Error(
        fmt::format("{}: '{}' is {} x {} but '{}' is {} x {} (height x width), and a data set has one size; "
                    "--resolution {} crops each to its central square and averages it to {} x {}",
                    set_.name, set_.files[0], height_, width_, set_.files[i], image.height, image.width,
                    std::min(height_, width_), std::min(height_, width_), std::min(height_, width_)));
  }

  std::size_t threads() const {
    return context_.pool == nullptr ? 1 : static_cast<std::size_t>(context_.pool->threads());
  }

  /// False when a coloured picture turned up and there is no room for colour.
  bool decode_all() {
    const std::size_t count = set_.files.size();
    const std::size_t length = channels_ * height_ * width_;
    context_.check_memory(count, length, set_.name);
    Context one_image = context_.without(count * length);  // of what is left each thread gets its share
    one_image.memory_limit /= threads();
    values_.assign(count * length, 0);
    counts_ = {};
    std::atomic<bool> needs_color{false};
    std::mutex mutex;
    std::size_t done = 0;
    run_tasks(context_.pool, count, [&](std::size_t i, int) {
      context_.check_cancelled();
      if (needs_color) return;
      const Loaded loaded = load(i, one_image);
      check_size(loaded.image, i);
      if (loaded.image.channels > channels_) {
        needs_color = true;
        return;
      }
      copy_channel_major(loaded.image, std::span(values_).subspan(i * length, length));
      const std::lock_guard lock(mutex);
      counts_.add(loaded.changes, loaded.resized, loaded.image.channels == 1);
      context_.report("images", static_cast<double>(++done), static_cast<double>(count));
    });
    return !needs_color;
  }

  const ImageSet& set_;
  ImageLabels labels_;
  std::optional<std::size_t> resolution_;
  const Context& context_;
  std::size_t height_ = 0;
  std::size_t width_ = 0;
  std::size_t channels_ = 0;
  std::vector<std::uint8_t> values_;
  Counts counts_;
};

}  // namespace

bool has_image_name(const std::string& path) {
  std::string end = path.substr(std::min(path.size(), path.find_last_of("./")));
  std::transform(end.begin(), end.end(), end.begin(),
                 [](char c) { return 'A' <= c && c <= 'Z' ? c + ('a' - 'A') : c; });
  return end == ".png" || end == ".jpg" || end == ".jpeg";
}

bool looks_like_image(std::span<const std::byte> bytes) {
  return looks_like_png(bytes) || looks_like_jpeg(bytes);
}

Dataset decode_images(const ImageSet& set, std::optional<std::size_t> resolution, const Context& context) {
  if (set.files.empty() && set.left_out.empty()) throw Error(fmt::format("{}: holds no files", set.name));
  if (set.files.empty()) {
    throw Error(fmt::format("{}: none of its {} files is a PNG or JPEG image (the first is '{}')", set.name,
                            set.left_out.size(), set.left_out[0]));
  }
  return Decoder(set, resolution, context).run();
}

}  // namespace scorefield
