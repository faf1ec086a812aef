// scorefield metrics: how good a set of samples is.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "scorefield/base/error.h"
#include "scorefield/base/sha256.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/metrics_text.h"
#include "scorefield/learn/classifier_features.h"
#include "scorefield/metrics/description_json.h"
#include "scorefield/metrics/sample_metrics.h"
#include "scorefield/metrics/sample_metrics_figures.h"
#include "scorefield/metrics/sample_metrics_json.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {
namespace {

struct MetricsArguments {
  DataArguments data;
  MachineArguments machine;
  std::string samples;
  std::string held_out;
  std::string features;  // "": default_features()
  std::string reference;
  std::string baseline;
  SampleMetricsOptions options;
  RunArguments run;
};

/// The samples of a run folder, or what was typed.
std::string samples_path(const std::string& typed) {
  const std::filesystem::path inside = std::filesystem::path(typed) / "samples.npz";
  std::error_code unreadable;
  if (std::filesystem::exists(inside, unreadable)) return inside.string();
  if (std::filesystem::exists(std::filesystem::path(typed) / "model.safetensors", unreadable)) {
    throw Error(
        fmt::format("--samples {}: a run of train; draw samples first: scorefield sample --model {}", typed, typed));
  }
  return typed;
}

void run_metrics(const CLI::App& command, const MetricsArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const Dataset data = open_dataset(arguments.data, context);
  const Dataset samples = open_rows(samples_path(arguments.samples), "--samples", arguments.data, data, context);
  const std::optional<Dataset> other = open_held_out(arguments.held_out, arguments.data, data, context);
  const Dataset* held_out = other ? &*other : nullptr;
  SampleMetricsOptions options = arguments.options;
  options.gaussian_baseline = arguments.baseline == "gaussian";
  if (!arguments.reference.empty()) options.reference = read_mean_and_covariance(arguments.reference, context);

  const std::string spec = arguments.features.empty() ? default_features(data) : arguments.features;
  const auto features = open_feature_map(spec, data, options.seed, context);
  std::optional<RunFolder> folder;
  if (!arguments.run.out.empty()) {
    nlohmann::json config = {{"command", "metrics"},
                             {"options", resolved_options(command)},
                             {"data", dataset_json(data)},
                             {"samples", dataset_json(samples)}};
    config["options"]["features"] = spec;
    if (!arguments.reference.empty()) config["reference_digest"] = file_digest(arguments.reference);
    if (spec.ends_with(".safetensors")) config["features_digest"] = file_digest(spec);
    if (held_out != nullptr) config["held_out_data"] = dataset_json(*held_out);
    folder = RunFolder::take(arguments.run.out);
    folder->begin(config);
  }
  const SampleMetrics metrics = sample_metrics(data, samples, held_out, *features, options, context);
  const nlohmann::json result = sample_metrics_json(metrics);
  std::vector<std::string> pictures;
  if (folder) {
    pictures = write_sample_metrics_figures(metrics, folder->path());
    write_json(*folder / "metrics.json", result);
  }
  if (arguments.run.json) {
    fmt::print("{}\n", json_text(result));
    return;
  }
  fmt::print("{}", sample_metrics_text(metrics, data));
  if (folder) fmt::print("pictures: {}\n{}\n", fmt::join(pictures, " "), folder->path().string());
}

}  // namespace

void add_metrics_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("metrics", "Say how good samples are: distances to the data, fidelity, diversity");
  const auto arguments = std::make_shared<MetricsArguments>();
  add_data_arguments(*command, arguments->data);
  command->add_option("--samples,-s", arguments->samples, "Samples: a run folder, or whatever --data takes")
      ->required()
      ->group("Data");
  command
      ->add_option("--held-out", arguments->held_out,
                   "Rows of the same kind that are not in the data set (default: the test set of a named set, else "
                   "other rows of the data)")
      ->group("Data");
  command->add_option(
      "--features", arguments->features,
      "What is compared: pca (64 principal components of the data), pca:K, identity (the values), classifier "
      "(a network's features and classes of Fashion-MNIST) or a classifier's MODEL.safetensors (default: "
      "classifier for fashion-mnist, else pca)");
  command->add_option("--reference", arguments->reference,
                      "An .npz with mu and sigma of the same features (as EDM's): its Frechet distance too");
  command->add_option("--count", arguments->options.count, "Rows a set, at most, drawn at random")
      ->check(CLI::Range(std::size_t{3}, std::size_t{1} << 32))
      ->capture_default_str();
  command->add_option("-k,--neighbours", arguments->options.k, "Of precision, recall, density and coverage")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 20))
      ->capture_default_str();
  command->add_option("--projections", arguments->options.projections, "Of the sliced Wasserstein distance")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 20))
      ->capture_default_str();
  command->add_flag("--clip", arguments->options.clip, "Clip the samples to the range of the data's values");
  command
      ->add_option("--baseline", arguments->baseline,
                   "Beside them: draws from the Gaussian fitted to the data, clipped (gaussian)")
      ->check(CLI::IsMember({"gaussian"}));
  command->add_option("--seed", arguments->options.seed, "Of the choice of rows, of projections and of the baseline")
      ->check([](const std::string& text) {
        return text.find('-') == std::string::npos ? std::string() : fmt::format("{} is negative", text);
      })
      ->capture_default_str();
  add_run_arguments(*command, arguments->run, {.out = "A folder for metrics.json and figures (default: none)"});
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield metrics --data fashion-mnist --samples runs/mine --clip --baseline gaussian --out runs/metrics\n"
      "  scorefield metrics --data train.npz --held-out test.npz --samples samples.npz --features pca:32\n"
      "  scorefield metrics --data data_features.npy --samples features.npy --features identity --reference stats.npz\n"
      "  scorefield metrics --data ring --samples points.csv --json");
  command->callback([command, arguments] { run_metrics(*command, *arguments); });
}

}  // namespace scorefield
