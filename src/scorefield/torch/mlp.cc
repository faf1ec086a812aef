// Kind "mlp": rows of numbers through SiLU layers, each shifted by what conditions the network.
#include <cmath>

#include "scorefield/torch/function.h"
#include "scorefield/torch/hyperparameters.h"

namespace scorefield::net {
namespace {

class Mlp final : public Function {
 public:
  Mlp(Parameters& parameters, const Architecture& architecture)
      : conditioning_(parameters, "condition", architecture, architecture.width) {
    std::size_t inputs = architecture.input.size();
    for (std::size_t i = 0; i < architecture.layers; ++i) {
      layers_.emplace_back(parameters, "layer." + std::to_string(i), inputs, architecture.width,
                           i == 0 ? 1 : std::sqrt(2.0));
      if (architecture.noise_label || architecture.classes > 0) {
        shifts_.emplace_back(parameters, "shift." + std::to_string(i), architecture.width, architecture.width);
      }
      inputs = architecture.width;
    }
    layers_.emplace_back(parameters, "out", inputs, architecture.output.size(), 0);
  }

  at::Tensor operator()(const Inputs& inputs) const override {
    at::Tensor condition = conditioning_(inputs.label, inputs.classes);
    if (condition.defined()) condition = at::silu(condition);
    at::Tensor h = inputs.x.flatten(1);
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) {
      h = layers_[i](h);
      if (condition.defined()) h = h + shifts_[i](condition);
      h = at::silu(h);
    }
    return layers_.back()(h);
  }

 private:
  Conditioning conditioning_;
  std::vector<Linear> layers_;
  std::vector<Linear> shifts_;
};

}  // namespace

std::unique_ptr<Function> make_mlp(Parameters& parameters, const Architecture& architecture) {
  need_positive(architecture, "width", architecture.width);
  need_count(architecture, "layers", architecture.layers);
  return std::make_unique<Mlp>(parameters, architecture);
}

}  // namespace scorefield::net
