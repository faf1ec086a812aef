// The exact posterior over the rows of a data set: the hot loop of the house.
//   w_i = pi_i exp(-|x - y_i|^2 / (2 sigma^2)) / Z,   D = sum w_i y_i,   log p = log Z - (d/2) log(2 pi sigma^2)
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "scorefield/base/context.h"
#include "scorefield/base/stored_rows.h"
#include "scorefield/kernel/answer.h"

namespace scorefield {

/// What the answers are held to, against the difference form in f64. R: the rms distance of the rows from their mean.
enum class Precision {
  /// f32 inside; queries for which that does not do (few rows carry weight, or rounding would show) are answered in
  /// f64.
  /// |D - D_ref| <= 5e-6 min(R, sigma sqrt(d)); log p and entropy: 1e-4 nats; largest weight and the weights of the top
  /// rows: 1e-4 of their value; effective sample size: 2e-4 of its value; covariance trace: 1e-5 R^2. The ranking of
  /// the
  /// top rows, and Cov v: as kPrecise. The estimate of the error that decides is a statistical one, with a factor of 3
  /// and more over what was measured; rows that are left out are left out by a bound.
  kFast,
  /// f64 inside; 1e-12 relative for D and log p, 1e-12 absolute for entropy.
  kPrecise,
};

/// The rows of a data set, prepared once: their mean and norms (at most 16 bytes a row). Views the rows, which must
/// outlive it. Const and thread-safe; the answer for a query does not depend on the batch or on the number of threads.
class PosteriorKernel {
 public:
  /// log_weights: log pi_i up to a constant, one a row, -inf allowed where another is finite; empty: equal weights.
  /// Throws Error for weights that do not fit or are NaN, rows that are not finite, or memory over the limit.
  PosteriorKernel(StoredRows rows, Affine affine, std::span<const double> log_weights, const Context& context);
  ~PosteriorKernel();
  PosteriorKernel(PosteriorKernel&&) noexcept;
  PosteriorKernel& operator=(PosteriorKernel&&) noexcept;

  std::size_t size() const;
  std::size_t dimension() const;
  /// Weighted mean of the rows, [d], and mean squared distance from it: data units (squared), exact to f64 rounding.
  std::span<const double> mean() const;
  double variance() const;

  /// x: [B, d], data units. sigma: B values or one for all, in (0, inf]. subset: ascending row numbers to restrict the
  /// data set to (weights renormalised); empty: all rows. The caller has checked shapes and finiteness (Field::ask).
  Answer evaluate(RowsView<const double> x, std::span<const double> sigma, std::span<const std::uint32_t> subset,
                  const Request& request, Precision precision, const Context& context) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace scorefield
