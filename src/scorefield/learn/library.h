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

/// Where libscorefield.so lies; what comes with it is in its folder scorefield/.
std::filesystem::path folder_of_this_library();

}  // namespace scorefield
