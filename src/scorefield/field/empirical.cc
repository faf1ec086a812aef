#include "scorefield/field/empirical.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"

namespace scorefield {
namespace {

std::vector<double> logarithms(std::span<const double> weights) {
  std::vector<double> logs;
  logs.reserve(weights.size());
  for (const double w : weights) {
    if (!(w >= 0) || std::isinf(w)) {
      throw Error(fmt::format("row {} has the weight {}; weights are finite and not negative", logs.size(), w));
    }
    logs.push_back(std::log(w));
  }
  return logs;
}

std::vector<std::uint32_t> sorted_by_class(std::span<const std::int32_t> labels) {
  std::vector<std::uint32_t> rows(labels.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::stable_sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) { return labels[a] < labels[b]; });
  return rows;
}

Rows gather(RowsView<const double> rows, const std::vector<std::size_t>& which) {
  Rows chosen(which.size(), rows.cols);
  for (std::size_t i = 0; i < which.size(); ++i) {
    std::copy(rows[which[i]].begin(), rows[which[i]].end(), chosen[i].begin());
  }
  return chosen;
}

/// Puts row i of `from` ([rows, columns], or empty when it was not asked for) at row which[i] of `to`.
template <class T>
void scatter(const std::vector<T>& from, const std::vector<std::size_t>& which, std::size_t columns, std::size_t rows,
             std::vector<T>& to) {
  if (from.empty()) return;
  to.resize(rows * columns);
  for (std::size_t i = 0; i < which.size(); ++i) {
    std::copy_n(&from[i * columns], columns, &to[which[i] * columns]);
  }
}

void scatter(const Rows& from, const std::vector<std::size_t>& which, std::size_t rows, Rows& to) {
  if (from.empty()) return;
  if (to.empty()) to = Rows(rows, from.cols());
  for (std::size_t i = 0; i < which.size(); ++i) std::copy(from[i].begin(), from[i].end(), to[which[i]].begin());
}

}  // namespace

Empirical::Empirical(Dataset data, EmpiricalOptions options, const Context& context)
    : data_(std::move(data)),
      options_(std::move(options)),
      by_class_(sorted_by_class(data_.labels())),
      kernel_(data_.stored(), data_.affine(), logarithms(options_.weights), context) {}

Capabilities Empirical::capabilities() const {
  return {.log_density = true,
          .posterior = true,
          .covariance = true,
          .top_k = true,
          .labels = data_.classes() > 0,
          .draw = true};
}

std::vector<double> Empirical::class_probabilities() const {
  std::vector<double> shares(data_.classes());
  double total = 0;
  for (std::size_t i = 0; i < data_.labels().size(); ++i) {
    const double weight = options_.weights.empty() ? 1 : options_.weights[i];
    shares[static_cast<std::size_t>(data_.labels()[i])] += weight;
    total += weight;
  }
  for (double& share : shares) share /= total;
  return shares;
}

std::span<const std::uint32_t> Empirical::rows_of(int label) const {
  if (label < 0) return {};
  const auto labels = data_.labels();
  const auto first = std::lower_bound(by_class_.begin(), by_class_.end(), label,
                                      [&](std::uint32_t row, int value) { return labels[row] < value; });
  const auto last = std::upper_bound(first, by_class_.end(), label,
                                     [&](int value, std::uint32_t row) { return value < labels[row]; });
  if (first == last) throw Error(fmt::format("{}: class {} has no rows", data_.name(), label));
  return {first, last};
}

Answer Empirical::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                      const Request& request, const Context& context) const {
  check_query(x, sigma, labels, request, data_.classes());
  std::map<int, std::vector<std::size_t>> queries_of;
  for (std::size_t q = 0; q < x.rows; ++q) {
    queries_of[labels.empty() ? -1 : labels[labels.size() == 1 ? 0 : q]].push_back(q);
  }
  if (queries_of.size() == 1) {
    return kernel_.evaluate(x, sigma, rows_of(queries_of.begin()->first), request, options_.precision, context);
  }
  Answer answer;
  answer.top_k = std::min(request.top_k, data_.size());
  for (const auto& [label, queries] : queries_of) {
    if (label >= 0) answer.top_k = std::min(answer.top_k, rows_of(label).size());
  }
  for (const auto& [label, queries] : queries_of) {
    const Rows states = gather(x, queries);
    std::vector<double> sigmas(sigma.begin(), sigma.end());
    if (sigma.size() > 1) {
      sigmas.clear();
      for (const std::size_t q : queries) sigmas.push_back(sigma[q]);
    }
    Request part = request;
    part.top_k = answer.top_k;
    const Rows directions = request.directions.rows > 0 ? gather(request.directions, queries) : Rows();
    part.directions = directions.view();
    const Answer of_class = kernel_.evaluate(states.view(), sigmas, rows_of(label), part, options_.precision, context);
    scatter(of_class.denoised, queries, x.rows, answer.denoised);
    scatter(of_class.log_density, queries, 1, x.rows, answer.log_density);
    scatter(of_class.entropy, queries, 1, x.rows, answer.entropy);
    scatter(of_class.effective_sample_size, queries, 1, x.rows, answer.effective_sample_size);
    scatter(of_class.largest_weight, queries, 1, x.rows, answer.largest_weight);
    scatter(of_class.covariance_trace, queries, 1, x.rows, answer.covariance_trace);
    scatter(of_class.covariance_product, queries, x.rows, answer.covariance_product);
    scatter(of_class.top_rows, queries, answer.top_k, x.rows, answer.top_rows);
    scatter(of_class.top_weights, queries, answer.top_k, x.rows, answer.top_weights);
  }
  return answer;
}

void Empirical::draw(std::uint64_t seed, int label, std::span<double> out) const {
  ensure(out.size() == dimension(), "a draw has the dimension of the field");
  if (label < -1) throw Error(fmt::format("label {} is unknown; labels run from 0, and -1 is all rows", label));
  const std::span<const std::uint32_t> rows = rows_of(label);
  const std::size_t count = label < 0 ? data_.size() : rows.size();
  const auto row_number = [&](std::size_t i) { return label < 0 ? i : rows[i]; };
  const RandomStream stream(seed, Purpose::kDataChoice);
  if (options_.weights.empty()) {
    data_.row(row_number(static_cast<std::size_t>(stream.below(0, count))), out);
    return;
  }
  double total = 0;
  for (std::size_t i = 0; i < count; ++i) total += options_.weights[row_number(i)];
  if (!(total > 0)) throw Error(fmt::format("{}: every row of class {} has weight 0", data_.name(), label));
  // The first row at which the running sum reaches u * total; its weight is above 0, since u is.
  const double target = stream.uniform(0) * total;
  double sum = 0;
  std::size_t i = 0;
  for (; i < count; ++i) {
    sum += options_.weights[row_number(i)];
    if (sum >= target) break;
  }
  data_.row(row_number(i), out);
}

}  // namespace scorefield
