#include "scorefield/field/field.h"

#include <fmt/format.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/field/query.h"

namespace scorefield {

void Field::draw(std::uint64_t /*seed*/, int /*label*/, std::span<double> /*out*/) const {
  throw Error("this field cannot draw samples of its own law; use --start noise");
}

void Field::check_query(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                        const Request& request, std::size_t classes) const {
  check_states(x, sigma, labels, dimension(), classes);
  const Capabilities can = capabilities();
  const auto refuse = [](bool asked, bool able, const char* what) {
    if (asked && !able) throw Error(fmt::format("this field cannot tell {}", what));
  };
  refuse(request.log_density, can.log_density, "its log-density");
  refuse(request.posterior, can.posterior, "the entropy of its posterior");
  refuse(request.covariance_trace || request.directions.rows > 0, can.covariance, "its posterior covariance");
  refuse(request.top_k > 0, can.top_k, "the rows behind its answer");
  if (request.directions.rows > 0 && (request.directions.rows != x.rows || request.directions.cols != x.cols)) {
    throw Error(fmt::format("directions are {} x {}, but the states are {} x {}", request.directions.rows,
                            request.directions.cols, x.rows, x.cols));
  }
}

void score_from_denoised(RowsView<const double> x, RowsView<const double> denoised, std::span<const double> sigma,
                         RowsView<double> score) {
  for (std::size_t i = 0; i < x.rows; ++i) {
    const double s = sigma.size() == 1 ? sigma[0] : sigma[i];
    for (std::size_t k = 0; k < x.cols; ++k) {
      score(i, k) = std::isinf(s) ? -x(i, k) : (denoised(i, k) - x(i, k)) / (s * s);
    }
  }
}

}  // namespace scorefield
