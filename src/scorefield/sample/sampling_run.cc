#include "scorefield/sample/sampling_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/data/png.h"
#include "scorefield/sample/sample_records.h"
#include "scorefield/sample/sampling_pictures.h"

namespace scorefield {
namespace {

constexpr std::size_t kFalsePositiveRows = 10000;
constexpr std::size_t kBytesPerSeed = 32;  // the seed, two distances and two rows

/// Keeps the posterior of every level, the whole path of the first samples, and the states of all when they are wanted,
/// and reports progress.
class Recorder final : public Observer {
 public:
  Recorder(const SamplingRun& run, std::size_t samples, std::size_t paths, std::size_t levels, std::size_t before,
           std::size_t total, const Context& context)
      : posterior(samples, 3 * levels),
        path(paths, 2 * levels * run.form.dimension()),
        states(run.save_trajectory ? samples : 0, (levels + 1) * run.form.dimension()),
        levels_(levels),
        before_(static_cast<double>(before)),
        total_(static_cast<double>(total)),
        context_(context) {
    request_.posterior = run.sampling.field.capabilities().posterior;
  }

  const Request& request() const override { return request_; }

  void observe(const Observation& seen) override {
    const bool asked = !seen.answer.entropy.empty();
    constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
    for (std::size_t i = 0; i < seen.x.rows; ++i) {
      posterior(i, seen.step) = asked ? seen.answer.entropy[i] : kUnknown;
      posterior(i, levels_ + seen.step) = asked ? seen.answer.effective_sample_size[i] : kUnknown;
      posterior(i, 2 * levels_ + seen.step) = asked ? seen.answer.largest_weight[i] : kUnknown;
    }
    const std::size_t d = seen.x.cols;
    for (std::size_t i = 0; i < path.rows(); ++i) {
      std::ranges::copy(seen.x[i], path[i].subspan(2 * seen.step * d, d).begin());
      std::ranges::copy(seen.answer.denoised[i], path[i].subspan((2 * seen.step + 1) * d, d).begin());
    }
    keep_states(seen.step, seen.x);
    const double share = static_cast<double>(seen.step) / static_cast<double>(levels_);
    context_.report("samples", before_ + share * static_cast<double>(seen.x.rows), total_);
  }

  /// The states at one level; those behind the last level are the samples.
  void keep_states(std::size_t step, RowsView<const double> x) {
    for (std::size_t i = 0; i < states.rows(); ++i) {
      std::ranges::copy(x[i], states[i].subspan(step * x.cols, x.cols).begin());
    }
  }

  Rows posterior;  // [B, 3 S]
  Rows path;       // [P, S, 2, d]: x and D of the first samples
  Rows states;     // [B, S + 1, d], or no rows

