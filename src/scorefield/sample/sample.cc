#include "scorefield/sample/sample.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

bool ascends(std::span<const double> levels) {
  return levels.size() >= 2 && levels[1] > levels[0];
}

void check_levels(std::span<const double> levels, bool may_ascend) {
  if (levels.size() < 2) throw Error(fmt::format("sampling needs at least 2 noise levels, got {}", levels.size()));
  if (ascends(levels) && !may_ascend) throw Error("a stochastic sampler runs downward only: noise levels must descend");
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const bool last = i + 1 == levels.size();
    if (!(levels[i] > 0 || (levels[i] == 0 && last))) {
      throw Error(fmt::format("noise level {} is {}; only the last may be 0", i, levels[i]));
    }
    if (i == 0) continue;
    if (ascends(levels) ? !(levels[i] > levels[i - 1] && std::isfinite(levels[i])) : !(levels[i] < levels[i - 1])) {
      throw Error(fmt::format("noise levels must {}, but level {} is {} after {}",
                              ascends(levels) ? "ascend and be finite" : "descend", i, levels[i], levels[i - 1]));
    }
  }
}

void check_options(const Sampling& sampling, std::size_t memory) {
  if (sampling.churn.amount > 0 && (sampling.sampler.kind != SamplerKind::kOde || memory > 1)) {
    throw Error(fmt::format("churn adds noise to an ODE sampler without memory (euler, heun, dpm2); {} is none",
                            sampling.sampler.name));
  }
  if (sampling.churn.amount > 0 && sampling.churn.sigma_min > sampling.churn.sigma_max) {
    throw Error(fmt::format("churn between sigma {} and {} adds nothing: its least level is above its largest",
                            sampling.churn.sigma_min, sampling.churn.sigma_max));
  }
  if (sampling.jump && sampling.levels.back() == 0) {
    throw Error("a jump returns D at its last level, which must be above 0");
  }
  if (sampling.analytical_first_step && std::isinf(sampling.levels.front())) {
    throw Error("an analytical first step is for a finite sigma-max: from sigma = inf the first step is exact already");
  }
}

int label_of(std::span<const int> labels, std::size_t k) {
  if (labels.empty()) return -1;
  return labels.size() == 1 ? labels[0] : labels[k];
}

const Process& process_of(const Sampling& sampling) {
  static const std::unique_ptr<const Process> sigma_itself = make_edm();
  return sampling.process == nullptr ? *sigma_itself : *sampling.process;
}

Rows initial_states(const Sampling& sampling, std::span<const std::uint64_t> seeds, std::span<const int> labels) {
  const double sigma = sampling.levels.front();
  Rows noise = initial_noise(seeds, sampling.field.dimension());
  if (sampling.start != Start::kExact || std::isinf(sigma)) return states_from_noise(sampling, std::move(noise));
  std::vector<double> datum(sampling.field.dimension());
  for (std::size_t k = 0; k < seeds.size(); ++k) {
    sampling.field.draw(seeds[k], label_of(labels, k), datum);
    for (std::size_t j = 0; j < datum.size(); ++j) noise(k, j) = datum[j] + sigma * noise(k, j);
  }
  return noise;
}

/// The share gamma by which churn raises this level.
double churn_share(const Sampling& sampling, double sigma) {
  const Churn& churn = sampling.churn;
  if (!(churn.amount > 0) || std::isinf(sigma) || sigma < churn.sigma_min || sigma > churn.sigma_max) return 0;
  return std::min(churn.amount / static_cast<double>(sampling.levels.size() - 1), std::numbers::sqrt2 - 1);
}

/// One batch on its way.
class Run {
 public:
  Run(const Sampling& sampling, std::span<const std::uint64_t> seeds, std::span<const int> labels, Observer* observer,
      const Context& context)
      : sampling_(sampling),
        process_(process_of(sampling)),
        seeds_(seeds),
        labels_(labels),
        observer_(observer),
        context_(context),
        sampler_(sampling.sampler.make(sampling.options)),
        seeded_(seeded_noise(seeds, sampling.field.dimension(), context)),
        noise_(sampling.step_noise != nullptr ? *sampling.step_noise : *seeded_),
        evaluations_(seeds.size()) {
    check_levels(sampling.levels, sampling.sampler.kind == SamplerKind::kOde);
    check_options(sampling, sampler_->memory());
    if (observer != nullptr) request_ = observer->request();
    request_.denoised = true;
  }

