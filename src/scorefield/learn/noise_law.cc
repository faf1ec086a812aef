#include "scorefield/learn/noise_law.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "scorefield/base/error.h"
#include "scorefield/base/normal_quantile.h"
#include "scorefield/base/random.h"
#include "scorefield/data/points.h"
#include "scorefield/learn/training_choice.h"

namespace scorefield {
namespace {

class LogNormal final : public NoiseLaw {
 public:
  LogNormal(double mean, double deviation) : mean_(mean), deviation_(deviation) {}
  double level(double u) const override { return std::exp(mean_ + deviation_ * normal_quantile(u)); }
  double density(double sigma) const override {
    const double z = (std::log(sigma) - mean_) / deviation_;
    return std::exp(-z * z / 2) / (deviation_ * std::sqrt(2 * M_PI));
  }

 private:
  double mean_;
  double deviation_;
};

class UniformInTime final : public NoiseLaw {
 public:
  UniformInTime(std::shared_ptr<const Process> process, double sigma_min, double sigma_max)
      : process_(std::move(process)), from_(process_->time_of(sigma_min)), to_(process_->time_of(sigma_max)) {}

  double level(double u) const override { return process_->at(from_ + u * (to_ - from_)).sigma; }
  double density(double sigma) const override {
    if (!(sigma > 0) || sigma < process_->at(process_->t_min()).sigma ||
        sigma > process_->at(process_->t_max()).sigma) {
      return 0;
    }
    const double t = process_->time_of(sigma);
    if (t < from_ || t > to_ || std::isinf(sigma)) return 0;
    return sigma / process_->at(t).dsigma_dt / (to_ - from_);
  }
  bool is_proper() const { return std::isfinite(from_) && std::isfinite(to_) && from_ < to_; }

 private:
  std::shared_ptr<const Process> process_;
  double from_;
  double to_;
};

class Tabulated final : public NoiseLaw {
 public:
  Tabulated(std::span<const double> sigmas, std::span<const double> weights)
      : weights_(weights.begin(), weights.end()) {
    for (const double sigma : sigmas) logs_.push_back(std::log(sigma));
    below_.push_back(0);
    for (std::size_t i = 1; i < logs_.size(); ++i) {
      below_.push_back(below_[i - 1] + (logs_[i] - logs_[i - 1]) * (weights_[i] + weights_[i - 1]) / 2);
    }
    for (double& weight : weights_) weight /= below_.back();
    for (double& share : below_) share /= below_.back();
  }

  double level(double u) const override {
    const auto above = std::upper_bound(below_.begin(), below_.end() - 1, u);
    const auto i = static_cast<std::size_t>(std::max<std::ptrdiff_t>(above - below_.begin(), 1)) - 1;
    // Within a cell the density is a + slope x: a x + slope x^2/2 = rest, in the form that does not cancel.
    const double width = logs_[i + 1] - logs_[i];
    const double slope = (weights_[i + 1] - weights_[i]) / width;
    const double rest = u - below_[i];
    const double root = std::sqrt(std::max(0.0, weights_[i] * weights_[i] + 2 * slope * rest));
    const double x = rest > 0 ? 2 * rest / (weights_[i] + root) : 0;
    return std::exp(logs_[i] + std::clamp(x, 0.0, width));
  }
  double density(double sigma) const override {
    const double log_sigma = std::log(sigma);
    if (!(log_sigma >= logs_.front() && log_sigma <= logs_.back())) return 0;
    const auto above = std::upper_bound(logs_.begin() + 1, logs_.end() - 1, log_sigma);
    const auto i = static_cast<std::size_t>(above - logs_.begin()) - 1;
    const double share = (log_sigma - logs_[i]) / (logs_[i + 1] - logs_[i]);
    return (1 - share) * weights_[i] + share * weights_[i + 1];
  }

 private:
  std::vector<double> logs_;
  std::vector<double> weights_;  // densities at logs_
  std::vector<double> below_;    // shares below logs_
};

std::unique_ptr<const NoiseLaw> read_table(const std::string& path) {
  const Dataset table = read_points(map_blob(path), {});
  if (table.dimension() != 2) {
    throw Error(fmt::format("{}: rows of {} numbers; a law of noise levels has rows of sigma and weight", path,
                            table.dimension()));
  }
  std::vector<double> sigmas;
  std::vector<double> weights;
  std::vector<double> row(2);
  for (std::size_t i = 0; i < table.size(); ++i) {
    table.row(i, row);
    sigmas.push_back(row[0]);
    weights.push_back(row[1]);
  }
  try {
    return make_tabulated(sigmas, weights);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path, error.what()));
  }
}

