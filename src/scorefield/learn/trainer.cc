#include "scorefield/learn/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

/// Gradients that wait for their turn in the sum may take this much.
constexpr std::size_t kWaveBytes = std::size_t{256} << 20;

/// Exchanges two vectors of weights, and back at the end of its life.
class Exchanged {
 public:
  Exchanged(std::span<float> a, std::span<float> b) : a_(a), b_(b) { std::ranges::swap_ranges(a_, b_); }
  ~Exchanged() { std::ranges::swap_ranges(a_, b_); }
  Exchanged(const Exchanged&) = delete;
  Exchanged& operator=(const Exchanged&) = delete;

 private:
  std::span<float> a_;
  std::span<float> b_;
};

Error not_finite(std::string_view what, const std::string& where) {
  return Error(
      fmt::format("the {} is not finite {}; a smaller learning rate or a longer warm-up may help", what, where));
}

}  // namespace

void LossSum::add(double loss) {
  ++rows;
  sum += loss;
  squares += loss * loss;
}

void LossSum::add(const LossSum& other) {
  rows += other.rows;
  sum += other.sum;
  squares += other.squares;
}

double LossSum::mean() const {
  return rows == 0 ? 0 : sum / static_cast<double>(rows);
}

double LossSum::standard_error() const {
  if (rows < 2) return 0;
  const auto n = static_cast<double>(rows);
  return std::sqrt(std::max(0.0, squares / n - mean() * mean()) / (n - 1));
}

LossSum Task::held_out_loss(std::size_t /*micro_batch*/, int /*worker*/) {
  throw_bug("held-out rows", __FILE__, __LINE__);
}

WorkerNetworks::WorkerNetworks(const net::Architecture& architecture, const float* weights, net::Arithmetic arithmetic,
                               int workers)
    : WorkerNetworks([=] { return network_library().make(architecture, weights, arithmetic); }, workers) {}

net::Network& WorkerNetworks::of(int worker) {
  std::unique_ptr<net::Network>& network = networks_.at(static_cast<std::size_t>(worker));
  if (!network) network = make_();
  return *network;
}

Trainer::Trainer(Weights& weights, Task& task, const TrainerOptions& options, const Context& context)
    : weights_(weights), task_(task), options_(options), adam_(options.adam, weights.tensors()) {
  ensure(task.batch() > 0 && task.micro_batches() > 0, "a batch has rows");
  const std::size_t bytes = weights.size() * sizeof(float);
  const std::size_t threads = context.pool == nullptr ? 1 : static_cast<std::size_t>(context.pool->threads());
  const std::size_t fitting = kWaveBytes / std::max(bytes, std::size_t{1});
  const std::size_t wave = std::min(task.micro_batches(), std::max(threads, fitting));
  context.check_memory(5 + wave, bytes, "the weights, their moments and gradients");
  gradient_.resize(weights.size());
  if (options.average.kind != AverageOptions::Kind::kNone) {
    average_.assign(weights.values().begin(), weights.values().end());
  }
  partial_.assign(wave, std::vector<float>(weights.size()));
}

StepReport Trainer::step(const Context& context) {
  StepReport report;
  report.step = done_;
  report.rate = options_.rate.at(done_);
  std::ranges::fill(gradient_, 0.0F);
  const std::size_t count = task_.micro_batches();
  // A wave's gradients are added in the order of their numbers: which thread made one, and how many are in a wave, does
  // not matter.
  for (std::size_t first = 0; first < count; first += partial_.size()) {
    context.check_cancelled();
    const std::size_t in_wave = std::min(partial_.size(), count - first);
    std::vector<LossSum> losses(in_wave);
    run_tasks(context.pool, in_wave, [&](std::size_t k, int worker) {
      std::ranges::fill(partial_[k], 0.0F);
      losses[k] = task_.add_gradient(done_, first + k, worker, partial_[k]);
    });
    for (std::size_t k = 0; k < in_wave; ++k) {
      add(partial_[k], gradient_, context.pool);
      report.loss.add(losses[k]);
    }
  }
  report.gradient_norm = norm(gradient_, context.pool);
  if (!std::isfinite(report.loss.sum) || !std::isfinite(report.gradient_norm)) {
    throw not_finite(std::isfinite(report.loss.sum) ? "gradient" : "loss",
                     fmt::format("at step {} (learning rate {:.3g}, {})", done_, report.rate, task_.describe(done_)));
  }
  const double scale = report.gradient_norm > options_.clip ? options_.clip / report.gradient_norm : 1;
  adam_.step(done_ + 1, report.rate, scale, gradient_, weights_.values(), context.pool);
  if (!average_.empty()) {
    update_average(options_.average.beta(done_, task_.batch()), weights_.values(), average_, context.pool);
  }
  ++done_;
  return report;
}

LossSum Trainer::held_out_loss(const Context& context) {
  std::vector<LossSum> losses(task_.held_out_batches());
  {
    std::vector<float> none;
    const Exchanged averaged(average_.empty() ? std::span<float>(none) : weights_.values(), average_);
    run_tasks(context.pool, losses.size(), [&](std::size_t k, int worker) {
      context.check_cancelled();
      losses[k] = task_.held_out_loss(k, worker);
    });
  }
  LossSum sum;
  for (const LossSum& loss : losses) sum.add(loss);
  if (!std::isfinite(sum.sum)) {
    throw not_finite("loss on rows kept aside", after_last_step());
  }
  return sum;
}

std::span<const float> Trainer::average() const {
  return average_.empty() ? static_cast<const Weights&>(weights_).values() : std::span<const float>(average_);
}

std::vector<StatePart> Trainer::state() {
  std::vector<StatePart> parts = {{"weights.", weights_.values()},
                                  {"first_moment.", adam_.first_moment()},
                                  {"second_moment.", adam_.second_moment()}};
  if (!average_.empty()) parts.push_back({"average.", average_});
  return parts;
}

void Trainer::check_finite() {
  for (const StatePart& part : state()) {
    if (!std::ranges::all_of(part.values, [](float value) { return std::isfinite(value); })) {
      throw not_finite("state of the training", after_last_step());
    }
  }
}

std::string Trainer::after_last_step() const {
  return fmt::format("after step {} (learning rate {:.3g})", done_, options_.rate.at(done_ == 0 ? 0 : done_ - 1));
}

void Trainer::save(const std::filesystem::path& path, const TensorMetadata& metadata) {
  save_state(path, weights_.tensors(), state(), done_, metadata);
}

void Trainer::load(const std::filesystem::path& path, const Context& context) {
  done_ = load_state(path, weights_.tensors(), state(), context);
}

}  // namespace scorefield
