// A whole sampling job: many seeds, streamed into a run folder, resumable, held against the training set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/data/form.h"
#include "scorefield/metrics/memorisation.h"
#include "scorefield/run/run_folder.h"
#include "scorefield/sample/given_noise.h"
#include "scorefield/sample/sample.h"

namespace scorefield {

/// The values of samples.npz.
enum class SampleType {
  kU8,   // [N, H, W, C] images, rounded and clipped
  kF32,  // [N, d], data units
  kF64,  // [N, d], data units
};

struct SamplingRun {
  /// What the samples are held against, rows of the same form; null: nothing is.
  const Dataset* data = nullptr;
  DataForm form;
  Sampling sampling;
  std::vector<std::uint64_t> seeds;
  int label = -1;  // of every sample; -1 is unconditional
  std::size_t batch = 64;
  SampleType type = SampleType::kF32;
  /// E|x_0|^2 of the law that is sampled (second_moment()); null where it is
  /// not known.
  std::optional<double> second_moment;
  /// Real rows that no sampler has seen, for the copy rule's false-positive rate; without it each training row is held
  /// against the others.
  std::optional<Dataset> held_out;
  /// Unit noise for the start, a row a sample; null: the seeds' own.
  std::optional<Dataset> noise;
  /// Rows in data units, one a sample, that are noised to the first level: x_0 + sigma n. Null: a start from noise.
  std::optional<Dataset> init;
  /// Noise of the steps as it was recorded, for every sample; null: the seeds' own.
  std::optional<StepDraws> step_noise;
  bool save_trajectory = false;
};

/// Evaluations of the field that a sample of the run takes; null for an adaptive sampler, whose number is known only
/// after. Throws Error for what sample() would refuse, and when there are fewer recorded draws than the run asks for.
std::optional<std::size_t> evaluations_of(const SamplingRun& run);

/// What the start costs at most, nats (start_mismatch()); null for given rows, which are no draw of p_sigma_max, and
/// where the law is not known.
std::optional<double> start_mismatch(const SamplingRun& run);

/// Samples `count` of the run's seeds from `first` on, as one batch.
Samples sample_some(const SamplingRun& run, std::size_t first, std::size_t count, Observer* observer,
                    const Context& context);

/// What the field said at one noise level, over all finished samples.
struct LevelSummary {
  double sigma = 0;
  double entropy = 0;                // nats, mean; NaN, as all below, where the field was not asked
  double effective_sample_size = 0;  // mean
  double least_effective_sample_size = 0;
  double most_effective_sample_size = 0;
  double largest_weight = 0;  // mean
};

struct SamplingReport {
  std::size_t finished = 0;  // of the seeds; fewer when cancelled
  std::size_t requested = 0;
  bool complete = false;  // nothing was cancelled: all are finished and the rule is measured
  std::optional<double> start_mismatch;
  double mean_evaluations = 0;  // of the field, a sample
  std::size_t least_evaluations = 0;
  std::size_t most_evaluations = 0;
  std::vector<LevelSummary> levels;
  /// Of a run with data:
  CopyRule rule;
  Copies copies;
  /// Total 0: not measured, as the run is not complete or there is nothing to measure it on.
  Proportion false_positives;
  bool held_out = false;  // the false positives are of held-out rows
  double seconds = 0;     // of sampling, in this process
};

/// Throws Error when the memory that run_sampling() takes besides the data is over the limit.
void check_sampling_memory(const SamplingRun& run, const Context& context);

/// Samples every seed that the folder does not hold yet, in batches; then writes
///   samples.npz    arr_0 (SampleType), arr_1 labels where the run has one, seeds
///   posterior.npz  sigma [S]; entropy, effective_sample_size, largest_weight [N, S]; NaN where the field was not asked
///   trajectory.npz x [N, S + 1, d] and sigma [S + 1], with save_trajectory: the states at every level, VE frame, data
///                  units (unit noise at sigma = inf), and the samples
///   nearest.npz    row, distance [N, 2] (nearest and second training row), copy [N]; with data
///   stats.jsonl    a line a noise level;  report.json;  pictures (write_sampling_pictures)
/// None of it depends on batch, threads or on how often the run was interrupted. When cancelled it writes the same for
/// the samples that are finished and returns, or throws Cancelled when there are none. A field that does not tell its
/// posterior is not asked for it. Throws Error when the states of a batch are over the memory limit.
SamplingReport run_sampling(const SamplingRun& run, RunFolder& folder, const Context& context);

/// The unit that run_sampling() marks done in the folder of a complete run.
inline constexpr const char* kSamplesDone = "samples";

}  // namespace scorefield
