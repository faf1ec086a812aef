#include "scorefield/learn/imported_model.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/learn/library.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {
namespace {

net::Shape network_shape(const Declaration& declaration) {
  const std::vector<std::size_t>& shape = declaration.shape;
  if (shape.size() == 3) return {shape[0], shape[1], shape[2]};
  return {shape[0], 1, 1};
}

/// A noise label that the network knows: that of the middle of its noise levels.
double middle_label(const Declaration& declaration) {
  const auto [least, most] = sigma_range(declaration);
  const double low = least > 0 ? least : 1e-2;
  const double high = std::isinf(most) ? 1e2 : most;
  return make_declared_preconditioner(declaration)->at(std::sqrt(low * high) * declaration.scale()).label;
}

}  // namespace

std::filesystem::path declaration_path(const std::filesystem::path& model) {
  return std::filesystem::path(model).replace_extension(".json");
}

Declaration read_declaration_beside(const std::filesystem::path& model, const Context& context) {
  Declaration declaration;
  const std::filesystem::path path = declaration_path(model);
  if (!path_exists(path) || path == model) return declaration;
  read_declaration(read_json(path, context), path.string(), declaration);
  return declaration;
}

std::shared_ptr<const Evaluator> open_network(const std::filesystem::path& model, const Declaration& declaration) {
  net::ScriptCall call;
  call.noise_label = declaration.time != "none";
  call.class_label = declaration.classes > 0;
  call.no_class = static_cast<std::int64_t>(declaration.no_class.value_or(0));
  if (declaration.shape.empty()) {
    call.input.channels = 0;
    (void)network_library().load_script(model.string(), call);  // says what is wrong with the file, should it be that
    throw Error(fmt::format("{}: say the shape of its rows, --shape 1,28,28 or \"shape\": [1, 28, 28] in {}",
                            model.string(), declaration_path(model).string()));
  }
  call.input = call.output = network_shape(declaration);
  call.flat = declaration.shape.size() == 1;
  const double label = middle_label(declaration);
  return std::make_shared<Evaluator>([=] { return network_library().load_script(model.string(), call); },
                                     declaration.dimension(), declaration.dimension(), call.noise_label, label);
}

std::unique_ptr<const Field> make_imported_field(std::shared_ptr<const Evaluator> network,
                                                 const Declaration& declaration) {
  const std::size_t d = declaration.dimension();
  return make_imported_field(std::move(network), declaration,
                             {std::vector<double>(d, declaration.mean), declaration.variance * static_cast<double>(d)});
}

std::unique_ptr<const Field> make_imported_field(std::shared_ptr<const Evaluator> network,
                                                 const Declaration& declaration, LearntLaw law) {
  return std::make_unique<NetworkField>(
      std::move(network), make_declared_preconditioner(declaration),
      NetworkUnits{std::vector<double>(declaration.dimension(), declaration.centre()), declaration.scale()},
      std::move(law), NetworkClasses{declaration.classes, declaration.no_class.has_value()});
}

}  // namespace scorefield
