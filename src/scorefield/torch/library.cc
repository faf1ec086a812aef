// The plugin's door: what the library finds by name after dlopen.
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/version.h>

#include <map>

#include "scorefield/base/error.h"
#include "scorefield/torch/bound_network.h"
#include "scorefield/torch/hyperparameters.h"
#include "scorefield/torch/script.h"

namespace scorefield::net {
namespace {

class TorchLibrary final : public Library {
 public:
  TorchLibrary() {
    // The library's own threads call in; neither LibTorch nor its BLAS may add theirs to each. OpenBLAS has one pool
    // that all callers wait for in turn: with it on, two threads run a U-Net at a tenth of the speed of one.
    at::set_num_threads(1);
    using SetThreads = void (*)(int);
    const auto set_threads = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    if (set_threads != nullptr) set_threads(1);
  }

  std::string version() const override { return "LibTorch " TORCH_VERSION; }

  std::vector<Tensor> layout(const Architecture& architecture) const override {
    Parameters parameters(nullptr, Arithmetic::kFloat32);
    (void)make_function(parameters, architecture);
    return parameters.layout();
  }

  std::unique_ptr<Network> make(const Architecture& architecture, const float* weights,
                                Arithmetic arithmetic) const override {
    return std::make_unique<BoundNetwork>(architecture, weights, arithmetic);
  }

  std::unique_ptr<Network> load_script(const std::string& path, const ScriptCall& call) const override {
    return scorefield::net::load_script(path, call);
  }
};

}  // namespace

std::unique_ptr<Function> make_function(Parameters& parameters, const Architecture& architecture) {
  using Maker = std::unique_ptr<Function> (*)(Parameters&, const Architecture&);
  static const std::map<std::string, Maker> makers = {
      {"mlp", make_mlp},         {"unet", make_unet},          {"dit", make_dit},
      {"encoder", make_encoder}, {"classifier", make_encoder}, {"decoder", make_decoder}};
  const auto maker = makers.find(architecture.kind);
  if (maker == makers.end()) {
    std::string kinds;
    for (const auto& entry : makers) kinds += (kinds.empty() ? "" : ", ") + entry.first;
    throw Error("unknown kind of network '" + architecture.kind + "'; there are " + kinds);
  }
  need_shapes(architecture);
  std::unique_ptr<Function> made = maker->second(parameters, architecture);
  need_possible_size(architecture, parameters.count());
  return made;
}

}  // namespace scorefield::net

extern "C" {

extern const int scorefield_network_interface;
const int scorefield_network_interface = scorefield::net::kInterface;

const scorefield::net::Library* scorefield_network_library() {
  static const scorefield::net::TorchLibrary library;
  return &library;
}
}
