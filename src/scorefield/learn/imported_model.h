// A network from a TorchScript file as a field, by what was declared of it (docs/import.md).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "scorefield/base/context.h"
#include "scorefield/field/field.h"
#include "scorefield/learn/declaration.h"
#include "scorefield/learn/evaluator.h"
#include "scorefield/learn/network_field.h"

namespace scorefield {

/// The JSON beside a network: net.json for net.pt.
std::filesystem::path declaration_path(const std::filesystem::path& model);

/// What the file beside the network says; the defaults where there is none. Throws Error (file and key).
Declaration read_declaration_beside(const std::filesystem::path& model, const Context& context);

/// The network, ready to be asked; fields of several declarations of one shape, with one number of arguments, may share
/// it. TorchScript is code: only open files that are trusted. Throws Error for a file that is no TorchScript or cannot
/// be called as declared, and without LibTorch.
std::shared_ptr<const Evaluator> open_network(const std::filesystem::path& model, const Declaration& declaration);

/// D in the VE frame, data units. Throws Error for a declaration whose parts do not go together; its ask() for noise
/// levels that the process does not have, and without a class for a network that always needs one.
std::unique_ptr<const Field> make_imported_field(std::shared_ptr<const Evaluator> network,
                                                 const Declaration& declaration);

/// The same with the moments of data: mean [d] and E|x_0 - mean|^2, data units.
std::unique_ptr<const Field> make_imported_field(std::shared_ptr<const Evaluator> network,
                                                 const Declaration& declaration, LearntLaw law);

}  // namespace scorefield
