#include "scorefield/torch/hyperparameters.h"

#include "scorefield/base/error.h"

namespace scorefield::net {
namespace {

/// More than any network that is trained on processors.
constexpr std::size_t kWidest = 1 << 20;
constexpr std::size_t kMostLayers = 1024;
constexpr std::size_t kMostLevels = 16;
constexpr std::size_t kMostValues = std::size_t{1} << 28;  // of a row

std::string number(std::size_t n) {
  return std::to_string(n);
}

}  // namespace

void need_positive(const Architecture& architecture, const char* name, std::size_t value) {
  if (value == 0) throw Error(architecture.kind + ": " + name + " is 0; it has to be at least 1");
  if (value > kWidest) {
    throw Error(architecture.kind + ": " + name + " = " + number(value) + " is more than " + number(kWidest));
  }
}

void need_count(const Architecture& architecture, const char* name, std::size_t value) {
  need_positive(architecture, name, value);
  if (value > kMostLayers) {
    throw Error(architecture.kind + ": " + name + " = " + number(value) + " is more than " + number(kMostLayers));
  }
}

void need_divisor(const Architecture& architecture, const char* name, std::size_t divisor, const std::string& what,
                  std::size_t value) {
  need_positive(architecture, name, divisor);
  if (value % divisor != 0) {
    throw Error(architecture.kind + ": " + name + " = " + number(divisor) + " does not divide " + what + " = " +
                number(value));
  }
}

void need_shapes(const Architecture& architecture) {
  for (const Shape& shape : {architecture.input, architecture.output}) {
    need_positive(architecture, "a shape's channels", shape.channels);
    need_positive(architecture, "a shape's height", shape.height);
    need_positive(architecture, "a shape's width", shape.width);
    if (shape.size() > kMostValues) {
      throw Error(architecture.kind + ": a row of " + number(shape.size()) + " values; at most " + number(kMostValues) +
                  " are possible");
    }
  }
  if (architecture.noise_label) need_positive(architecture, "frequencies", architecture.frequencies);
  if (architecture.classes > 0) need_positive(architecture, "classes", architecture.classes);
}

std::size_t channels_at(const Architecture& architecture, std::size_t level) {
  const std::size_t channels = architecture.width * architecture.multipliers[level];
  need_positive(architecture, "width times a multiplier", channels);
  return channels;
}

void need_resolutions(const Architecture& architecture, const Shape& image, std::size_t patch) {
  const std::size_t halvings = architecture.multipliers.size() - 1;
  const std::size_t unit = patch << halvings;
  const std::string text = number(image.height) + "x" + number(image.width);
  if (image.height % patch != 0 || image.width % patch != 0) {
    throw Error(architecture.kind + ": patch = " + number(patch) + " does not divide images of " + text);
  }
  if (image.height % unit == 0 && image.width % unit == 0) return;
  std::size_t possible = 0;
  while (image.height % (patch << (possible + 1)) == 0 && image.width % (patch << (possible + 1)) == 0) ++possible;
  const auto up = [&](std::size_t n) { return number((n + unit - 1) / unit * unit); };
  throw Error(architecture.kind + ": " + number(halvings + 1) + " multipliers halve the image " + number(halvings) +
              " times" + (patch > 1 ? ", after patches of " + number(patch) : std::string()) + ", which images of " +
              text + " do not allow; " + number(possible + 1) + " multipliers would do, or images of " +
              up(image.height) + "x" + up(image.width));
}

void need_levels(const Architecture& architecture) {
  need_positive(architecture, "width", architecture.width);
  need_count(architecture, "blocks", architecture.blocks);
  if (architecture.multipliers.empty() || architecture.multipliers.size() > kMostLevels) {
    throw Error(architecture.kind + ": there are " + number(architecture.multipliers.size()) +
                " multipliers; there has to be one a resolution, at least 1 and at most " + number(kMostLevels));
  }
  for (std::size_t level = 0; level < architecture.multipliers.size(); ++level) {
    need_positive(architecture, "a multiplier", architecture.multipliers[level]);
    need_divisor(architecture, "groups", architecture.groups,
                 "width * multiplier = " + number(architecture.width) + " * " + number(architecture.multipliers[level]),
                 channels_at(architecture, level));
  }
}

void need_possible_size(const Architecture& architecture, std::size_t parameters) {
  if (parameters > kMostParameters) {
    throw Error(architecture.kind + ": the network would have " + number(parameters) + " parameters; at most " +
                number(kMostParameters) + " are possible");
  }
}

}  // namespace scorefield::net
