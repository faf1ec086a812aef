#include "scorefield/learn/batch_loader.h"

#include <fmt/format.h>

#include <algorithm>

#include "scorefield/base/error.h"
#include "scorefield/base/permutation.h"
#include "scorefield/base/random.h"
#include "scorefield/learn/training_choice.h"

namespace scorefield {

BatchLoader::BatchLoader(Dataset data, const LoaderOptions& options) : data_(std::move(data)), options_(options) {
  ensure(options.batch > 0, "a batch has rows");
  if (options.labels && data_.classes() == 0) throw Error(fmt::format("{} has no labels to train on", data_.name()));
  if (!(options.class_dropout >= 0 && options.class_dropout <= 1)) {
    throw Error(fmt::format("the share of classes left out must be in [0, 1], got {}", options.class_dropout));
  }
  if (options.flip && !data_.is_image()) {
    throw Error(fmt::format("only images can be flipped, and {} holds none", data_.name()));
  }
}

std::size_t BatchLoader::row_of(std::uint64_t step, std::size_t i) const {
  const std::uint64_t index = step * options_.batch + i;
  return permuted(options_.seed, index / data_.size(), data_.size(), index % data_.size());
}

void BatchLoader::load(std::uint64_t step, std::size_t first, RowsView<double> x,
                       std::span<std::int32_t> classes) const {
  ensure(first + x.rows <= options_.batch && classes.size() == x.rows, "rows of the batch");
  const RandomStream stream(options_.seed, Purpose::kTrainingChoice, step);
  const std::size_t width = data_.shape().back();
  for (std::size_t i = 0; i < x.rows; ++i) {
    const std::size_t row = row_of(step, first + i);
    data_.row(row, x[i]);
    classes[i] = options_.labels ? data_.labels()[row] : -1;
    if (stream.uniform(choice_element(first + i, TrainingChoice::kClass)) < options_.class_dropout) classes[i] = -1;
    if (options_.flip && stream.uniform(choice_element(first + i, TrainingChoice::kFlip)) < 0.5) {
      for (auto at = x[i].begin(); at != x[i].end(); at += static_cast<std::ptrdiff_t>(width)) {
        std::reverse(at, at + static_cast<std::ptrdiff_t>(width));
      }
    }
  }
}

}  // namespace scorefield
