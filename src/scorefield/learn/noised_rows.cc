#include "scorefield/learn/noised_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

/// The node of held-out noise; steps are below.
constexpr std::uint64_t kFixedNode = std::uint64_t{1} << 63;

/// That the proposal draws wherever the law does, or the loss would be another: seen at even quantiles of the law.
void check_covered(const NoiseLaw& law, const NoiseLaw& proposal) {
  constexpr int kQuantiles = 64;
  for (int k = 0; k < kQuantiles; ++k) {
    const double sigma = law.level((k + 0.5) / kQuantiles);
    if (proposal.density(sigma) > 0) continue;
    throw Error(
        fmt::format("--importance never draws sigma = {:.3g}, which the loss takes its mean over; a wider law, "
                    "or --noise-law for another loss",
                    sigma));
  }
}

}  // namespace

void NoisedBatch::denoised(std::size_t i, const float* output, std::span<double> out) const {
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = at[i].skip * state(i, k) + at[i].out * output[k];
}

NoisedRows::NoisedRows(BatchLoader loader, NoisingOptions options)
    : loader_(std::move(loader)),
      options_(std::move(options)),
      shares_(loader_.options().seed, loader_.options().batch, options_.antithetic) {
  ensure(options_.centre.size() == loader_.data().dimension(), "a centre of the data's length");
  ensure(options_.preconditioner && options_.weight && options_.law, "all of the loss is given");
  if (options_.proposal) {
    check_covered(*options_.law, *options_.proposal);
  } else {
    options_.proposal = options_.law;
  }
}

NoisedRows NoisedRows::held_out(BatchLoader loader, NoisingOptions options) {
  options.proposal = nullptr;
  NoisedRows rows(std::move(loader), std::move(options));
  rows.fixed_ = true;
  return rows;
}

double NoisedRows::level(std::uint64_t step, std::size_t row) const {
  const double even = (static_cast<double>(row) + 0.5) / static_cast<double>(loader_.options().batch);
  return options_.proposal->level(fixed_ ? even : shares_.of(step, row));
}

NoisedBatch NoisedRows::make(std::uint64_t step, std::size_t first, std::size_t count) const {
  const std::size_t d = loader_.data().dimension();
  NoisedBatch batch;
  batch.node = fixed_ ? kFixedNode : step;
  batch.first = first;
  batch.clean = Rows(count, d);
  batch.state = Rows(count, d);
  batch.classes.resize(count);
  batch.input.resize(count * d);
  loader_.load(fixed_ ? 0 : step, first, batch.clean.view(), batch.classes);
  const RandomStream stream(loader_.options().seed, Purpose::kTrainingNoise, batch.node);
  stream.normals(batch.state.values(), first * d);
  for (std::size_t i = 0; i < count; ++i) {
    const double sigma = level(step, first + i);
    batch.sigma.push_back(sigma);
    const double ratio =
        options_.proposal == options_.law ? 1 : options_.law->density(sigma) / options_.proposal->density(sigma);
    batch.weight.push_back(options_.weight(sigma) * ratio);
    batch.at.push_back(options_.preconditioner->at(sigma));
    batch.label.push_back(static_cast<float>(batch.at[i].label));
    for (std::size_t k = 0; k < d; ++k) {
      batch.clean(i, k) -= options_.centre[k];
      batch.state(i, k) = batch.clean(i, k) + sigma * batch.state(i, k);
      batch.input[i * d + k] = static_cast<float>(batch.at[i].in * batch.state(i, k));
    }
  }
  return batch;
}

std::string NoisedRows::describe(std::uint64_t step) const {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (std::size_t i = 0; i < loader_.options().batch; ++i) {
    least = std::min(least, level(step, i));
    most = std::max(most, level(step, i));
  }
  return fmt::format("sigma from {:.3g} to {:.3g}", least, most);
}

}  // namespace scorefield
