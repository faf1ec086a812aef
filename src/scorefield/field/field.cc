#include "scorefield/field/field.h"

#include <fmt/format.h>

#include <cmath>

#include "scorefield/base/error.h"

namespace scorefield {

void Field::draw(std::uint64_t /*seed*/, int /*label*/, std::span<double> /*out*/) const {
  throw Error("this field cannot draw samples of its own law; use --start noise");
}

void Field::check_query(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                        const Request& request, std::size_t classes) const {
  if (x.cols != dimension()) {
    throw Error(fmt::format("states have {} values a row, but the field has dimension {}", x.cols, dimension()));
  }
  if (sigma.size() != 1 && sigma.size() != x.rows) {
    throw Error(fmt::format("{} sigmas for {} states; give one, or one a state", sigma.size(), x.rows));
  }
  for (const double s : sigma) {
    if (!(s > 0)) throw Error(fmt::format("sigma must be above 0, got {}", s));
  }
  for (std::size_t i = 0; i < x.rows; ++i) {
    for (const double v : x[i]) {
      if (!std::isfinite(v)) throw Error(fmt::format("state {} holds a value that is not finite ({})", i, v));
    }
  }
  if (!labels.empty() && labels.size() != 1 && labels.size() != x.rows) {
    throw Error(fmt::format("{} labels for {} states; give none, one, or one a state", labels.size(), x.rows));
  }
  for (const int label : labels) {
    if (label < -1 || (label >= 0 && static_cast<std::size_t>(label) >= classes)) {
      throw Error(classes == 0 ? fmt::format("label {} asked, but the field has no classes", label)
                               : fmt::format("label {} is unknown; the field has classes 0 to {}", label, classes - 1));
    }
  }
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
