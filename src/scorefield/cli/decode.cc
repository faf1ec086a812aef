// scorefield decode: from latents back to rows of data.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/sha256.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/model_flags.h"
#include "scorefield/learn/decoding_run.h"
#include "scorefield/learn/latents.h"

namespace scorefield {
namespace {

struct DecodeArguments {
  MachineArguments machine;
  std::string model;
  std::string samples;
  RunArguments run;
};

void run_decode(const CLI::App& command, const DecodeArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const Autoencoder autoencoder = read_autoencoder(model_path(arguments.model), context);
  const std::string digest = file_digest(model_path(arguments.model));
  const LatentSamples samples = open_latent_samples(arguments.samples, context);
  check_same_autoencoder(samples, arguments.samples, arguments.model, digest);
  const Dataset decoded = decode_latents(samples.rows, autoencoder, context);

  RunFolder folder = run_folder(arguments.run, "decode-" + short_name(arguments.samples));
  folder.begin({{"command", "decode"},
                {"options", resolved_options(command)},
                {"autoencoder_digest", digest},
                {"samples_digest", samples.rows.digest()}});
  write_decoded(decoded, folder);
  if (arguments.run.json) {
    fmt::print("{}\n", nlohmann::json{{"rows", decoded.size()},
                                      {"shape", decoded.shape()},
                                      {"autoencoder_known", !samples.autoencoder.empty()},
                                      {"path", folder.path().string()}}
                           .dump());
    return;
  }
  fmt::print("{} rows of {} latents decoded to {} values each\n", decoded.size(), samples.rows.dimension(),
             decoded.dimension());
  if (samples.autoencoder.empty()) {
    fmt::print("{} does not say of which autoencoder its rows are latents; its length fits this one\n",
               arguments.samples);
  }
  fmt::print("{}\n", folder.path().string());
}

}  // namespace

void add_decode_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("decode", "Turn latents (samples, or a data set of them) into rows of data");
  const auto arguments = std::make_shared<DecodeArguments>();
  command
      ->add_option("--model", arguments->model,
                   "The autoencoder: a run folder of train --arch vae, or its model.safetensors")
      ->required()
      ->group("Model");
  command
      ->add_option("--samples,-s", arguments->samples,
                   "Latents as scorefield latents standardises them: a folder of sample, or an array")
      ->required()
      ->group("Data");
  add_run_arguments(*command, arguments->run);
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield decode --model runs/vae/model.safetensors --samples runs/latent-samples --out runs/decoded\n"
      "  scorefield decode --model runs/vae/model.safetensors --samples latents.npz\n"
      "  scorefield metrics --data fashion-mnist --samples runs/decoded --clip --baseline gaussian");
  command->callback([command, arguments] { run_decode(*command, *arguments); });
}

}  // namespace scorefield