  Samples from(std::span<const Rows> states) {
    const std::vector<double>& levels = sampling_.levels;
    Rows x = states[0];
    for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
      context_.check_cancelled();
      const double sigma = add_churn(levels[i], x);
      evaluate(i, sigma, std::move(x));
      x = i + 1 < states.size() ? states[i + 1] : next_states(i);
    }
    if (sampling_.jump) {
      evaluate(levels.size() - 1, levels.back(), std::move(x));
      x = std::move(past_[0].denoised);
    }
    return {std::move(x), std::move(evaluations_)};
  }

 private:
  double add_churn(double sigma, Rows& x) {
    const double gamma = churn_share(sampling_, sigma);
    if (gamma == 0) return sigma;
    const Rows z = noise_.fresh(sigma, 0);
    const double raised = sigma + gamma * sigma;
    Combination states;
    states.add(1, x.view()).add(std::sqrt(raised * raised - sigma * sigma) * sampling_.churn.noise, z.view());
    states.into(x.view(), context_.pool);
    return raised;
  }

  /// Asks the field at a level and puts its answer before the past.
  void evaluate(std::size_t level, double sigma, Rows x) {
    Answer answer;
    if (level == 0 && sampling_.analytical_first_step) {
      answer.denoised = Rows(x.rows(), x.cols());
      Combination denoised;
      denoised.add(1 - sigma / std::hypot(1.0, sigma), x.view()).into(answer.denoised.view(), context_.pool);
    } else {
      answer = ask(x.view(), std::span(&sigma, 1), {}, request_);
    }
    if (observer_ != nullptr) observer_->observe({level, sigma, x.view(), answer});
    if (past_.size() == sampler_->memory()) past_.pop_back();
    past_.insert(past_.begin(), {point(sigma), std::move(x), std::move(answer.denoised)});
  }

  Rows next_states(std::size_t i) {
    const Evaluation& now = past_[0];
    const double to = sampling_.levels[i + 1];
    Rows next(now.x.rows(), now.x.cols());
    if (std::isinf(now.at.sigma) && !(sampler_->steps_from_infinity() && std::isfinite(now.at.t))) {
      Combination states;
      states.add_denoised(1, now).add_x(to, now).into(next.view(), context_.pool);
      past_.clear();  // nothing can be interpolated through infinity
      return next;
    }
    if (to == 0 && process_.at(process_.t_min()).sigma > 0) return std::move(past_[0].denoised);
    sampler_->step({.from = now.at,
                    .to = point(to),
                    .index = i,
                    .levels = sampling_.levels,
                    .process = process_,
                    .past = past_,
                    .next = next.view(),
                    .ask = [this](RowsView<const double> x, std::span<const double> sigma,
                                  std::span<const std::size_t> rows) { return ask(x, sigma, rows, {}).denoised; },
                    .noise = &noise_,
                    .pool = context_.pool});
    return next;
  }

  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const std::size_t> rows,
             const Request& request) {
    std::vector<int> labels(labels_.begin(), labels_.end());
    if (rows.empty()) {
      for (std::size_t& count : evaluations_) ++count;
    } else {
      labels.clear();
      for (const std::size_t row : rows) {
        ++evaluations_[row];
        labels.push_back(label_of(labels_, row));
      }
    }
    return sampling_.field.ask(x, sigma, labels, request, context_);
  }

  TimePoint point(double sigma) const { return point_at_sigma(process_, sigma); }

  const Sampling& sampling_;
  const Process& process_;
  std::span<const std::uint64_t> seeds_;
  std::span<const int> labels_;
  Observer* observer_;
  const Context& context_;
  std::unique_ptr<Sampler> sampler_;
  std::unique_ptr<StepNoise> seeded_;
  StepNoise& noise_;
  Request request_;
  std::vector<Evaluation> past_;  // newest first
  std::vector<std::size_t> evaluations_;
};

/// Its data are N(0, 1).
class UnitNormal final : public Field {
 public:
  std::size_t dimension() const override { return 1; }
  Capabilities capabilities() const override { return {.log_density = true, .posterior = true, .draw = true}; }
  std::span<const double> mean() const override { return {&mean_, 1}; }
  double variance() const override { return 1; }
  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> /*labels*/,
             const Request& /*request*/, const Context& /*context*/) const override {
    Answer answer;
    answer.denoised = Rows(1, 1);
    answer.denoised(0, 0) = std::isinf(sigma[0]) ? 0 : x(0, 0) / (1 + sigma[0] * sigma[0]);
    return answer;
  }
  void draw(std::uint64_t /*seed*/, int /*label*/, std::span<double> out) const override { out[0] = 0; }

 private:
  double mean_ = 0;
};

}  // namespace

