#include "scorefield/learn/training_run.h"

#include <fmt/format.h>

#include <stdlib.h>  // mkdtemp

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/learn/training_pictures.h"

namespace scorefield {
namespace {

constexpr const char* kCheckpoint = "checkpoint.safetensors";
constexpr const char* kModel = "model.safetensors";
constexpr const char* kStats = "stats.jsonl";

class Clock {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count(); }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// The steps since the last record.
struct Window {
  std::uint64_t steps = 0;
  LossSum loss;
  double norms = 0;
  double largest_norm = 0;

  void add(const StepReport& report) {
    ++steps;
    loss.add(report.loss);
    norms += report.gradient_norm;
    largest_norm = std::max(largest_norm, report.gradient_norm);
  }
  nlohmann::json json() const {
    return {{"steps", steps},          {"rows", loss.rows}, {"sum", loss.sum},
            {"squares", loss.squares}, {"norms", norms},    {"largest_norm", largest_norm}};
  }
  static Window from(const nlohmann::json& json) {
    Window window;
    window.steps = json.at("steps").get<std::uint64_t>();
    window.loss = {json.at("rows").get<std::size_t>(), json.at("sum").get<double>(), json.at("squares").get<double>()};
    window.norms = json.at("norms").get<double>();
    window.largest_norm = json.at("largest_norm").get<double>();
    return window;
  }
};

/// Drops the records of steps that the checkpoint does not have.
void cut_records(const std::filesystem::path& path, std::uint64_t steps, const Context& context) {
  std::string kept;
  for (const nlohmann::json& line : read_json_lines(path, context)) {
    if (line.at("step").get<std::uint64_t>() <= steps) kept += json_text(line) + '\n';
  }
  write_file_atomically(path, kept);
}

class Running {
 public:
  Running(const TrainingRun& run, RunFolder& folder, const Context& context)
      : run_(run), folder_(folder), context_(context), training_(run.make(run, context)) {
    const std::filesystem::path checkpoint = folder / kCheckpoint;
    if (path_exists(checkpoint)) load(checkpoint);
    report_.resumed_from = training_->trainer().steps_done();
    // A stop between two records leaves the window open: its record, should it be there, is to be made again.
    cut_records(folder / kStats, report_.resumed_from - (window_.steps > 0 ? 1 : 0), context);
    records_.emplace(folder / kStats);
  }

  TrainingReport go() {
    Trainer& trainer = training_->trainer();
    try {
      while (true) {
        const std::uint64_t done = trainer.steps_done();
        context_.report("training", static_cast<double>(done), static_cast<double>(run_.settings.steps()));
        // Also what a stop left open.
        if (window_.steps > 0 && is_due(run_.record_every)) {
          or_say_what_is_left([&] { finish(done); });
        }
        if (done >= run_.settings.steps()) break;
        or_say_what_is_left([&] { window_.add(training_->trainer().step(context_)); });
      }
      report_.complete = true;
    } catch (const Cancelled&) {
      or_say_what_is_left([&] { save(); });
    }
    report_.steps = trainer.steps_done();
    report_.seconds = seconds();
    write_loss_figure(folder_ / kStats, training_->loss_label(), folder_ / "loss", context_);
    if (report_.complete) folder_.mark_done(kTrainingDone);
    return report_;
  }

 private:
  std::uint64_t steps_done() const { return training_->trainer().steps_done(); }
  bool is_last() const { return steps_done() >= run_.settings.steps(); }
  bool is_at(std::uint64_t every) const { return is_last() || (every > 0 && steps_done() % every == 0); }
  bool is_due(std::uint64_t every) const {
    return is_at(every) || is_at(run_.checkpoint_every) || is_at(run_.grid_every);
  }
  double seconds() const { return seconds_before_ + clock_.seconds(); }

  /// What goes wrong in the work is told with what there is to go on from.
  template <class Work>
  void or_say_what_is_left(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      const std::filesystem::path checkpoint = folder_ / kCheckpoint;
      throw Error(fmt::format("{}; {}", error.what(),
                              path_exists(checkpoint)
                                  ? fmt::format("the last good checkpoint is {}", checkpoint.string())
                                  : "no checkpoint was due before"));
    }
  }

  void load(const std::filesystem::path& path) {
    training_->trainer().load(path, context_);
    try {
      const TensorMetadata metadata = open_safetensors(path, context_).metadata();
      window_ = Window::from(nlohmann::json::parse(metadata.at("window")));
      seconds_before_ = nlohmann::json::parse(metadata.at("seconds")).get<double>();
    } catch (const std::exception& what) {  // of the map and of the parser
      throw Error(fmt::format("{}: its metadata are not those of a training: {}", path.string(), what.what()));
    }
  }

  /// The records first, which a checkpoint takes for written, then the model: should the end come between the two, the
  /// steps up to this checkpoint are made again, and it.
  void save() {
    training_->trainer().check_finite();
    records_->sync();
    nlohmann::json training = run_.config;
    training["steps_done"] = steps_done();
    training_->write(folder_ / kModel, training);
    nlohmann::json window = window_.json();
    training_->trainer().save(folder_ / kCheckpoint, {{"format", "scorefield training 1"},
                                                      {"config", json_text(run_.config)},
                                                      {"window", json_text(window)},
                                                      {"seconds", json_text(seconds())}});
  }

