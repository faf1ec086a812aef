// scorefield encode: from data to the noise that makes it, and back.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/field_flags.h"
#include "scorefield/cli/sampler_flags.h"
#include "scorefield/sample/encoding.h"

namespace scorefield {
namespace {

constexpr double kFarNorm = 2;  // of latents per coordinate: no noise in more than a few dimensions is as long

struct EncodeArguments {
  DataArguments data;
  MachineArguments machine;
  SamplerArguments sampler;
  std::string input;
  std::string held_out;
  std::string rows;
  FieldArguments field;
  bool one_way = false;
  std::size_t batch = 64;
  RunArguments run;
};

/// The rows to encode: those of --input, of --held-out, or of the data itself.
Dataset chosen_rows(const EncodeArguments& arguments, const Dataset& data, const Context& context) {
  Dataset rows = data;
  if (!arguments.held_out.empty()) rows = *open_held_out(arguments.held_out, arguments.data, data, context);
  if (!arguments.input.empty()) rows = open_rows(arguments.input, "--input", arguments.data, data, context);
  std::vector<std::size_t> chosen;
  if (arguments.rows.empty()) {
    constexpr std::size_t kFirst = 64;
    if (!arguments.input.empty() || rows.size() <= kFirst) return rows;
    for (std::size_t i = 0; i < kFirst; ++i) chosen.push_back(i);
    return rows.select(chosen);
  }
  for (const std::uint64_t row : parse_ranges(arguments.rows, "--rows")) {
    if (row >= rows.size()) {
      throw Error(fmt::format("--rows {}: {} has the rows 0 to {}", arguments.rows, rows.name(), rows.size() - 1));
    }
    chosen.push_back(row);
  }
  const std::size_t scalar = std::visit([](const auto& view) { return sizeof(view(0, 0)); }, rows.stored());
  context.check_memory(chosen.size(), rows.dimension() * scalar, "the chosen rows (--rows)");
  return rows.select(chosen);
}

std::string report_text(const Encoding& encoding, const EncodingReport& report) {
  std::string text =
      fmt::format("latents: |z|/sqrt(d) {:.4f} on average, from {:.4f} to {:.4f} (noise N(0, I) has 1)\n",
                  report.mean_latent_norm, report.least_latent_norm, report.most_latent_norm);
  if (report.mean_latent_norm > kFarNorm) {
    text +=
        "  the rows are unlike the data noised to sigma-min, from where they set out; a larger --sigma-min may fit\n";
  }
  if (!encoding.one_way) {
    const RoundTrip& trip = report.round_trip;
    text += fmt::format(
        "there and back: {:.3g} rms error per coordinate [data units]; of a row: median {:.3g}, 90 % {:.3g}, 99 % "
        "{:.3g}, largest {:.3g}; of a coordinate: largest {:.3g}\n",
        trip.rms, trip.median, trip.q90, trip.q99, trip.largest, trip.largest_coordinate);
  }
  return text + fmt::format("{:g} evaluations of the field a row up{}, {:.1f} s\n", report.evaluations_up,
                            encoding.one_way ? "" : fmt::format(", {:g} down", report.evaluations_down),
                            report.seconds);
}

void run_encode(const CLI::App& command, const EncodeArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const SamplerEntry& solver = chosen_solver(command, arguments.sampler);
  if (!arguments.sampler.sigmas.empty() && parse_numbers(arguments.sampler.sigmas, "--sigmas").back() == 0) {
    throw Error("--sigmas ends with 0, but encoding goes between noise levels above 0; drop the 0");
  }
  const Subject subject = open_subject(arguments.field, arguments.data, context);
  const Dataset& data = subject.data;
  const ChosenField& chosen = subject.chosen;
  SamplerArguments sampler = arguments.sampler;
  sampler.schedule = fitted_to(sampler.schedule, command, subject.range);
  const std::vector<double> levels = chosen_levels(sampler);
  check_order(solver, sampler.options, levels.size() - 1);
  const std::unique_ptr<const Process> process = chosen_process(sampler, levels);
  const Dataset rows = chosen_rows(arguments, data, context);
  // Nothing in here throws: g++ 12 destroys members twice when an initialiser of an aggregate does.
  const Encoding encoding{.data = data,
                          .sampling = {.field = chosen.field(),
                                       .sampler = solver,
                                       .levels = levels,
                                       .process = process.get(),
                                       .options = sampler.options},
                          .rows = rows,
                          .label = chosen.label(),
                          .batch = arguments.batch,
                          .one_way = arguments.one_way};
  check_encoding(encoding, context);

  RunFolder folder = run_folder(arguments.run, "encode-" + short_name(arguments.data.data));
  nlohmann::json config = {{"command", "encode"},
                           {"options", resolved_options(command)},
                           {"levels", levels},
                           {"rows_digest", rows.digest()}};
  put_subject(subject, config);
  put_fitted(sampler.schedule, config);
  folder.begin(config);
  const std::string path = folder.path().string();
  if (!folder.is_done(kEncodingDone)) {
    if (!arguments.run.json) {
      fmt::print("{} rows of {}, {} steps of {} from sigma = {:g} to {:g} in {}\n", rows.size(), rows.name(),
                 levels.size() - 1, solver.name, levels.back(), levels.front(),
                 subject.range ? chosen.text() : fmt::format("the field of {} rows of {}", data.size(), data.name()));
      std::fflush(stdout);
    }
    const EncodingReport report = run_encoding(encoding, folder, context);
    if (!report.complete()) {
      fmt::print(stderr, "stopped: {} of {} rows are finished; go on with: scorefield encode --resume {}\n",
                 report.finished, report.requested, path);
      throw Cancelled();
    }
    if (!arguments.run.json) fmt::print("{}", report_text(encoding, report));
  } else if (!arguments.run.json) {
    fmt::print("{} is complete already; nothing to do\n", path);
  }
  fmt::print("{}\n", arguments.run.json ? read_json(folder / "report.json", context).dump() : path);
}

}  // namespace

void add_encode_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("encode", "Run the ODE upward: the noise that makes given rows, and back");
  const auto arguments = std::make_shared<EncodeArguments>();
  // The level to which an encoding comes back is the one it set out from.
  arguments->sampler.end = "sigma-min";
  add_data_arguments(*command, arguments->data);
  CLI::Option* held_out =
      command->add_option("--held-out", arguments->held_out, "Encode rows of this set, read as the data is")
          ->group("Data");
  command
      ->add_option("--input", arguments->input,
                   "Encode these rows: a set, pictures, or an array of floats in data units")
      ->excludes(held_out)
      ->group("Data");
  command
      ->add_option("--rows", arguments->rows,
                   "Which of them, e.g. 0-63,100 (default: all of --input, else the first 64)")
      ->group("Data");
  add_sampler_arguments(*command, arguments->sampler);
  add_model_arguments(*command, arguments->field.model);
  add_field_arguments(*command, arguments->field);
  add_label_argument(*command, arguments->field);
  command->add_flag("--one-way", arguments->one_way, "The latents only, not the way back");
  add_run_arguments(*command, arguments->run, {.resumes = true, .json = "Print the report as JSON"});
  add_batch_argument(*command, arguments->batch, "Rows");
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield encode --data fashion-mnist --held-out fashion-mnist:test --rows 0-15\n"
      "  scorefield encode --data ring --sigma-max 20 --solver rk4 --steps 60 --out runs/there\n"
      "  scorefield sample --data ring --sigma-max 20 --solver rk4 --steps 60 --noise runs/there/latents.npy\n"
      "  scorefield encode --data fashion-mnist --model runs/fashion/model.safetensors --rows 0-15");
  command->callback([command, arguments] { run_encode(*command, *arguments); });
}

}  // namespace scorefield