Rows states_from_noise(const Sampling& sampling, Rows noise) {
  const double sigma = sampling.levels.front();
  if (std::isinf(sigma)) return noise;
  double factor = sigma;
  if (sampling.start == Start::kProcess) factor = 1 / point_at_sigma(process_of(sampling), sigma).law.scale;
  for (double& value : noise.values()) value *= factor;
  return noise;
}

Sampling with_field(const Field& field, const Sampling& sampling) {
  return {.field = field,
          .sampler = sampling.sampler,
          .levels = sampling.levels,
          .process = sampling.process,
          .start = sampling.start,
          .options = sampling.options,
          .churn = sampling.churn,
          .analytical_first_step = sampling.analytical_first_step,
          .jump = sampling.jump,
          .step_noise = sampling.step_noise};
}

Samples sample(const Sampling& sampling, std::span<const std::uint64_t> seeds, std::span<const int> labels,
               Observer* observer, const Context& context) {
  Run run(sampling, seeds, labels, observer, context);
  const Rows start = initial_states(sampling, seeds, labels);
  return run.from({&start, 1});
}

Samples sample_from(const Sampling& sampling, std::span<const Rows> states, std::span<const std::uint64_t> seeds,
                    std::span<const int> labels, Observer* observer, const Context& context) {
  ensure(!states.empty() && states.size() <= sampling.levels.size(), "states at the first levels of the run");
  for (const Rows& x : states) {
    if (x.rows() != seeds.size() || x.cols() != sampling.field.dimension()) {
      throw Error(fmt::format("the given states are {} x {}; the run needs {} samples of {} values", x.rows(), x.cols(),
                              seeds.size(), sampling.field.dimension()));
    }
  }
  return Run(sampling, seeds, labels, observer, context).from(states);
}

Rows initial_noise(std::span<const std::uint64_t> seeds, std::size_t dimension) {
  Rows noise(seeds.size(), dimension);
  for (std::size_t k = 0; k < seeds.size(); ++k) {
    RandomStream(seeds[k], Purpose::kInitialNoise).normals(noise[k]);
  }
  return noise;
}

std::vector<double> observed_levels(const Sampling& sampling) {
  std::vector<double> levels;
  for (std::size_t i = 0; i + 1 < sampling.levels.size(); ++i) {
    const double sigma = sampling.levels[i];
    const double gamma = churn_share(sampling, sigma);
    levels.push_back(gamma == 0 ? sigma : sigma + gamma * sigma);
  }
  if (sampling.jump) levels.push_back(sampling.levels.back());
  return levels;
}

std::size_t evaluations_of(const Sampling& sampling) {
  const UnitNormal field;
  const Sampling small{.field = field,
                       .sampler = sampling.sampler,
                       .levels = sampling.levels,
                       .process = sampling.process,
                       .options = sampling.options,
                       .churn = sampling.churn,
                       .analytical_first_step = sampling.analytical_first_step,
                       .jump = sampling.jump,
                       .step_noise = sampling.step_noise};
  const std::uint64_t seed = 0;
  return sample(small, {&seed, 1}, {}, nullptr, {}).evaluations[0];
}

double second_moment(const Field& field) {
  const auto mean = field.mean();
  return field.variance() + std::inner_product(mean.begin(), mean.end(), mean.begin(), 0.0);
}

std::optional<double> second_moment(const Field& field, int label, const Context& context) {
  if (label < 0) return second_moment(field);
  if (!field.capabilities().covariance) return std::nullopt;
  const Rows origin(1, field.dimension());
  const double sigma = std::numeric_limits<double>::infinity();
  const Answer law = field.ask(origin.view(), {&sigma, 1}, {&label, 1}, {.covariance_trace = true}, context);
  const auto mean = law.denoised[0];
  return law.covariance_trace[0] + std::inner_product(mean.begin(), mean.end(), mean.begin(), 0.0);
}

double start_mismatch(double second_moment, double sigma_max) {
  return second_moment / (2 * sigma_max * sigma_max);
}

double start_mismatch(double second_moment, std::size_t dimension, const Marginal& law) {
  if (law.scale == 0) return 0;
  const double q = law.noise * law.noise;
  return second_moment * law.scale * law.scale / 2 + static_cast<double>(dimension) / 2 * (q - 1 - std::log(q));
}

double fitting_sigma_max(double second_moment, double bound) {
  return std::sqrt(second_moment / (2 * bound));
}

}  // namespace scorefield
