#include "scorefield/cli/model_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/base/sha256.h"
#include "scorefield/learn/denoiser.h"
#include "scorefield/learn/imported_model.h"

namespace scorefield {
namespace {

constexpr const char* kGroup = "Imported model";
constexpr double kRounding = 1e-5;  // of an end of the noise levels that is typed as it is printed

struct DeclarationFlag {
  const char* key;
  const char* flag;
  const char* help;
};

constexpr DeclarationFlag kFlags[] = {
    {"predicts", "--predicts", "x0 (denoised), eps, v, score, flow (velocity), reversed-velocity, edm (its raw F)"},
    {"process", "", "The process it was trained with, e.g. ddpm-linear, ddpm:1001,1e-4,0.02, vp, cosine, flow, edm"},
    {"time", "--time",
     "What it is told of the noise: t, 1-t, step, index, sigma, log-sigma, log-snr, as in step/1000; none"},
    {"rounding", "--time-rounding", "none, or nearest: its time is that of the nearest whole step"},
    {"input", "--model-input", "What it is given: x_t, x_t/s, or unit:SIGMA_DATA"},
    {"range", "--range", "Its values for -1 and 1 in data units (black and white of images), e.g. -0.5,0.5"},
    {"shape", "--shape", "Of a row: C,H,W, or d (default: the data's)"},
    {"classes", "--model-classes", "How many classes it takes as its last argument (0: no such argument)"},
    {"no_class", "--no-class", "The number that it takes for no class"},
    {"mean", "--model-mean", "Of all its data's values, data units, for a model without --data (default 0)"},
    {"variance", "--model-variance", "Their variance (default 1: they lie in [-1, 1])"},
};

std::string flag_of(const DeclarationFlag& flag, const char* process) {
  return flag.flag[0] == '\0' ? process : flag.flag;
}

}  // namespace

CLI::Option* add_model_arguments(CLI::App& command, ModelArguments& arguments, const char* process) {
  CLI::Option* model = command
                           .add_option("--model", arguments.model,
                                       "A model or run folder of train; or a TorchScript file, with what it is in a "
                                       "JSON beside it or in the flags "
                                       "below (docs/import.md). "
                                       "It is code: only use files that you trust")
                           ->group(kGroup);
  for (const DeclarationFlag& flag : kFlags) {
    command.add_option(flag_of(flag, process), arguments.declared[flag.key], flag.help)->needs(model)->group(kGroup);
  }
  return model;
}

Declaration read_declaration(const ModelArguments& arguments, const Context& context) {
  Declaration declaration = read_declaration_beside(arguments.model, context);
  for (const DeclarationFlag& flag : kFlags) {
    const auto typed = arguments.declared.find(flag.key);
    if (typed == arguments.declared.end() || typed->second.empty()) continue;
    set_declared(flag.key, flag.flag[0] == '\0' ? "the process of the model" : flag.flag, typed->second, declaration);
  }
  return declaration;
}

std::string model_path(const std::string& typed) {
  const std::filesystem::path inside = std::filesystem::path(typed) / "model.safetensors";
  return path_exists(inside) ? inside.string() : typed;
}

void note_other_data(const std::string& path, const DataForm& trained, const Dataset& data) {
  if (trained.digest.empty() || trained.name == data.name() || trained.digest == data.digest()) return;
  fmt::print(stderr, "note: {} was trained on {}, not on {}\n", path, trained.name, data.name());
}

OpenedModel open_model(const ModelArguments& arguments, const Dataset* data, const Context& context) {
  const std::string path = model_path(arguments.model);
  if (std::filesystem::path(path).extension() == ".safetensors") {
    const auto typed = std::ranges::find_if(arguments.declared, [](const auto& part) { return !part.second.empty(); });
    if (typed != arguments.declared.end()) {
      throw Error(
          fmt::format("--model {}: it says itself what it predicts; drop the flag for its {}", path, typed->first));
    }
    const Denoiser denoiser = read_denoiser(path, context);
    if (data != nullptr) check_rows("--model " + path, denoiser.data, *data);
    return {denoiser.data, sigma_range(denoiser.target), std::nullopt, file_digest(path), make_field(denoiser)};
  }
  Declaration declaration = read_declaration(arguments, context);
  if (data != nullptr && declaration.shape.empty()) declaration.shape = data->shape();
  const DataForm form = form_of(arguments, declaration);
  if (data != nullptr) check_rows("--model " + path, form, *data);
  auto network = open_network(path, declaration);
  auto field = data != nullptr ? make_imported_field(std::move(network), declaration, centred_law(*data, context).law)
                               : make_imported_field(std::move(network), declaration);
  return {form, sigma_range(declaration), declaration, file_digest(path), std::move(field)};
}

ScheduleOptions fitted_to(ScheduleOptions schedule, const CLI::App& command, const std::optional<SigmaRange>& range) {
  if (!range) return schedule;
  const auto fit = [&](const char* flag, double& sigma) {
    const double fitted = std::clamp(sigma, range->least, range->most);
    if (command.get_option(flag)->count() > 0 && std::abs(fitted - sigma) > kRounding * sigma) {
      throw Error(fmt::format("{} {}: the network knows noise levels from sigma = {:.6g} to {:.6g} (data units)", flag,
                              sigma, range->least, range->most));
    }
    sigma = fitted;
  };
  fit("--sigma-max", schedule.sigma_max);
  fit("--sigma-min", schedule.sigma_min);
  return schedule;
}

void put_fitted(const ScheduleOptions& schedule, nlohmann::json& config) {
  nlohmann::json& options = config["options"];
  if (options.contains("sigma-max")) options["sigma-max"] = schedule.sigma_max;
  if (options.contains("sigma-min")) options["sigma-min"] = schedule.sigma_min;
}

DataForm form_of(const ModelArguments& arguments, const Declaration& declaration) {
  DataForm form;
  form.name = arguments.model;
  form.shape = declaration.shape;
  form.affine = kImageUnits;
  form.classes = declaration.classes;
  return form;
}

Dataset rows_like(const DataForm& form, const Context& context) {
  context.check_memory(std::max<std::size_t>(1, form.classes), form.dimension(), "rows of the form of the model's");
  std::vector<std::int32_t> labels(form.classes);
  std::iota(labels.begin(), labels.end(), 0);
  return make_dataset<std::uint8_t>(
      form.name, std::vector<std::uint8_t>(std::max<std::size_t>(1, form.classes) * form.dimension()), form.shape,
      form.affine, std::move(labels), form.label_names);
}

}  // namespace scorefield
