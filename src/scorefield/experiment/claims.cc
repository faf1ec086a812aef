#include "scorefield/experiment/claims.h"

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"

namespace scorefield {

const std::vector<Claim>& claims() {
  static const std::vector<Claim> all = {
      bridge_step_claim(),
      drift_forms_claim(),
      terminal_weights_claim(),
      memorisation_claim(),
      memorisation_images_claim(),
      weak_order_claim(),
      finite_differences_claim(),
      solver_orders_claim(),
      langevin_weights_claim(),
      gits_claim(),
      ode_jump_claim(),
      guidance_claim(),
      guidance_images_claim(),
      parametrisations_claim(),
      parametrisation_gradients_claim(),
      score_matching_claim(),
      score_deviation_claim(),
      mnist_model_claim(),
  };
  return all;
}

const Claim& find_claim(std::string_view name) {
  std::vector<std::string> names;
  for (const Claim& claim : claims()) {
    if (claim.name == name) return claim;
    names.emplace_back(claim.name);
  }
  throw Error(unknown_name("claim", name, names));
}

}  // namespace scorefield
