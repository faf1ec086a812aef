// Training: what is trained (a Task), and the step. The same bits for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/learn/checkpoint.h"
#include "scorefield/learn/optimiser.h"
#include "scorefield/learn/weights.h"

namespace scorefield {

/// The losses of some rows.
struct LossSum {
  std::size_t rows = 0;
  double sum = 0;
  double squares = 0;

  void add(double loss);
  void add(const LossSum& other);
  double mean() const;
  /// Of the mean, over rows taken as independent; 0 for fewer than two.
  double standard_error() const;
};

/// What is trained: a loss that is a mean over the rows of a batch. The batch of a step is cut into micro-batches of a
/// fixed number of rows, each evaluated by whichever thread is free; their gradients are summed in the order of their
/// numbers. All that is random in it is a function of (seed, purpose, step, row of the batch). Networks are kept by
/// worker (WorkerNetworks) and read the trainer's Weights.
class Task {
 public:
  virtual ~Task() = default;

  /// Rows of a step, and the micro-batches they are cut into.
  virtual std::size_t batch() const = 0;
  virtual std::size_t micro_batches() const = 0;
  /// Adds to `gradient` ([weights]) that of (sum of this micro-batch's losses) / batch(). Called by several threads at
  /// once, each with a worker number of its own.
  virtual LossSum add_gradient(std::uint64_t step, std::size_t micro_batch, int worker, std::span<float> gradient) = 0;

  /// The same loss on rows that are not trained on, with noise and levels that never change; 0: there are none.
  virtual std::size_t held_out_batches() const { return 0; }
  virtual LossSum held_out_loss(std::size_t micro_batch, int worker);

  /// What a step drew, for errors ("sigma from 0.01 to 13").
  virtual std::string describe(std::uint64_t step) const = 0;
};

/// One network a thread, made when the thread first asks.
class WorkerNetworks {
 public:
  using Maker = std::function<std::unique_ptr<net::Network>()>;

  /// workers: ThreadPool::threads().
  WorkerNetworks(Maker make, int workers) : make_(std::move(make)), networks_(static_cast<std::size_t>(workers)) {}
  /// Networks of the plugin. weights: those of the network (Weights::of_network); they must outlive it.
  WorkerNetworks(const net::Architecture& architecture, const float* weights, net::Arithmetic arithmetic, int workers);
  net::Network& of(int worker);

 private:
  Maker make_;
  std::vector<std::unique_ptr<net::Network>> networks_;
};

struct TrainerOptions {
  AdamOptions adam;
  RateSchedule rate;
  AverageOptions average;
  double clip = 1;  // the gradient is scaled down to this norm; inf: never
};

struct StepReport {
  std::uint64_t step = 0;
  LossSum loss;
  double gradient_norm = 0;  // before clipping
  double rate = 0;
};

/// The loop's body and all of its state: weights, their average, both moments, and the number of steps made.
class Trainer {
 public:
  /// `weights` and `task` must outlive it. Throws Error when memory is over the limit.
  Trainer(Weights& weights, Task& task, const TrainerOptions& options, const Context& context);

  std::uint64_t steps_done() const { return done_; }
  /// One step. Throws Error, with step, learning rate and Task::describe(), when the loss or the gradient is not
  /// finite; nothing has changed then.
  StepReport step(const Context& context);

  /// The mean of Task::held_out_loss() with the averaged weights. Throws Error where it is not finite.
  LossSum held_out_loss(const Context& context);

  /// The averaged weights; those of the last step where there is no average. [weights]
  std::span<const float> average() const;

  /// Everything that the next step depends on, besides the options and the task, as save_state() writes it: `step`, and
  /// weights.NAME, average.NAME (where there is one), first_moment.NAME and second_moment.NAME of every tensor.
  void save(const std::filesystem::path& path, const TensorMetadata& metadata);
  /// Throws Error where anything of that is not finite: a step can make it so from a finite gradient.
  void check_finite();
  /// Goes on from there. Throws Error as load_state() does; nothing has changed then.
  void load(const std::filesystem::path& path, const Context& context);

 private:
  std::string after_last_step() const;

  std::vector<StatePart> state();

  Weights& weights_;
  Task& task_;
  TrainerOptions options_;
  Adam adam_;
  std::vector<float> average_;
  std::vector<float> gradient_;              // the sum
  std::vector<std::vector<float>> partial_;  // of the micro-batches of a wave
  std::uint64_t done_ = 0;
};

}  // namespace scorefield
