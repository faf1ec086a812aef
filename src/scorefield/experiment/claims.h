// Every claim that `scorefield reproduce` knows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scorefield/experiment/claim.h"

namespace scorefield {

/// In the order they are listed. A new claim is a file with its function, declared below, and a line in claims.cc.
const std::vector<Claim>& claims();

/// By name; throws Error with near names.
const Claim& find_claim(std::string_view name);

Claim bridge_step_claim();
Claim drift_forms_claim();
Claim terminal_weights_claim();
Claim memorisation_claim();
Claim memorisation_images_claim();
Claim weak_order_claim();
Claim finite_differences_claim();
Claim solver_orders_claim();
Claim langevin_weights_claim();
Claim gits_claim();
Claim ode_jump_claim();
Claim guidance_claim();
Claim guidance_images_claim();
Claim mnist_model_claim();
Claim parametrisations_claim();
Claim parametrisation_gradients_claim();
Claim score_matching_claim();
Claim score_deviation_claim();

}  // namespace scorefield
