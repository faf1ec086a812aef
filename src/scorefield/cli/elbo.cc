// scorefield elbo: what an autoencoder says of the likelihood of data, beside principal components.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/model_flags.h"
#include "scorefield/learn/elbo_estimate.h"

namespace scorefield {
namespace {

struct ElboArguments {
  DataArguments data;
  MachineArguments machine;
  std::string held_out;
  std::string model;
  std::size_t draws = 8;
  std::uint64_t seed = 0;
  std::optional<std::size_t> rows;
  bool json = false;
};

nlohmann::json json_of(const Estimate& nats, std::size_t dimension) {
  const Estimate bits = bits_per_dimension(nats, dimension);
  return {{"nats", nats.value},
          {"nats_error", nats.standard_error},
          {"bits_per_dimension", bits.value},
          {"bits_per_dimension_error", bits.standard_error}};
}

std::string line(const char* name, const Estimate& nats, std::size_t dimension) {
  const Estimate bits = bits_per_dimension(nats, dimension);
  return fmt::format("{:36} {:12.3f} +- {:<8.3f} {:9.5f} +- {:.5f}\n", name, nats.value, nats.standard_error,
                     bits.value, bits.standard_error);
}

std::string term_line(const std::string& name, const Estimate& nats) {
  return fmt::format("  {:34} {:12.3f} +- {:.3f}\n", name, nats.value, nats.standard_error);
}

std::string text_of(const ElboEstimate& estimate, const Estimate& ppca, std::size_t latents) {
  const std::size_t d = estimate.dimension;
  std::string text = fmt::format("{:36} {:>12}             {:>9}\n", "", "nats a row", "bits/dim");
  text += line("ELBO", estimate.elbo, d);
  const std::size_t levels = estimate.likelihood.size();
  for (std::size_t l = 0; l < levels; ++l) {
    text += term_line(l == 0 ? "E log p(x | z1)" : fmt::format("E log p(z{} | z{})", l, l + 1), estimate.likelihood[l]);
  }
  for (std::size_t l = 0; l + 1 < levels; ++l) {
    text += term_line(fmt::format("entropy of q(z{} | {})", l + 1, l == 0 ? "x" : fmt::format("z{}", l)),
                      estimate.entropy[l]);
  }
  const std::string top = levels == 1 ? "q(z1 | x)" : fmt::format("q(z{} | z{})", levels, levels - 1);
  Estimate divergence = estimate.divergence;
  divergence.value = -divergence.value;
  text += term_line(fmt::format("-KL({} | N(0, I))", top), divergence);
  text += line(fmt::format("importance-weighted, {} draws", estimate.draws).c_str(), estimate.importance_weighted, d);
  text += line(fmt::format("PPCA of {} dimensions", latents).c_str(), ppca, d);
  constexpr double kUsed = 0.01;  // nats
  std::size_t used = 0;
  for (const double nats : estimate.divergence_of_latent) used += nats > kUsed ? 1 : 0;
  text += fmt::format("{} of {} latents at the top are in use (more than {} nats each)\n", used,
                      estimate.divergence_of_latent.size(), kUsed);
  return text;
}

void run_elbo(const ElboArguments& arguments) {
  const Machine machine(arguments.machine);
  const Context& context = machine.context();
  const Autoencoder autoencoder = read_autoencoder(model_path(arguments.model), context);
  const Dataset data = open_dataset(arguments.data, context);
  note_other_data(model_path(arguments.model), autoencoder.data, data);
  check_rows("the autoencoder", autoencoder.data, data);
  const std::optional<Dataset> other = open_held_out(arguments.held_out, arguments.data, data, context);
  Dataset rows = other ? *other : data;
  if (rows.is_eight_bit() != autoencoder.data.eight_bit) {
    throw Error(fmt::format("{}: {} values, but the autoencoder was trained on {}, whose likelihood has other units",
                            rows.name(), rows.is_eight_bit() ? "8-bit" : "real",
                            autoencoder.data.eight_bit ? "8-bit values" : "real ones"));
  }
  if (arguments.rows && *arguments.rows < rows.size()) {
    std::vector<std::size_t> first(*arguments.rows);
    for (std::size_t i = 0; i < first.size(); ++i) first[i] = i;
    rows = rows.select(first);
  }
  const ElboEstimate estimate = estimate_elbo(AutoencoderNetworks(autoencoder), autoencoder.law(), rows,
                                              arguments.draws, arguments.seed, context);
  const std::size_t latents = autoencoder.latents();
  const Estimate ppca = ppca_log_likelihood(data, rows, std::min(latents, data.dimension() - 1),
                                            autoencoder.units.rounding_width, context);
  const std::size_t d = estimate.dimension;
  if (arguments.json) {
    nlohmann::json result = {{"rows", estimate.rows},
                             {"held_out", other.has_value()},
                             {"draws", estimate.draws},
                             {"latents", latents},
                             {"elbo", json_of(estimate.elbo, d)},
                             {"importance_weighted", json_of(estimate.importance_weighted, d)},
                             {"ppca", json_of(ppca, d)},
                             {"divergence", estimate.divergence},
                             {"divergence_of_latent", estimate.divergence_of_latent}};
    for (const Estimate& term : estimate.likelihood) result["likelihood"].push_back(term);
    for (const Estimate& term : estimate.entropy) result["entropy"].push_back(term);
    fmt::print("{}\n", result.dump());
    return;
  }
  fmt::print("{} rows of {}{}, {} values each, {} draws a row\n", rows.size(), rows.name(),
             other ? " (held out)" : " (training rows)", d, estimate.draws);
  fmt::print("{}", text_of(estimate, ppca, std::min(latents, data.dimension() - 1)));
  fmt::print("{}\n", autoencoder.data.eight_bit ? "lower bounds of the log probability of the 8-bit values"
                                                : "log densities, in data units");
}

}  // namespace

void add_elbo_command(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("elbo", "Bound the likelihood of data under an autoencoder, beside principal components");
  const auto arguments = std::make_shared<ElboArguments>();
  add_data_arguments(*command, arguments->data);
  command
      ->add_option("--held-out", arguments->held_out,
                   "The rows that are judged (default: the test set of a named set, else the data itself); principal "
                   "components are fitted to the data")
      ->group("Data");
  command
      ->add_option("--model", arguments->model,
                   "The autoencoder: a run folder of train --arch vae, or its model.safetensors")
      ->required()
      ->group("Model");
  command->add_option("--draws", arguments->draws, "Of the latents, a row")
      ->check(CLI::Range(1, 1 << 16))
      ->capture_default_str();
  command->add_option("--rows", arguments->rows, "Judge the first rows only")->check(CLI::Range(1, 1 << 30));
  command->add_option("--seed", arguments->seed, "Of the draws")->capture_default_str();
  command->add_flag("--json", arguments->json, "Print JSON in place of text");
  add_machine_arguments(*command, arguments->machine);
  command->footer(
      "Examples:\n"
      "  scorefield elbo --data fashion-mnist --model runs/vae/model.safetensors\n"
      "  scorefield elbo --data fashion-mnist --model runs/vae/model.safetensors --draws 64 --rows 1000 --json");
  command->callback([arguments] { run_elbo(*arguments); });
}

}  // namespace scorefield
