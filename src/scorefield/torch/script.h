// A network that somebody else made, from a TorchScript file.
#pragma once

#include <memory>
#include <string>

#include "scorefield/learn/network.h"

namespace scorefield::net {

/// Library::load_script().
std::unique_ptr<Network> load_script(const std::string& path, const ScriptCall& call);

}  // namespace scorefield::net
