// A whole training in a run folder: records, checkpoints, sample grids; stopped at any moment it goes on to the same
// bits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "scorefield/learn/denoiser_training.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {

struct TrainingRun;
std::unique_ptr<Training> make_denoiser_training(const TrainingRun& run, const Context& context);

struct TrainingRun {
  const Dataset& data;
  const Dataset* held_out = nullptr;
  TrainingSettings settings;
  /// In steps. A checkpoint comes with the held-out loss and a record; the last step has all of them.
  std::uint64_t record_every = 1;
  std::uint64_t checkpoint_every = 1;
  std::uint64_t grid_every = 0;  // 0: none but the last
  /// What the checkpoint and the model say of the training.
  nlohmann::json config;
  /// What is trained: of a denoiser.
  std::function<std::unique_ptr<Training>(const TrainingRun&, const Context&)> make = make_denoiser_training;
};

/// What a training takes on this machine, measured.
struct TrainingCost {
  double step = 0;        // seconds
  double checkpoint = 0;  // of what a checkpoint's record says: the held-out loss, and figures
  double grid = 0;        // of one grid of samples; 0 where there is none
};

/// Runs the training for about `seconds` and throws the result away. What sizes the buffers is not measured: some steps
/// come before.
TrainingCost measure_cost(const TrainingRun& run, double seconds, const Context& context);

/// How often a run stops to measure and to draw. The last step does both.
struct Records {
  std::uint64_t checkpoints = 20;
  std::uint64_t grids = 5;
};

/// What fits into a time.
struct TrainingPlan {
  std::uint64_t steps = 1;  // at most 2^40
  Records records;
  double left = 0;  // seconds for the steps; not above 0: there is no time even for one
};

/// At most the default number of checkpoints and of grids, each kind in at most a tenth of `seconds` (one of each there
/// is), and steps in the rest. checkpoint_every, grid_every: steps between them where that is settled; 0: it is not.
TrainingPlan plan_within(double seconds, const TrainingCost& cost, std::uint64_t checkpoint_every,
                         std::uint64_t grid_every);

/// Whether samples can be drawn as a picture: grey or RGB images, and points in the plane.
bool has_grid(const Dataset& data);

struct TrainingReport {
  std::uint64_t steps = 0;
  bool complete = false;
  std::uint64_t resumed_from = 0;
  std::optional<LossSum> held_out;                    // of the last checkpoint of this process
  nlohmann::json figures = nlohmann::json::object();  // Training::figures() of the last checkpoint of this process
  double seconds = 0;                                 // of training, over all processes
};

/// Trains from the folder's checkpoint, or from the start, to the last step, and writes
///   stats.jsonl             a line a record: step, rows, loss and its standard error, ...
///   checkpoint.safetensors  the whole state (Trainer::save), replaced at every checkpoint
///   model.safetensors       the averaged weights (Training::write), likewise
///   grids/STEP.png          Training::write_picture; of a denoiser: 18 steps of Heun from fixed seeds
///   loss.png/.svg/.csv      the losses against the rows seen
/// When cancelled it writes a checkpoint and returns; killed it goes on from the last one, and what came after is cut
/// off the records. Throws Error for a loss that is not finite, a full disk, or a checkpoint that does not fit; the
/// last good checkpoint stays.
TrainingReport run_training(const TrainingRun& run, RunFolder& folder, const Context& context);

/// The unit that run_training() marks done in the folder of a complete run.
inline constexpr const char* kTrainingDone = "training";

}  // namespace scorefield
