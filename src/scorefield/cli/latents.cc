// scorefield latents: a data set in the latent space of an autoencoder.
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
#include "scorefield/learn/latents.h"

namespace scorefield {
namespace {

struct LatentsArguments {
  DataArguments data;
  MachineArguments machine;
  std::string model;
  std::string out;
  bool json = false;
};

void run_latents(const LatentsArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  if (path_exists(arguments.out)) throw Error(fmt::format("--out {}: exists already", arguments.out));
  const Autoencoder autoencoder = read_autoencoder(model_path(arguments.model), context);
  const Dataset data = open_dataset(arguments.data, context);
  note_other_data(model_path(arguments.model), autoencoder.data, data);
  const std::string digest = file_digest(model_path(arguments.model));
  const Dataset latents = latents_of(data, autoencoder, digest, context);
  write_latents(arguments.out, latents, autoencoder, digest);
  if (arguments.json) {
    fmt::print("{}\n", nlohmann::json{{"rows", latents.size()},
                                      {"latents", latents.dimension()},
                                      {"autoencoder", digest},
                                      {"digest", latents.digest()},
                                      {"path", arguments.out}}
                           .dump());
    return;
  }
  fmt::print("{} rows of {} values from {}, as {} standardised latents each{}\n{}\n", data.size(), data.dimension(),
             data.name(), latents.dimension(), latents.labels().empty() ? "" : ", with their labels", arguments.out);
}

}  // namespace

void add_latents_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("latents", "Write a data set as the latents of an autoencoder");
  const auto arguments = std::make_shared<LatentsArguments>();
  add_data_arguments(*command, arguments->data);
  command
      ->add_option("--model", arguments->model,
                   "The autoencoder: a run folder of train --arch vae, or its model.safetensors")
      ->required()
      ->group("Model");
  command->add_option("--out", arguments->out, "The .npz to write; every command takes it as --data")
      ->required()
      ->group("Run");
  command->add_flag("--json", arguments->json, "Print JSON in place of text")->group("Run");
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield latents --data fashion-mnist --model runs/vae/model.safetensors --out latents.npz\n"
      "  scorefield latents --data fashion-mnist:test --model runs/vae/model.safetensors --out test-latents.npz\n"
      "  scorefield train --data latents.npz --held-out test-latents.npz --minutes 2 --out runs/latent-field");
  command->callback([arguments] { run_latents(*arguments); });
}

}  // namespace scorefield
