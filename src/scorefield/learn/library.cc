#include "scorefield/learn/library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

constexpr const char* kPlugin = "libscorefield_networks.so";

struct Opened {
  const net::Library* library = nullptr;
  std::string fault;
};

Opened open_plugin() {
  const std::filesystem::path path = file_of_this_library(kPlugin);
  if (!exists(path)) {
    return {nullptr, fmt::format("{} is missing: this scorefield was built without LibTorch; install the package "
                                 "libtorch-dev and build again",
                                 path.string())};
  }
  void* const handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return {nullptr, fmt::format("{} (is the package libtorch1.13 installed?)", dlerror())};
  }
  const auto* const interface = static_cast<const int*>(dlsym(handle, "scorefield_network_interface"));
  const auto function = reinterpret_cast<net::LibraryFunction>(dlsym(handle, net::kLibrarySymbol));
  if (interface == nullptr || function == nullptr || *interface != net::kInterface) {
    return {nullptr, fmt::format("{} belongs to another version of scorefield; install both anew", path.string())};
  }
  return {function(), ""};
}

/// Never closed: LibTorch keeps threads and registries of its own.
const Opened& opened() {
  static const Opened result = open_plugin();
  return result;
}

}  // namespace

std::filesystem::path file_of_this_library(const std::string& name) {
  Dl_info info{};
  ensure(dladdr(reinterpret_cast<const void*>(&network_library), &info) != 0, "this library has a file");
  const std::filesystem::path folder = std::filesystem::path(info.dli_fname).parent_path();
  return exists(folder / name) ? folder / name : folder / "scorefield" / name;
}

const net::Library& network_library() {
  if (opened().library == nullptr) throw Error(fmt::format("networks cannot be used: {}", opened().fault));
  return *opened().library;
}

std::string why_no_networks() {
  return opened().fault;
}

}  // namespace scorefield
