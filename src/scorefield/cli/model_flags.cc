#include "scorefield/cli/model_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/row_moments.h"
#include "scorefield/learn/imported_model.h"

namespace scorefield {
namespace {

constexpr const char* kGroup = "Imported model";

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
    {"input", "--input", "What it is given: x_t, x_t/s, or unit:SIGMA_DATA"},
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

LearntLaw law_of(const Dataset& data, const Context& context) {
  const Affine& units = data.affine();
  RowMoments moments = row_moments(data.stored(), {}, context);
  for (double& value : moments.mean) value = units.scale * value + units.offset;
  return {std::move(moments.mean), units.scale * units.scale * moments.variance};
}

}  // namespace

CLI::Option* add_model_arguments(CLI::App& command, ModelArguments& arguments, const char* process) {
  CLI::Option* model =
      command
          .add_option("--model", arguments.model,
                      "A TorchScript file, with what it is in a JSON beside it or in the flags below (docs/import.md). "
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

OpenedModel open_model(const ModelArguments& arguments, const Dataset* data, const Context& context) {
  OpenedModel opened{read_declaration(arguments, context), "", nullptr};
  Declaration& declaration = opened.declaration;
  if (data != nullptr && declaration.shape.empty()) declaration.shape = data->shape();
  if (data != nullptr && declaration.shape != data->shape()) {
    throw Error(fmt::format("--model {}: its rows have the shape [{}], and those of {} [{}]", arguments.model,
                            fmt::join(declaration.shape, ", "), data->name(), fmt::join(data->shape(), ", ")));
  }
  opened.digest = model_digest(arguments.model);
  auto network = open_network(arguments.model, declaration);
  opened.field = data != nullptr ? make_imported_field(std::move(network), declaration, law_of(*data, context))
                                 : make_imported_field(std::move(network), declaration);
  return opened;
}

Dataset rows_like(const Declaration& declaration) {
  const std::size_t rows = std::max<std::size_t>(1, declaration.classes);
  std::vector<std::int32_t> labels(declaration.classes);
  std::iota(labels.begin(), labels.end(), 0);
  return make_dataset<std::uint8_t>("the model", std::vector<std::uint8_t>(rows * declaration.dimension()),
                                    declaration.shape, kImageUnits, std::move(labels));
}

}  // namespace scorefield
