// The posterior in f32, a tile of rows against a group of queries at a time: the fast mode of PosteriorKernel.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/kernel/answer.h"
#include "scorefield/kernel/centred_rows.h"

namespace scorefield {

/// What f32 found out about one query.
struct FastPosterior {
  enum class Verdict {
    kAnswered,   // everything below holds
    kSurvivors,  // answer it from `survivors` alone, in double: the other rows weigh less than e^-34 together
    kUnsure,     // answer it from all rows, in double
  };
  Verdict verdict = Verdict::kUnsure;
  std::vector<std::uint32_t> survivors;  // ascending row numbers

  double log_sum = 0;  // log sum_i pi_i exp(-|x - y_i|^2 / (2 sigma^2)), with the pi_i as given
  double entropy = 0;
  double effective_sample_size = 0;
  double largest_weight = 0;
  double covariance_trace = 0;                // data units squared
  std::vector<std::uint32_t> top_candidates;  // holds the heaviest top_k rows
};

/// Rows prepared for posterior_fast().
struct FastRows {
  CentredRows rows;
  std::vector<float> half_norms;        // |u|^2 / 2, one a row
  std::span<const double> log_weights;  // log pi, one a row, none above 0, or empty
  double longest = 0;                   // largest |u|
  double rms = 0;                       // root mean square of |u - mean u|
};

/// x: [B, d], sigma: [B], finite. Writes D of the queries it answers to denoised ([B, d], data units).
/// answer_many: whether a query on which many rows carry weight is to be answered here.
std::vector<FastPosterior> posterior_fast(const FastRows& rows, RowsView<const double> x, std::span<const double> sigma,
                                          std::span<const std::uint32_t> subset, std::size_t top_k, bool answer_many,
                                          RowsView<double> denoised, const Context& context);

}  // namespace scorefield
