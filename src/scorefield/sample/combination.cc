#include "scorefield/sample/combination.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {

Combination& Combination::add(double factor, RowsView<const double> rows) {
  for (Term& term : terms_) {
    if (term.rows.data != rows.data) continue;
    term.factor += factor;
    return *this;
  }
  terms_.push_back({factor, rows});
  return *this;
}

Combination& Combination::add_noise(double factor, const Evaluation& e) {
  if (std::isinf(e.at.sigma)) return add_x(factor, e);
  return add_x(factor / e.at.sigma, e).add_denoised(-factor / e.at.sigma, e);
}

Combination& Combination::add_slope(double factor, const Evaluation& e) {
  return add_x(factor * e.at.slope_x(), e).add_denoised(factor * e.at.slope_denoised(), e);
}

void Combination::into(RowsView<double> out, ThreadPool* pool) const {
  std::vector<Term> terms;
  for (const Term& term : terms_) {
    ensure(term.rows.rows == out.rows && term.rows.cols == out.cols, "states of one shape are combined");
    if (term.factor != 0) terms.push_back(term);
  }
  // A block of partial sums stays in registers and in the L1 cache, so every array is read once.
  constexpr std::size_t kBlock = 256;
  // Rows of a task: enough that the pool's hand-over (some microseconds) does not count.
  const std::size_t rows_a_task = std::max<std::size_t>(1, 16384 / std::max<std::size_t>(1, out.cols));
  const auto add_rows = [&](std::size_t first, std::size_t last) {
    std::array<double, kBlock> sums;
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t k = 0; k < out.cols; k += kBlock) {
        const std::size_t count = std::min(kBlock, out.cols - k);
        sums.fill(0.0);
        for (const Term& term : terms) {
          const double* values = &term.rows(i, k);
          for (std::size_t j = 0; j < count; ++j) sums[j] += term.factor * values[j];
        }
        std::copy_n(sums.begin(), count, &out(i, k));
      }
    }
  };
  run_tasks(pool, (out.rows + rows_a_task - 1) / rows_a_task, [&](std::size_t task, int /*worker*/) {
    add_rows(task * rows_a_task, std::min(out.rows, (task + 1) * rows_a_task));
  });
}

}  // namespace scorefield
