// Is an imported network what its declaration says? It denoises rows, also under other declarations.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/learn/declaration.h"
#include "scorefield/learn/evaluator.h"

namespace scorefield {

/// Clean rows and the noise that is put on them: the same for every declaration, so that their errors compare.
struct CheckRows {
  Rows x0;                  // [N, d], data units
  std::vector<int> labels;  // empty, or one a row; ignored where the network takes no class
  /// Deviation of a value of the rows about its own mean, data units: noise levels are set by it.
  double deviation() const;
};

/// What the declared network does at one noise level. Errors are mean squares a value, data units squared.
struct LevelCheck {
  double sigma = 0;  // data units
  double error = 0;  // |D - x_0|^2
  /// The same of the best affine denoiser that sees each value alone: D_k = m_k + v_k/(v_k + sigma^2) (x_k - m_k), v_k
  /// the variance of value k and m_k its mean, over the other rows. A network that denoises stays below.
  double bound = 0;
  /// Standard error of error - bound over the rows. Both see the same rows and noise, so it is small beside theirs.
  double excess_error = 0;
  /// <n, eps>/<eps, eps> with eps = (x - D)/sigma: 1 where eps = E[n | x].
  double calibration = 0;
};

/// One way to declare the network.
struct Trial {
  std::string change;  // "predicts v"; several, separated by ", "
  Declaration declaration;
  std::vector<double> errors;  // a level; NaN where the declaration knows no such noise level
  /// Geometric mean over the shared levels of its errors over those of the declared; inf where it gives no numbers.
  double ratio = 1;
  std::string refused;  // why it cannot be tried; empty: it was
};

struct ImportCheck {
  Declaration declaration;
  bool own_samples = false;
  std::vector<LevelCheck> levels;
  /// Every single other value of predicts, process, time and (on data) range: least ratio first, those refused last.
  std::vector<Trial> singles;
  /// The best of all combinations of these values, on fewer rows and levels, tried anew on all; empty without a search.
  std::vector<Trial> combinations;
  std::size_t combinations_tried = 0;
  Rows noisy;     // [L * P, d]: the first P rows at each level, for the picture
  Rows denoised;  // [L * P, d]
};

/// A raise of the error by this factor tells two declarations apart.
inline constexpr double kToldApart = 1.1;

struct CheckOptions {
  std::uint64_t seed = 0;
  bool search = true;  // the combinations too
  /// The rows are the network's own samples: they tell nothing of its range, and little of the rest.
  bool own_samples = false;
  std::size_t pictures = 8;  // P
};

/// The noise levels of a check: 0.1, 0.3, 1, 3 and 10 times the deviation, those that the declared process has.
std::vector<double> check_levels(const Declaration& declaration, double deviation);

/// Throws Error where the network cannot be asked as declared at all, and Cancelled.
ImportCheck check_import(const std::shared_ptr<const Evaluator>& network, const Declaration& declaration,
                         const CheckRows& rows, const CheckOptions& options, const Context& context);

/// The best trial of a check that is told apart from the declared, or null.
const Trial* better_declaration(const ImportCheck& check);

}  // namespace scorefield