 private:
  Request request_;
  std::size_t levels_;
  double before_;
  double total_;
  const Context& context_;
};

/// In the records of a run without data.
NearestTwo no_neighbours(std::size_t rows) {
  NearestTwo none;
  none.d1.resize(rows);
  none.d2.resize(rows);
  none.index1.resize(rows);
  none.index2.resize(rows);
  return none;
}

std::filesystem::path image_path(const std::filesystem::path& folder, std::uint64_t seed, bool subfolders) {
  std::filesystem::path path = folder / "images";
  if (subfolders) path /= fmt::format("{:06d}", seed / 1000 * 1000);
  return path / fmt::format("{:06d}.png", seed);
}

void write_samples(const SamplingRun& run, const SampleRecords& records, const std::filesystem::path& path) {
  const std::vector<std::size_t> n = {records.size()};
  const auto& shape = run.form.shape;
  NpzWriter npz(path);
  switch (run.type) {
    case SampleType::kU8:
      npz.begin_array("arr_0", ScalarType::kU8, std::vector<std::size_t>{n[0], shape[1], shape[2], shape[0]});
      records.for_each([&](std::size_t, const SampleRecord& record) {
        npz.append<std::uint8_t>(image_from_row(record.x, shape, image_units(run.form)).pixels);
      });
      break;
    case SampleType::kF32:
      npz.begin_array("arr_0", ScalarType::kF32, std::vector<std::size_t>{n[0], run.form.dimension()});
      records.for_each([&](std::size_t, const SampleRecord& record) {
        npz.append<float>(std::vector<float>(record.x.begin(), record.x.end()));
      });
      break;
    case SampleType::kF64:
      npz.begin_array("arr_0", ScalarType::kF64, std::vector<std::size_t>{n[0], run.form.dimension()});
      records.for_each([&](std::size_t, const SampleRecord& record) { npz.append(record.x); });
      break;
  }
  if (run.label >= 0) npz.add_array<std::int32_t>("arr_1", n, std::vector<std::int32_t>(n[0], run.label));
  npz.add_array<std::uint64_t>("seeds", n, std::span(run.seeds).first(n[0]));
  npz.finish();
}

void write_posterior(const SamplingRun& run, const SampleRecords& records, const std::filesystem::path& path) {
  const std::vector<double> sigma = observed_levels(run.sampling);
  const std::size_t levels = sigma.size();
  NpzWriter npz(path);
  npz.add_array<double>("sigma", std::vector<std::size_t>{levels}, sigma);
  const auto write = [&](const char* name, std::span<const double> SampleRecord::*part) {
    npz.begin_array(name, ScalarType::kF64, std::vector<std::size_t>{records.size(), levels});
    records.for_each([&](std::size_t, const SampleRecord& record) { npz.append(record.*part); });
  };
  write("entropy", &SampleRecord::entropy);
  write("effective_sample_size", &SampleRecord::effective_sample_size);
  write("largest_weight", &SampleRecord::largest_weight);
  npz.finish();
}

void write_trajectories(const SamplingRun& run, std::size_t count, const RecordFile& states,
                        const std::filesystem::path& path) {
  std::vector<double> sigma = observed_levels(run.sampling);
  sigma.push_back(run.sampling.jump ? 0 : run.sampling.levels.back());  // D is at no noise
  NpzWriter npz(path);
  npz.begin_array("x", ScalarType::kF64, std::vector<std::size_t>{count, sigma.size(), run.form.dimension()});
  states.read([&](std::span<const std::byte> bytes) { npz.append(bytes); });
  npz.add_array<double>("sigma", std::vector<std::size_t>{sigma.size()}, sigma);
  npz.finish();
}

void write_nearest(const SampleRecords& records, const CopyRule& rule, const std::filesystem::path& path) {
  const std::vector<std::size_t> pairs = {records.size(), 2};
  NpzWriter npz(path);
  npz.begin_array("row", ScalarType::kU32, pairs);
  records.for_each([&](std::size_t, const SampleRecord& record) {
    npz.append<std::uint32_t>(std::array<std::uint32_t, 2>{record.row1, record.row2});
  });
  npz.begin_array("distance", ScalarType::kF64, pairs);
  records.for_each([&](std::size_t, const SampleRecord& record) {
    npz.append<double>(std::array<double, 2>{record.d1, record.d2});
  });
  npz.begin_array("copy", ScalarType::kU8, std::vector<std::size_t>{records.size()});
  records.for_each([&](std::size_t, const SampleRecord& record) {
    npz.append<std::uint8_t>(
        std::array<std::uint8_t, 1>{rule.is_copy(record.d1, record.d2) ? std::uint8_t{1} : std::uint8_t{0}});
  });
  npz.finish();
}

std::vector<LevelSummary> summarise_levels(const SamplingRun& run, const SampleRecords& records) {
  const std::vector<double> sigma = observed_levels(run.sampling);
  const std::size_t levels = sigma.size();
  std::vector<LevelSummary> summary(levels);
  for (std::size_t s = 0; s < levels; ++s) {
    summary[s].sigma = sigma[s];
    summary[s].least_effective_sample_size = std::numeric_limits<double>::infinity();
  }
  records.for_each([&](std::size_t, const SampleRecord& record) {
    for (std::size_t s = 0; s < levels; ++s) {
      const double size = record.effective_sample_size[s];
      LevelSummary& level = summary[s];
      level.entropy += record.entropy[s];
      level.effective_sample_size += size;
      // A NaN, where the field was not asked, is the same for all samples.
      level.least_effective_sample_size = std::isnan(size) ? size : std::min(level.least_effective_sample_size, size);
      level.most_effective_sample_size = std::isnan(size) ? size : std::max(level.most_effective_sample_size, size);
      level.largest_weight += record.largest_weight[s];
    }
  });
  const auto n = static_cast<double>(records.size());
  for (LevelSummary& level : summary) {
    level.entropy /= n;
    level.effective_sample_size /= n;
    level.largest_weight /= n;
  }
  return summary;
}

Copies judge(const SampleRecords& records, const CopyRule& rule) {
  NearestTwo nearest;
  records.for_each([&](std::size_t, const SampleRecord& record) {
    nearest.d1.push_back(record.d1);
    nearest.d2.push_back(record.d2);
    nearest.index1.push_back(record.row1);
    nearest.index2.push_back(record.row2);
  });
  return find_copies(rule, nearest);
}

void count_evaluations(const SampleRecords& records, SamplingReport& report) {
  report.least_evaluations = std::numeric_limits<std::size_t>::max();
  records.for_each([&](std::size_t, const SampleRecord& record) {
    report.mean_evaluations += static_cast<double>(record.evaluations);
    report.least_evaluations = std::min(report.least_evaluations, record.evaluations);
    report.most_evaluations = std::max(report.most_evaluations, record.evaluations);
  });
  report.mean_evaluations /= static_cast<double>(records.size());
}

void write_report(const SamplingRun& run, const SamplingReport& report, const RunFolder& folder) {
  std::string lines;
  for (std::size_t s = 0; s < report.levels.size(); ++s) {
    const LevelSummary& level = report.levels[s];
    lines += nlohmann::json{{"step", s},
                            {"sigma", level.sigma},
                            {"entropy", level.entropy},
                            {"effective_sample_size", level.effective_sample_size},
                            {"largest_weight", level.largest_weight},
                            {"samples", report.finished}}
                 .dump() +
             "\n";
  }
  write_file_atomically(folder / "stats.jsonl", lines);
  nlohmann::json rows = nlohmann::json::array();
  for (const RowCount& row : report.copies.rows) rows.push_back({{"row", row.row}, {"count", row.count}});
  const auto proportion = [](const Proportion& p) -> nlohmann::json {
    if (p.total == 0) return nullptr;
    return nlohmann::json{
        {"count", p.count}, {"total", p.total}, {"value", p.value}, {"low95", p.low}, {"high95", p.high}};
  };
  nlohmann::json json = {{"samples", report.finished},
                         {"requested", report.requested},
                         {"nfe", report.most_evaluations},
                         {"start_mismatch_nats", nullptr},
                         {"copies", nullptr}};
  if (run.data != nullptr) {
    json.update({{"copies", proportion(report.copies.share)},
                 {"copied_rows", rows},
                 {"rms_distance_of_copies", report.copies.rms_distance},
                 {"copy_rule", {{"ratio", report.rule.ratio}, {"distance", report.rule.threshold}}},
                 {"false_positives", proportion(report.false_positives)},
                 {"false_positives_on", report.held_out ? "held-out" : "leave-one-out"}});
  }
  if (report.start_mismatch) json["start_mismatch_nats"] = *report.start_mismatch;
  if (report.least_evaluations != report.most_evaluations) {
    json["nfe"] = report.mean_evaluations;
    json["nfe_least"] = report.least_evaluations;
    json["nfe_most"] = report.most_evaluations;
  }
  write_json(folder / "report.json", json);
}

}  // namespace

std::optional<std::size_t> evaluations_of(const SamplingRun& run) {
  const std::size_t count = evaluations_of(run.sampling);
  if (run.step_noise) {
    Sampling sampling = run.sampling;
    const std::vector<Rows> silence(run.step_noise->size(), Rows(1, 1));
    const auto recorded = recorded_noise(silence);
    sampling.step_noise = recorded.get();
    try {
      (void)evaluations_of(sampling);
    } catch (const Error& error) {  // nothing but the draws can be wrong here
      throw Error(fmt::format("{}: {}", run.step_noise->name(), error.what()));
    }
  }
  if (run.sampling.sampler.evaluations_per_step == 0) return std::nullopt;
  return count;
}

std::optional<double> start_mismatch(const SamplingRun& run) {
  const Sampling& sampling = run.sampling;
  const double sigma = sampling.levels.front();
  if (run.init || !run.second_moment) return std::nullopt;
  if (sampling.start == Start::kExact) return 0;
  if (sampling.start == Start::kProcess && sampling.process != nullptr) {
    return start_mismatch(*run.second_moment, run.form.dimension(), point_at_sigma(*sampling.process, sigma).law);
  }
  return start_mismatch(*run.second_moment, sigma);
}

Samples sample_some(const SamplingRun& run, std::size_t first, std::size_t count, Observer* observer,
                    const Context& context) {
  const auto seeds = std::span(run.seeds).subspan(first, count);
  const std::vector<int> label = {run.label};
  Sampling sampling = run.sampling;
  std::vector<Rows> draws;
  std::unique_ptr<StepNoise> recorded;
  if (run.step_noise) {
    draws = run.step_noise->of_samples(first, count);
    recorded = recorded_noise(draws);
    sampling.step_noise = recorded.get();
  }
  if (!run.noise && !run.init) return sample(sampling, seeds, label, observer, context);
  const Rows noise = run.noise ? rows_of(*run.noise, first, count) : initial_noise(seeds, run.form.dimension());
  Rows states;
  if (run.init) {
    states = rows_of(*run.init, first, count);
    Combination noised;
    noised.add(1, states.view()).add(sampling.levels.front(), noise.view()).into(states.view(), context.pool);
  } else {
    states = states_from_noise(sampling, noise);
  }
  return sample_from(sampling, {&states, 1}, seeds, label, observer, context);
}

void check_sampling_memory(const SamplingRun& run, const Context& context) {
  const std::size_t levels = observed_levels(run.sampling).size();
  const std::size_t batch = std::min(run.batch, run.seeds.size());
  const std::size_t dimension = run.form.dimension();
  // A step holds the states, what the field answered, and a solver's own copies of them: 20 in rk45, which has most.
  const std::size_t states = (20 + (run.step_noise ? run.step_noise->size() : 0)) * batch * dimension;
  const std::size_t posterior = 3 * levels * batch;
  const std::size_t paths = run.form.is_picture() ? 2 * levels * dimension * std::min(kPaths, batch) : 0;
  const std::size_t trajectories = run.save_trajectory ? (levels + 1) * dimension * batch : 0;
  context.check_memory((states + posterior + paths + trajectories) * sizeof(double),
                       "a batch of samples (--batch) and its path");
  context.check_memory(run.seeds.size() * kBytesPerSeed, "the seeds and the nearest rows of the samples");
}

SamplingReport run_sampling(const SamplingRun& run, RunFolder& folder, const Context& context) {
  ensure(run.batch > 0 && !run.seeds.empty(), "a run has seeds and a batch");
  const std::size_t levels = observed_levels(run.sampling).size();
  const std::size_t dimension = run.form.dimension();
  const std::size_t requested = run.seeds.size();
  const std::size_t paths = run.form.is_picture() ? std::min(kPaths, requested) : 0;
  const bool subfolders = requested > 1000;

  check_sampling_memory(run, context);
  std::filesystem::create_directories(folder / "partial");
  SampleRecords records(folder / "partial/samples.f64", dimension, levels);
  RecordFile path_records(folder / "partial/paths.f64", 2 * levels * dimension * sizeof(double));
  RecordFile state_records(folder / "partial/states.f64", (levels + 1) * dimension * sizeof(double));
  // Paths and states are written before records: after a crash there may be more of them, never fewer.
  path_records.truncate(std::min({records.size(), path_records.size(), paths}));
  state_records.truncate(std::min(records.size(), state_records.size()));

  SamplingReport report;
  report.requested = requested;
  report.start_mismatch = start_mismatch(run);
  const auto began = std::chrono::steady_clock::now();
  try {
    while (records.size() < requested) {
      const std::size_t first = records.size();
      const auto seeds = std::span(run.seeds).subspan(first, std::min(run.batch, requested - first));
      const std::size_t new_paths = first < paths ? std::min(paths - first, seeds.size()) : 0;
      Recorder recorder(run, seeds.size(), new_paths, levels, first, requested, context);
      const Samples samples = sample_some(run, first, seeds.size(), &recorder, context);
      recorder.keep_states(levels, samples.x.view());
      const NearestTwo nearest =
          run.data != nullptr ? nearest_two(*run.data, samples.x.view(), context) : no_neighbours(seeds.size());
      if (run.form.is_picture()) {
        for (std::size_t i = 0; i < seeds.size(); ++i) {
          const auto path = image_path(folder.path(), seeds[i], subfolders);
          std::filesystem::create_directories(path.parent_path());
          write_png(path, image_from_row(samples.x[i], run.form.shape, image_units(run.form)));
        }
      }
      path_records.append(std::as_bytes(recorder.path.values()));
      state_records.append(std::as_bytes(recorder.states.values()));
      records.append(samples, recorder.posterior, nearest);
    }
  } catch (const Cancelled&) {
    if (records.size() == 0) throw;
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  report.finished = records.size();

  // What is finished is judged and written also after Ctrl-C. The false-positive rate is of the rule, not of the
  // samples, and takes longest: it waits for the run that completes the job.
  Context rest = context;
  rest.cancelled = nullptr;
  if (run.data != nullptr) report.rule = fit_copy_rule(*run.data, 0, rest);
  report.levels = summarise_levels(run, records);
  count_evaluations(records, report);
  if (run.data != nullptr) report.copies = judge(records, report.rule);
  report.held_out = run.held_out.has_value();
  if (report.finished == requested) {
    try {
      if (run.data != nullptr) {
        report.false_positives = false_positive_rate(report.rule, *run.data, run.held_out ? &*run.held_out : nullptr,
                                                     kFalsePositiveRows, 0, context);
      }
      report.complete = true;
    } catch (const Cancelled&) {  // the samples are written all the same
    }
  }
  write_samples(run, records, folder / "samples.npz");
  write_posterior(run, records, folder / "posterior.npz");
  if (run.data != nullptr) write_nearest(records, report.rule, folder / "nearest.npz");
  if (run.save_trajectory) write_trajectories(run, records.size(), state_records, folder / "trajectory.npz");
  write_report(run, report, folder);
  write_sampling_pictures(run, report, records, path_records, folder);
  if (report.complete) {
    folder.mark_done(kSamplesDone);
    std::filesystem::remove_all(folder / "partial");
  }
  return report;
}

}  // namespace scorefield
