#include "scorefield/audit/deviation_json.h"

#include <nlohmann/json.hpp>

namespace scorefield {

nlohmann::json deviation_json(std::span<const NoisedDeviation> noised, const TrajectoryDeviations& runs) {
  nlohmann::json on_data = nlohmann::json::array();
  for (const NoisedDeviation& level : noised) {
    on_data.push_back({{"sigma", level.sigma},
                       {"apart", level.apart},
                       {"model_error", level.model_error},
                       {"exact_error", level.exact_error}});
  }
  nlohmann::json levels = nlohmann::json::array();
  for (const TrajectoryDeviation& level : runs.levels) {
    levels.push_back({{"sigma", level.sigma},
                      {"states", level.states},
                      {"denoised", level.denoised},
                      {"on_model", level.on_model},
                      {"on_exact", level.on_exact}});
  }
  return {{"noised", on_data}, {"trajectories", {{"levels", levels}, {"ends", runs.ends}}}};
}

}  // namespace scorefield