  /// A record, and the rest of what is due after this step.
  void finish(std::uint64_t done) {
    const bool checkpoint = is_at(run_.checkpoint_every);
    const TrainingSettings& settings = run_.settings;
    nlohmann::json line = {{"step", done},
                           {"rows", done * settings.loader.batch},
                           {"loss", window_.loss.mean()},
                           {"loss_error", window_.loss.standard_error()},
                           {"gradient_norm", window_.norms / static_cast<double>(window_.steps)},
                           {"largest_gradient_norm", window_.largest_norm},
                           {"learning_rate", settings.trainer.rate.at(done - 1)}};
    if (checkpoint && settings.held_out_rows > 0) {
      const LossSum loss = training_->trainer().held_out_loss(context_);
      report_.held_out = loss;
      line[run_.held_out == nullptr ? "fixed_loss" : "held_out_loss"] = loss.mean();
      line[run_.held_out == nullptr ? "fixed_loss_error" : "held_out_loss_error"] = loss.standard_error();
    }
    if (checkpoint) {
      report_.figures = training_->figures(context_);
      line.update(report_.figures);
    }
    if (is_at(run_.grid_every) && training_->picture_evaluations() > 0) {
      std::filesystem::create_directories(folder_ / "grids");
      training_->write_picture(folder_ / fmt::format("grids/{:08}", done), context_);
    }
    line["seconds"] = seconds();
    line["rows_per_second"] =
        static_cast<double>((done - report_.resumed_from) * settings.loader.batch) / clock_.seconds();
    records_->write(line);
    window_ = {};
    if (checkpoint) save();
  }

  const TrainingRun& run_;
  RunFolder& folder_;
  const Context& context_;
  std::unique_ptr<Training> training_;
  std::optional<JsonLinesWriter> records_;
  TrainingReport report_;
  Window window_;
  double seconds_before_ = 0;
  Clock clock_;
};

}  // namespace

std::unique_ptr<Training> make_denoiser_training(const TrainingRun& run, const Context& context) {
  return std::make_unique<DenoiserTraining>(run.settings, run.data, run.held_out, context);
}

bool has_grid(const Dataset& data) {
  return data.is_picture() || data.dimension() == 2;
}

namespace {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "scorefield-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw Error(fmt::format("cannot make a folder in {}: {}", std::filesystem::temp_directory_path().string(),
                              std::generic_category().message(errno)));
    }
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What Running::finish() does beside the record, in a folder that goes away again.
double checkpoint_seconds(Training& training, const TrainingRun& run, const Context& context) {
  const ScratchFolder folder;
  const Clock clock;
  if (run.settings.held_out_rows > 0) (void)training.trainer().held_out_loss(context);
  (void)training.figures(context);
  training.write(folder.path() / kModel, run.config);
  training.trainer().save(folder.path() / kCheckpoint, {});
  return clock.seconds();
}

}  // namespace

TrainingCost measure_cost(const TrainingRun& run, double seconds, const Context& context) {
  constexpr int kWarmUp = 3;
  const std::unique_ptr<Training> training = run.make(run, context);
  Trainer& trainer = training->trainer();
  const Clock all;
  const auto report = [&] { context.report("measuring the rate", std::min(all.seconds(), seconds), seconds); };
  for (int k = 0; k < kWarmUp; ++k) {
    report();
    trainer.step(context);
  }
  TrainingCost cost;
  cost.checkpoint = checkpoint_seconds(*training, run, context);
  const Clock clock;
  std::uint64_t steps = 0;
  do {
    trainer.step(context);
    ++steps;
    report();
  } while (all.seconds() < seconds);
  cost.step = clock.seconds() / static_cast<double>(steps);
  // A step is forward and twice as much backward of a batch.
  cost.grid = cost.step / (3 * static_cast<double>(run.settings.loader.batch)) *
              static_cast<double>(training->picture_evaluations());
  context.report("measuring the rate", seconds, seconds);
  return cost;
}

TrainingPlan plan_within(double seconds, const TrainingCost& cost, std::uint64_t checkpoint_every,
                         std::uint64_t grid_every) {
  constexpr double kShare = 0.1;  // of the time, for either kind of record
  TrainingPlan plan;
  plan.left = seconds;
  double a_step = cost.step;
  const auto reserve = [&](double record, std::uint64_t every, std::uint64_t& count) {
    if (every > 0) {
      a_step += record / static_cast<double>(every);
      count = 1;  // beside these, the last
    } else if (record > 0) {
      count = static_cast<std::uint64_t>(std::clamp(kShare * seconds / record, 1.0, static_cast<double>(count)));
    }
    plan.left -= static_cast<double>(count) * record;
  };
  reserve(cost.checkpoint, checkpoint_every, plan.records.checkpoints);
  reserve(cost.grid, grid_every, plan.records.grids);
  plan.steps = static_cast<std::uint64_t>(std::clamp(std::floor(plan.left / a_step), 1.0, 0x1p40));
  return plan;
}

TrainingReport run_training(const TrainingRun& run, RunFolder& folder, const Context& context) {
  ensure(run.record_every > 0 && run.checkpoint_every > 0 && run.settings.steps() > 0, "a run has steps and records");
  return Running(run, folder, context).go();
}

}  // namespace scorefield
