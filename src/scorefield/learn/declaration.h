// What a user says about a network that was made elsewhere: what it predicts, and how it is called.
#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/learn/preconditioning.h"
#include "scorefield/process/process.h"

namespace scorefield {

/// Every part has a flag and a key in the JSON beside the file, of the same name (docs/import.md).
struct Declaration {
  /// "denoised" (x0), "noise" (eps), "v", "score", "velocity" (flow: dx_t/dt), "reversed-velocity" (where time runs
  /// from noise to data: -dx_t/dt), or "edm" (the F of Karras et al. 2022, whose input is "unit:SIGMA_DATA").
  std::string predicts = "denoised";
  /// As make_process() reads it; "edm" is x = x_0 + sigma n.
  std::string process = "edm";
  /// What the network is told of the noise: see time_bases(), with *NUMBER or /NUMBER behind; "none": nothing.
  std::string time = "sigma";
  /// "none", or "nearest": the time is that of the nearest whole step.
  std::string rounding = "none";
  /// What the network is given: "x_t" of the process, "x_t/s" (the VE frame), or "unit:SIGMA_DATA", which is
  /// (x_t/s)/sqrt(sigma^2 + SIGMA_DATA^2).
  std::string input = "x_t";
  /// The network's values for -1 and 1 in data units (for black and white of 8-bit images). `low` is below `high`.
  double low = -1;
  double high = 1;
  /// [C, H, W] or [d], in and out.
  std::vector<std::size_t> shape;
  /// The network takes a class, 0 to classes - 1, as its last argument; 0: it takes none.
  std::size_t classes = 0;
  /// The number that the network takes for "no class"; null: it has none and always needs a class.
  std::optional<std::size_t> no_class;
  /// Of all values of the data, data units; without them those of values anywhere in [-1, 1], as a bound: 0 and 1.
  double mean = 0;
  double variance = 1;

  std::size_t dimension() const;
  /// Network units per data unit, and the data value that is 0 there.
  double scale() const { return (high - low) / 2; }
  double centre() const { return -(high + low) / (high - low); }
};

/// "t" (the process's own time), "1-t", "step" (1 for the first noise level), "index" (0 for it), "sigma", "log-sigma"
/// (natural; both in the network's units), "log-snr" (of x_t, log s^2/b^2). Processes with t in [0, 1] have 1000 steps,
/// step = 1000 t; those that go on for ever have none.
const std::vector<std::string>& time_bases();

/// The keys of the JSON, which are the names of the flags.
const std::vector<std::string>& declaration_keys();

/// Sets the parts that the object names. Throws Error for unknown keys (with near ones), wrong types and values;
/// `where` begins its text.
void read_declaration(const nlohmann::json& json, std::string_view where, Declaration& declaration);
/// One part from a flag: "eps", "-0.5,0.5", "1,28,28", "10". Throws Error, naming the flag.
void set_declared(std::string_view key, std::string_view flag, const std::string& text, Declaration& declaration);
nlohmann::json declaration_json(const Declaration& declaration);

/// From sigma, in the network's units, to how it is called and what its value means. Throws Error for parts that do not
/// go together; its at() for noise levels that the process does not have, in data units.
std::unique_ptr<const Preconditioner> make_declared_preconditioner(const Declaration& declaration);

/// The noise levels at which the network can be asked.
SigmaRange sigma_range(const Declaration& declaration);

}  // namespace scorefield