std::optional<std::pair<double, double>> two_numbers(std::string_view text) {
  double first = 0;
  double second = 0;
  const char* const end = text.data() + text.size();
  const auto [comma, failure] = std::from_chars(text.data(), end, first);
  if (failure != std::errc() || comma == end || *comma != ',') return std::nullopt;
  const auto [rest, second_failure] = std::from_chars(comma + 1, end, second);
  if (second_failure != std::errc() || rest != end) return std::nullopt;
  return std::pair(first, second);
}

}  // namespace

std::unique_ptr<const NoiseLaw> make_log_normal(double mean, double deviation) {
  if (!std::isfinite(mean) || !(deviation > 0) || !std::isfinite(deviation)) {
    throw Error(fmt::format("a log-normal law of noise levels has a finite mean and a deviation above 0, got {} and {}",
                            mean, deviation));
  }
  return std::make_unique<LogNormal>(mean, deviation);
}

std::unique_ptr<const NoiseLaw> make_uniform_in_time(std::shared_ptr<const Process> process, double sigma_min,
                                                     double sigma_max) {
  const std::string name(process->name());
  auto law = std::make_unique<UniformInTime>(std::move(process), sigma_min, sigma_max);
  if (!law->is_proper()) {
    throw Error(
        fmt::format("noise levels from {} to {} are not reached one after the other in finite time of {}; give a "
                    "finite sigma_max above sigma_min",
                    sigma_min, sigma_max, name));
  }
  return law;
}

std::unique_ptr<const NoiseLaw> make_tabulated(std::span<const double> sigmas, std::span<const double> weights) {
  ensure(sigmas.size() == weights.size(), "a weight a level");
  if (sigmas.size() < 2) throw Error("a law of noise levels has at least two levels");
  for (std::size_t i = 0; i < sigmas.size(); ++i) {
    if (!(sigmas[i] > (i == 0 ? 0 : sigmas[i - 1])) || !std::isfinite(sigmas[i])) {
      throw Error(fmt::format("noise levels are finite, above 0 and ascend, but level {} is {}", i, sigmas[i]));
    }
    if (!(weights[i] >= 0) || !std::isfinite(weights[i])) {
      throw Error(
          fmt::format("weights of noise levels are finite and not negative, but weight {} is {}", i, weights[i]));
    }
  }
  if (!(std::accumulate(weights.begin(), weights.end(), 0.0) > 0)) {
    throw Error("the weights of all noise levels are 0");
  }
  return std::make_unique<Tabulated>(sigmas, weights);
}

std::shared_ptr<const NoiseLaw> make_noise_law(const std::string& spec, const Target& target, double sigma_min,
                                               double sigma_max) {
  constexpr std::string_view kLogNormal = "lognormal:";
  constexpr std::string_view kTable = "table:";
  const double scale = target.sigma_data / 0.5;  // to the data of Karras et al., for which their constants are
  if (spec == "lognormal") return make_log_normal(-1.2 + std::log(scale), 1.2);
  if (spec.starts_with(kLogNormal)) {
    if (const auto numbers = two_numbers(std::string_view(spec).substr(kLogNormal.size()))) {
      return make_log_normal(numbers->first, numbers->second);
    }
  }
  if (spec.starts_with(kTable)) return read_table(spec.substr(kTable.size()));
  if (spec == "log-uniform") {
    return make_tabulated(
        std::vector<double>{sigma_min > 0 ? sigma_min : 0.002 * scale, std::isinf(sigma_max) ? 80 * scale : sigma_max},
        std::vector<double>{1, 1});
  }
  if (spec == "uniform") {
    std::shared_ptr<const Process> in = make_process(target.process);
    const double lowest = in->at(in->t_min()).sigma;
    const double highest = std::isinf(in->t_max()) ? 80 * scale : in->at(in->t_max()).sigma;
    const double low = sigma_min > 0 ? sigma_min : lowest;
    const double high = std::isinf(sigma_max) ? highest : sigma_max;
    return make_uniform_in_time(in, low, high);
  }
  throw Error(
      fmt::format("law of noise levels '{}': give lognormal, lognormal:MEAN,DEVIATION (of log sigma), log-uniform, "
                  "uniform (in the process's time) or table:FILE (lines of sigma and weight)",
                  spec));
}

double NoiseShares::of(std::uint64_t step, std::size_t row) const {
  const RandomStream stream(seed_, Purpose::kTrainingChoice, step);
  const double u = stream.uniform(choice_element(antithetic_ ? 0 : row, TrainingChoice::kLevel));
  if (!antithetic_) return u;
  const double share = u + static_cast<double>(row) / static_cast<double>(count_);
  return std::clamp(share >= 1 ? share - 1 : share, 0x1p-53, 1 - 0x1p-53);
}

}  // namespace scorefield
