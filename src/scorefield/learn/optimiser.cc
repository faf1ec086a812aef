#include "scorefield/learn/optimiser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "scorefield/base/error.h"
#include "scorefield/base/portable_math.h"

namespace scorefield {
namespace {

constexpr std::size_t kBlock = 16384;  // values that one thread works through; sums are folded block by block

/// Waking threads costs more than a few blocks.
ThreadPool* pool_for(std::size_t values, ThreadPool* pool) {
  return values < 8 * kBlock ? nullptr : pool;
}

/// use(begin, end) for every block of [0, size).
template <class Use>
void for_blocks(std::size_t size, ThreadPool* pool, Use&& use) {
  run_tasks(pool_for(size, pool), (size + kBlock - 1) / kBlock,
            [&](std::size_t k, int) { use(k * kBlock, std::min(size, (k + 1) * kBlock)); });
}

/// The text behind "name:", where `spec` begins with it.
std::optional<std::string_view> after(std::string_view spec, std::string_view name) {
  if (!spec.starts_with(name) || spec.size() <= name.size() || spec[name.size()] != ':') return std::nullopt;
  return spec.substr(name.size() + 1);
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Adam::Adam(const AdamOptions& options, std::span<const net::Tensor> tensors) : options_(options) {
  std::size_t size = 0;
  for (const net::Tensor& tensor : tensors) {
    for (std::size_t begin = tensor.offset; begin < tensor.offset + tensor.size; begin += kBlock) {
      blocks_.push_back({begin, std::min(begin + kBlock, tensor.offset + tensor.size), tensor.decays});
    }
    size = std::max(size, tensor.offset + tensor.size);
  }
  first_.resize(size);
  second_.resize(size);
}

void Adam::step(std::uint64_t t, double rate, double gradient_scale, std::span<const float> gradient,
                std::span<float> weights, ThreadPool* pool) {
  ensure(t > 0 && gradient.size() == first_.size() && weights.size() == first_.size(), "vectors of one length");
  const auto time = static_cast<double>(t);
  const auto beta1 = static_cast<float>(options_.beta1);
  const auto beta2 = static_cast<float>(options_.beta2);
  const auto rest1 = static_cast<float>(1 - options_.beta1);
  const auto rest2 = static_cast<float>(1 - options_.beta2);
  const auto scale = static_cast<float>(gradient_scale);
  const auto correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, time)));
  const auto epsilon = static_cast<float>(options_.epsilon);
  const auto step_size = static_cast<float>(rate / (1 - std::pow(options_.beta1, time)));
  run_tasks(pool_for(first_.size(), pool), blocks_.size(), [&](std::size_t k, int) {
    const Block& block = blocks_[k];
    const float keep = block.decays ? static_cast<float>(1 - rate * options_.weight_decay) : 1.0F;
    for (std::size_t i = block.begin; i < block.end; ++i) {
      const float g = scale * gradient[i];
      const float m = beta1 * first_[i] + rest1 * g;
      const float v = beta2 * second_[i] + rest2 * g * g;
      first_[i] = m;
      second_[i] = v;
      weights[i] = keep * weights[i] - step_size * m / (std::sqrt(v) * correction + epsilon);
    }
  });
}

double norm(std::span<const float> gradient, ThreadPool* pool) {
  std::vector<double> sums((gradient.size() + kBlock - 1) / kBlock);
  for_blocks(gradient.size(), pool, [&](std::size_t begin, std::size_t end) {
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const auto g = static_cast<double>(gradient[i]);
      sum += g * g;
    }
    sums[begin / kBlock] = sum;
  });
  double sum = 0;
  for (const double of_block : sums) sum += of_block;
  return std::sqrt(sum);
}

void add(std::span<const float> term, std::span<float> sum, ThreadPool* pool) {
  ensure(term.size() == sum.size(), "vectors of one length");
  for_blocks(sum.size(), pool, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) sum[i] += term[i];
  });
}

double RateSchedule::at(std::uint64_t step) const {
  const auto now = static_cast<double>(step);
  double factor = 1;
  if (decay == RateDecay::kCosine) {
    factor = 0.5 + 0.5 * portable_cos_sin(0.5 * std::min(now / static_cast<double>(steps), 1.0)).cos;
  }
  if (decay == RateDecay::kInverseSqrt && step > hold) factor = std::sqrt(static_cast<double>(hold) / now);
  if (step < warm_up) factor *= (now + 1) / static_cast<double>(warm_up);
  return rate * factor;
}

void set_decay(std::string_view spec, RateSchedule& schedule) {
  if (spec == "constant") {
    schedule.decay = RateDecay::kConstant;
    return;
  }
  if (spec == "cosine") {
    schedule.decay = RateDecay::kCosine;
    return;
  }
  if (const auto text = after(spec, "inverse-sqrt")) {
    const auto hold = number(*text);
    if (hold && *hold >= 1 && *hold < 0x1p53 && *hold == std::floor(*hold)) {
      schedule.decay = RateDecay::kInverseSqrt;
      schedule.hold = static_cast<std::uint64_t>(*hold);
      return;
    }
  }
  throw Error(
      fmt::format("learning-rate decay '{}': give constant, cosine, or inverse-sqrt:STEPS (it falls as "
                  "sqrt(STEPS/step) from there)",
                  spec));
}

double AverageOptions::beta(std::uint64_t step, std::size_t batch) const {
  switch (kind) {
    case Kind::kNone:
      return 0;
    case Kind::kDecay:
      return decay;
    case Kind::kHalfLife: {
      const auto rows = static_cast<double>(batch);
      const double life = std::min(half_life, ramp_up * static_cast<double>(step) * rows);
      return life > 0 ? std::exp2(-rows / life) : 0;
    }
  }
  throw_bug("a known average", __FILE__, __LINE__);
}

AverageOptions average_options(std::string_view spec) {
  AverageOptions options;
  if (spec == "none") {
    options.kind = AverageOptions::Kind::kNone;
    return options;
  }
  if (const auto text = after(spec, "decay")) {
    const auto beta = number(*text);
    if (beta && *beta >= 0 && *beta < 1) {
      options.kind = AverageOptions::Kind::kDecay;
      options.decay = *beta;
      return options;
    }
  }
  if (const auto text = after(spec, "half-life")) {
    const std::size_t comma = text->find(',');
    const auto rows = number(text->substr(0, comma));
    const auto ramp = comma == std::string_view::npos ? options.ramp_up : number(text->substr(comma + 1));
    if (rows && *rows > 0 && std::isfinite(*rows) && ramp && *ramp > 0) {
      options.half_life = *rows;
      options.ramp_up = *ramp;
      return options;
    }
  }
  throw Error(
      fmt::format("average of the weights '{}': give none, decay:BETA with BETA in [0, 1), or half-life:ROWS or "
                  "half-life:ROWS,RAMP with numbers above 0",
                  spec));
}

void update_average(double beta, std::span<const float> weights, std::span<float> average, ThreadPool* pool) {
  ensure(weights.size() == average.size(), "vectors of one length");
  const auto rest = static_cast<float>(1 - beta);
  for_blocks(average.size(), pool, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) average[i] += rest * (weights[i] - average[i]);
  });
}

}  // namespace scorefield
