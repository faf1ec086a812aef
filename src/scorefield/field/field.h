// What answers D(x; sigma) = E[x_0 | x_0 + sigma n = x]: the one question of the house.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/kernel/answer.h"

namespace scorefield {

/// What a field can tell; asking for more throws Error.
struct Capabilities {
  bool log_density = false;
  bool posterior = false;
  bool covariance = false;  // trace and products
  bool top_k = false;
  bool labels = false;
  bool draw = false;
};

/// A field of the VE frame: x = x_0 + sigma n. Const and thread-safe; the answer for a query does not depend on what
/// else is in the batch nor on the number of threads.
class Field {
 public:
  virtual ~Field() = default;

  virtual std::size_t dimension() const = 0;
  virtual Capabilities capabilities() const = 0;
  /// E[x_0], [d], data units.
  virtual std::span<const double> mean() const = 0;
  /// E|x_0 - E x_0|^2, data units squared.
  virtual double variance() const = 0;

  /// x: [B, d] states in the VE frame, data units (unit noise where sigma = inf). sigma: B values or one for all, each
  /// in (0, inf]. labels: empty (unconditional), one for all, or B class labels; -1 is unconditional.
  /// Throws Error for shapes, ranges, non-finite input, unknown labels and requests beyond capabilities().
  virtual Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                     const Request& request, const Context& context) const = 0;

  /// A draw of x_0 (its own law, label -1, or the law of a class) that depends on `seed` alone. out: [d], data units.
  /// Throws Error where capabilities().draw is false.
  virtual void draw(std::uint64_t seed, int label, std::span<double> out) const;

 protected:
  /// Checks everything that ask() promises to refuse. `classes`: labels run from 0 to classes - 1.
  void check_query(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                   const Request& request, std::size_t classes) const;
};

/// grad log p_sigma(x) = (D - x) / sigma^2 (Tweedie); at sigma = inf the state is unit noise and the score is -x.
void score_from_denoised(RowsView<const double> x, RowsView<const double> denoised, std::span<const double> sigma,
                         RowsView<double> score);

}  // namespace scorefield
