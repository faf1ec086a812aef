#include "scorefield/audit/deviation_json.h"

#include <nlohmann/json.hpp>

namespace scorefield {
namespace {

nlohmann::json to_json(const Mean& mean) {
  return {{"value", mean.value}, {"standard_error", mean.standard_error}};
}

}  // namespace

nlohmann::json deviation_json(std::span<const NoisedDeviation> noised, const TrajectoryDeviations& runs) {
  nlohmann::json on_data = nlohmann::json::array();
  for (const NoisedDeviation& level : noised) {
    on_data.push_back({{"sigma", level.sigma},
                       {"apart", to_json(level.apart)},
                       {"model_error", to_json(level.model_error)},
                       {"exact_error", to_json(level.exact_error)}});
  }
  nlohmann::json levels = nlohmann::json::array();
  for (const TrajectoryDeviation& level : runs.levels) {
    levels.push_back({{"sigma", level.sigma},
                      {"states", to_json(level.states)},
                      {"denoised", to_json(level.denoised)},
                      {"on_model", to_json(level.on_model)},
                      {"on_exact", to_json(level.on_exact)}});
  }
  return {{"noised", on_data}, {"trajectories", {{"levels", levels}, {"ends", to_json(runs.ends)}}}};
}

}  // namespace scorefield
