#include "scorefield/search/remembering_field.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace scorefield {
namespace {

bool same_bits(const Rows& a, RowsView<const double> b) {
  if (a.rows() != b.rows || a.cols() != b.cols) return false;
  for (std::size_t r = 0; r < b.rows; ++r) {
    if (std::memcmp(a[r].data(), b[r].data(), b.cols * sizeof(double)) != 0) return false;
  }
  return true;
}

Rows copy_of(RowsView<const double> x) {
  Rows copy(x.rows, x.cols);
  for (std::size_t r = 0; r < x.rows; ++r) std::ranges::copy(x[r], copy[r].begin());
  return copy;
}

/// Whether an answer depends on the states, their labels and one noise level alone.
bool only_denoised(std::span<const double> sigma, const Request& request) {
  return sigma.size() == 1 && request.denoised && !request.log_density && !request.posterior &&
         !request.covariance_trace && request.directions.rows == 0 && request.top_k == 0;
}

}  // namespace

Answer RememberingField::ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
                             const Request& request, const Context& context) const {
  if (!only_denoised(sigma, request)) return field_.ask(x, sigma, labels, request, context);
  {
    const std::lock_guard lock(mutex_);
    for (const Memory& memory : memories_) {
      if (memory.sigma != sigma[0] || !std::ranges::equal(memory.labels, labels) || !same_bits(memory.x, x)) continue;
      ++remembered_;
      saved_seconds_ += memory.seconds;
      Answer answer;
      answer.denoised = memory.denoised;
      return answer;
    }
  }
  const auto began = std::chrono::steady_clock::now();
  Answer answer = field_.ask(x, sigma, labels, request, context);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - began;
  const std::size_t size = 2 * x.rows * x.cols * sizeof(double);
  if (size > most_bytes_) return answer;
  const std::lock_guard lock(mutex_);
  memories_.push_front({sigma[0], {labels.begin(), labels.end()}, copy_of(x), answer.denoised, elapsed.count()});
  bytes_ += size;
  while (memories_.size() > most_ || bytes_ > most_bytes_) {
    bytes_ -= 2 * memories_.back().x.values().size_bytes();
    memories_.pop_back();
  }
  return answer;
}

std::size_t RememberingField::remembered() const {
  const std::lock_guard lock(mutex_);
  return remembered_;
}

double RememberingField::saved_seconds() const {
  const std::lock_guard lock(mutex_);
  return saved_seconds_;
}

}  // namespace scorefield
