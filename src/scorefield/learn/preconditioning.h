// How a network becomes a denoiser: D = skip y + out F(in y, label) in the VE frame (docs/theory/losses.md).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/process/parametrisation.h"
#include "scorefield/process/process.h"

namespace scorefield {

/// At one noise level. y: the state of the VE frame about its centre; at sigma = inf the unit noise.
struct Preconditioning {
  double skip = 0;
  double out = 1;
  double in = 1;
  double label = 0;  // what the network is told of sigma
};

/// sigma -> Preconditioning. Const and thread-safe.
class Preconditioner {
 public:
  virtual ~Preconditioner() = default;
  /// sigma in (0, inf], in the units of the network's data. Throws Error where the network says nothing about D.
  virtual Preconditioning at(double sigma) const = 0;
};

/// What the networks that are trained here may predict, and in whose coordinates.
struct Target {
  /// "edm" (Karras et al. 2022, table 1), or the plain prediction of a process: "denoised" (x0), "noise" (eps), "v",
  /// "score", "velocity" (flow; a process's own dx/dt).
  std::string predicts = "edm";
  /// As make_process() reads it; "edm" is the VE frame itself.
  std::string process = "edm";
  /// Deviation of a value of the data about its centre: the network's input is y/sqrt(sigma^2 + sigma_data^2).
  double sigma_data = 0.5;
};

/// The names that Target::predicts takes.
std::vector<std::string> target_names();
/// "x0", "eps", "flow" and other spellings -> target_names(). Throws Error for an unknown one.
std::string target_name(std::string_view spelling);
/// Of every target name but "edm".
Prediction prediction_of(std::string_view target);

/// Noise levels at which a network can be asked, data units.
struct SigmaRange {
  double least;
  double most;
};
/// Those of the target's process; "edm" is in none, and has all.
SigmaRange sigma_range(const Target& target);

/// The label is log(sigma)/4 (Karras et al. 2022), held within [-3, 3]: sigma = inf has one too.
/// Throws Error for names, a process or a sigma_data that make no sense.
std::unique_ptr<const Preconditioner> make_preconditioner(const Target& target);

}  // namespace scorefield
