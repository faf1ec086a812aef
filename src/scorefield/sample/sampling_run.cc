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

/// Keeps the posterior of every level, and the whole path of the first samples, and reports progress.
class Recorder final : public Observer {
 public:
  Recorder(std::size_t samples, std::size_t paths, std::size_t levels, std::size_t dimension, std::size_t before,
           std::size_t total, const Context& context)
      : posterior(samples, 3 * levels),
        path(paths, 2 * levels * dimension),
        levels_(levels),
        before_(static_cast<double>(before)),
        total_(static_cast<double>(total)),
        context_(context) {
    request_.posterior = true;
  }

  const Request& request() const override { return request_; }

  void observe(const Observation& seen) override {
    for (std::size_t i = 0; i < seen.x.rows; ++i) {
      posterior(i, seen.step) = seen.answer.entropy[i];
      posterior(i, levels_ + seen.step) = seen.answer.effective_sample_size[i];
      posterior(i, 2 * levels_ + seen.step) = seen.answer.largest_weight[i];
    }
    const std::size_t d = seen.x.cols;
    for (std::size_t i = 0; i < path.rows(); ++i) {
      std::ranges::copy(seen.x[i], path[i].subspan(2 * seen.step * d, d).begin());
      std::ranges::copy(seen.answer.denoised[i], path[i].subspan((2 * seen.step + 1) * d, d).begin());
    }
    const double share = static_cast<double>(seen.step) / static_cast<double>(levels_);
    context_.report("samples", before_ + share * static_cast<double>(seen.x.rows), total_);
  }

  Rows posterior;  // [B, 3 S]
  Rows path;       // [P, S, 2, d]: x and D of the first samples

 private:
  Request request_;
  std::size_t levels_;
  double before_;
  double total_;
  const Context& context_;
};

std::filesystem::path image_path(const std::filesystem::path& folder, std::uint64_t seed, bool subfolders) {
  std::filesystem::path path = folder / "images";
  if (subfolders) path /= fmt::format("{:06d}", seed / 1000 * 1000);
  return path / fmt::format("{:06d}.png", seed);
}

void write_samples(const SamplingRun& run, const SampleRecords& records, const std::filesystem::path& path) {
  const std::vector<std::size_t> n = {records.size()};
  const auto& shape = run.data.shape();
  NpzWriter npz(path);
  switch (run.type) {
    case SampleType::kU8:
      npz.begin_array("arr_0", ScalarType::kU8, std::vector<std::size_t>{n[0], shape[1], shape[2], shape[0]});
      records.for_each([&](std::size_t, const SampleRecord& record) {
        npz.append<std::uint8_t>(image_from_row(record.x, shape, image_units(run.data)).pixels);
      });
      break;
    case SampleType::kF32:
      npz.begin_array("arr_0", ScalarType::kF32, std::vector<std::size_t>{n[0], run.data.dimension()});
      records.for_each([&](std::size_t, const SampleRecord& record) {
        npz.append<float>(std::vector<float>(record.x.begin(), record.x.end()));
      });
      break;
    case SampleType::kF64:
      npz.begin_array("arr_0", ScalarType::kF64, std::vector<std::size_t>{n[0], run.data.dimension()});
      records.for_each([&](std::size_t, const SampleRecord& record) { npz.append(record.x); });
      break;
  }
  if (run.label >= 0) npz.add_array<std::int32_t>("arr_1", n, std::vector<std::int32_t>(n[0], run.label));
  npz.add_array<std::uint64_t>("seeds", n, std::span(run.seeds).first(n[0]));
  npz.finish();
}

