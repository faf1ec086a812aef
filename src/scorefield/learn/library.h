// The networks' plugin, opened when a network is first used.
#pragma once

#include <filesystem>
#include <string>

#include "scorefield/learn/network.h"

namespace scorefield {

/// The plugin (libscorefield_networks.so, beside this library or in its folder scorefield/), opened at the first call,
/// once for the process (RTLD_LOCAL). Throws Error, with what to install, where it or LibTorch is missing.
const net::Library& network_library();

/// Whether network_library() would succeed; the reason where not, else "".
std::string why_no_networks();

/// A file that comes with scorefield: beside this library, or in the folder scorefield/ there, as installed. Not always
/// there.
std::filesystem::path file_of_this_library(const std::string& name);

}  // namespace scorefield
