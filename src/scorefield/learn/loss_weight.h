// How much an error of D counts at each noise level (docs/theory/losses.md).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "scorefield/learn/preconditioning.h"

namespace scorefield {

/// w(sigma) of the loss w |D - x_0|^2; sigma in data units.
using LossWeight = std::function<double(double sigma)>;

/// The plain loss |prediction - its target|^2 of whatever is predicted: as D = skip y + out F, an error of F by e is
/// one of D by out e, so w = 1/out^2. Of "edm" it is (sigma^2 + sigma_data^2)/(sigma sigma_data)^2.
LossWeight plain_weight(const Target& target);

/// By name, SNR = 1/sigma^2:
///   plain        that of `target` itself
///   edm, denoised (x0), noise (eps), v, score, velocity (flow): the plain loss of this prediction in target's process
///   uniform      1
///   snr          SNR, the same as noise
///   min-snr:G    min(SNR, G) (Hang et al. 2023; 5 there)
///   max-snr      max(SNR, 1) ("truncated SNR", Salimans and Ho 2022)
///   snr+1        SNR + 1, the same as v
///   ou:K         |m - a x_0|^2/h^K of m = a D, a = e^-t, h = 1 - e^-2t: in sigma^2 = h/(1 - h), w = (1 - h)/h^K
///                (He, Qiu and Tao 2026); K = 1 is noise, K = 2 is OU's plain score
/// Throws Error for anything else.
LossWeight make_loss_weight(std::string_view spec, const Target& target);

}  // namespace scorefield