void write_posterior(const SamplingRun& run, const SampleRecords& records, const std::filesystem::path& path) {
  const std::size_t levels = run.sampling.levels.size() - 1;
  NpzWriter npz(path);
  npz.add_array<double>("sigma", std::vector<std::size_t>{levels}, std::span(run.sampling.levels).first(levels));
  const auto write = [&](const char* name, std::span<const double> SampleRecord::*part) {
    npz.begin_array(name, ScalarType::kF64, std::vector<std::size_t>{records.size(), levels});
    records.for_each([&](std::size_t, const SampleRecord& record) { npz.append(record.*part); });
  };
  write("entropy", &SampleRecord::entropy);
  write("effective_sample_size", &SampleRecord::effective_sample_size);
  write("largest_weight", &SampleRecord::largest_weight);
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
  const std::size_t levels = run.sampling.levels.size() - 1;
  std::vector<LevelSummary> summary(levels);
  for (std::size_t s = 0; s < levels; ++s) {
    summary[s].sigma = run.sampling.levels[s];
    summary[s].least_effective_sample_size = std::numeric_limits<double>::infinity();
  }
  records.for_each([&](std::size_t, const SampleRecord& record) {
    for (std::size_t s = 0; s < levels; ++s) {
      const double size = record.effective_sample_size[s];
      LevelSummary& level = summary[s];
      level.entropy += record.entropy[s];
      level.effective_sample_size += size;
      level.least_effective_sample_size = std::min(level.least_effective_sample_size, size);
      level.most_effective_sample_size = std::max(level.most_effective_sample_size, size);
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

void write_report(const SamplingReport& report, std::size_t evaluations, const RunFolder& folder) {
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
  write_json(folder / "report.json",
             {{"samples", report.finished},
              {"requested", report.requested},
              {"nfe", evaluations},
              {"start_mismatch_nats", report.start_mismatch},
              {"copies", proportion(report.copies.share)},
              {"copied_rows", rows},
              {"rms_distance_of_copies", report.copies.rms_distance},
              {"copy_rule", {{"ratio", report.rule.ratio}, {"distance", report.rule.threshold}}},
              {"false_positives", proportion(report.false_positives)},
              {"false_positives_on", report.held_out ? "held-out" : "leave-one-out"}});
}

}  // namespace

double second_moment(const Dataset& data, int label) {
  std::vector<double> row(data.dimension());
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data.labels()[i] != label) continue;
    data.row(i, row);
    sum += std::inner_product(row.begin(), row.end(), row.begin(), 0.0);
    ++count;
  }
  if (count == 0) throw Error(fmt::format("--label {}: {} has no rows of this class", label, data.name()));
  return sum / static_cast<double>(count);
}

void check_sampling_memory(const SamplingRun& run, const Context& context) {
  const std::size_t levels = run.sampling.levels.size() - 1;
  const std::size_t batch = std::min(run.batch, run.seeds.size());
  // A step holds the states, what the field answered, and a solver's own few copies of them.
  const std::size_t states = 8 * batch * run.data.dimension();
  const std::size_t posterior = 3 * levels * batch;
  const std::size_t paths = run.data.is_picture() ? 2 * levels * run.data.dimension() * std::min(kPaths, batch) : 0;
  context.check_memory((states + posterior + paths) * sizeof(double), "a batch of samples (--batch) and its path");
  context.check_memory(run.seeds.size() * kBytesPerSeed, "the seeds and the nearest rows of the samples");
}

SamplingReport run_sampling(const SamplingRun& run, RunFolder& folder, const Context& context) {
  ensure(run.batch > 0 && !run.seeds.empty(), "a run has seeds and a batch");
  const std::size_t levels = run.sampling.levels.size() - 1;
  const std::size_t dimension = run.data.dimension();
  const std::size_t requested = run.seeds.size();
  const std::size_t paths = run.data.is_picture() ? std::min(kPaths, requested) : 0;
  const bool subfolders = requested > 1000;

  check_sampling_memory(run, context);
  std::filesystem::create_directories(folder / "partial");
  SampleRecords records(folder / "partial/samples.f64", dimension, levels);
  RecordFile path_records(folder / "partial/paths.f64", 2 * levels * dimension * sizeof(double));
  // Paths are written before records: after a crash there may be more paths, never fewer.
  path_records.truncate(std::min({records.size(), path_records.size(), paths}));

  SamplingReport report;
  report.requested = requested;
  if (run.sampling.start == Start::kNoise) {
    report.start_mismatch = start_mismatch(run.second_moment, run.sampling.levels.front());
  }
  const std::vector<int> label = {run.label};
  const auto began = std::chrono::steady_clock::now();
  try {
    while (records.size() < requested) {
      const std::size_t first = records.size();
      const auto seeds = std::span(run.seeds).subspan(first, std::min(run.batch, requested - first));
      const std::size_t new_paths = first < paths ? std::min(paths - first, seeds.size()) : 0;
      Recorder recorder(seeds.size(), new_paths, levels, dimension, first, requested, context);
      const Samples samples = sample(run.sampling, seeds, label, &recorder, context);
      const NearestTwo nearest = nearest_two(run.data, samples.x.view(), context);
      if (run.data.is_picture()) {
        for (std::size_t i = 0; i < seeds.size(); ++i) {
          const auto path = image_path(folder.path(), seeds[i], subfolders);
          std::filesystem::create_directories(path.parent_path());
          write_png(path, image_from_row(samples.x[i], run.data.shape(), image_units(run.data)));
        }
      }
      path_records.append(std::as_bytes(recorder.path.values()));
      records.append(samples.x, recorder.posterior, nearest);
      ensure(samples.evaluations[0] == run.evaluations, "every evaluation was announced");
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
  report.rule = fit_copy_rule(run.data, 0, rest);
  report.levels = summarise_levels(run, records);
  report.copies = judge(records, report.rule);
  report.held_out = run.held_out.has_value();
  if (report.finished == requested) {
    try {
      report.false_positives = false_positive_rate(report.rule, run.data, run.held_out ? &*run.held_out : nullptr,
                                                   kFalsePositiveRows, 0, context);
      report.complete = true;
    } catch (const Cancelled&) {  // the samples are written all the same
    }
  }
  write_samples(run, records, folder / "samples.npz");
  write_posterior(run, records, folder / "posterior.npz");
  write_nearest(records, report.rule, folder / "nearest.npz");
  write_report(report, run.evaluations, folder);
  write_sampling_pictures(run, report, records, path_records, folder);
  if (report.complete) {
    folder.mark_done(kSamplesDone);
    std::filesystem::remove_all(folder / "partial");
  }
  return report;
}

}  // namespace scorefield
