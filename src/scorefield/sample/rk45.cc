// An adaptive solver of the probability-flow ODE: every sample takes the steps that its own error asks for.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/sample/option_check.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

// Dormand and Prince 1980, table 2: RK5(4)7M. The last stage lies at the end of the step, with the weights of the
// solution of order 5, so it is the first stage of the next step.
constexpr std::size_t kStages = 7;
constexpr std::array<double, kStages> kNodes = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
constexpr double kWeights[kStages][kStages - 1] = {
    {},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};
/// The solution of order 5 less that of order 4.
constexpr std::array<double, kStages> kError = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                                -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

/// The fourth of the polynomials that carry the solution through a step (Hairer, Norsett and Wanner 1993, II.6, eq.
/// 6.12, as their code dopri5 has it): of order 4 at every point, and the two ends exactly.
constexpr std::array<double, kStages> kDense = {-12715105075.0 / 11282082432,  0,
                                                87487479700.0 / 32700410799,   -10690763975.0 / 1880347072,
                                                701980252875.0 / 199316789632, -1453857185.0 / 822651844,
                                                69997945.0 / 29380423};

/// The way of one sample through its last step.
struct DenseStep {
  double from = 0;            // sigma
  double length = 0;          // in log sigma, signed
  std::vector<double> start;  // [d], the state at `from`
  std::array<std::vector<double>, 4>
      c;  // x(share) = start + share (c0 + (1 - share) (c1 + share (c2 + (1 - share) c3)))

  void state_at(double sigma, std::span<double> out) const {
    const double share = std::log(sigma / from) / length;
    for (std::size_t j = 0; j < out.size(); ++j) {
      out[j] = start[j] + share * (c[0][j] + (1 - share) * (c[1][j] + share * (c[2][j] + (1 - share) * c[3][j])));
    }
  }
};

/// In the time log sigma, where the ODE is dx/dlog(sigma) = x - D, without a singularity and with one scale for all
/// noise levels. Rows are steps of their own, so nothing of a sample depends on its batch.
class Rk45 final : public Sampler {
 public:
  Rk45(double rtol, double atol) : rtol_(rtol), atol_(atol) {}

  bool keeps_states() const override { return true; }

  void step(const Step& step) override {
    if (step.to.sigma == 0) return step.finish(Combination().add_denoised(1, step.now()));
    // Its own steps go on over the levels; where the run is not where it was left (churn), it starts anew.
    if (step.from.sigma != left_at_) start(step);
    left_at_ = step.to.sigma;
    end_ = step.levels.back() == 0 ? step.levels[step.levels.size() - 2] : step.levels.back();
    find_active(step.to.sigma);
    for (std::size_t attempts = 0; !active_.empty(); ++attempts) {
      check_progress(attempts);
      propose(step);
      decide();
      find_active(step.to.sigma);
    }
    for (std::size_t row = 0; row < x_.rows(); ++row) {
      const std::span<double> next = step.next[row];
      if (sigma_[row] == step.to.sigma) {
        std::ranges::copy(x_[row], next.begin());
      } else {
        last_[row].state_at(step.to.sigma, next);
      }
    }
  }

 private:
  void start(const Step& step) {
    const Evaluation& now = step.now();
    constexpr double kFirstStep = 0.1;  // of log sigma, before anything is known of the field
    const std::size_t samples = now.x.rows();
    lengths_.resize(samples, kFirstStep);
    x_ = now.x;
    slope_ = Rows(samples, now.x.cols());
    Combination().add_x(1, now).add_denoised(-1, now).into(slope_.view(), step.pool);
    sigma_.assign(samples, step.from.sigma);
    last_.assign(samples, DenseStep());
    upward_ = step.to.sigma > step.from.sigma;
  }

  void find_active(double to) {
    active_.clear();
    for (std::size_t row = 0; row < sigma_.size(); ++row) {
      if (upward_ ? sigma_[row] < to : sigma_[row] > to) active_.push_back(row);
    }
  }

  /// One step of every active row, at most to the end of the run: its end in y_, the stages' increments in k_.
  void propose(const Step& step) {
    const std::size_t rows = active_.size();
    const std::size_t cols = x_.cols();
    steps_.resize(rows);
    ends_.resize(rows);
    Rows from(rows, cols);
    for (Rows& k : k_) k = Rows(rows, cols);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::size_t row = active_[i];
      const double left = std::log(end_ / sigma_[row]);
      // Stretched a little rather than to leave a sliver.
      const bool arrives = lengths_[row] > 0.99 * std::abs(left);
      steps_[i] = arrives ? left : std::copysign(lengths_[row], left);
      ends_[i] = arrives ? end_ : sigma_[row] * std::exp(steps_[i]);
      std::copy_n(x_[row].data(), cols, from[i].data());
      for (std::size_t j = 0; j < cols; ++j) k_[0](i, j) = steps_[i] * slope_(row, j);
    }
    y_ = Rows(rows, cols);
    std::vector<double> at(rows);
    for (std::size_t s = 1; s < kStages; ++s) {
      Combination stage;
      stage.add(1, from.view());
      for (std::size_t j = 0; j < s; ++j) stage.add(kWeights[s][j], k_[j].view());
      stage.into(y_.view(), step.pool);
      for (std::size_t i = 0; i < rows; ++i) {
        at[i] = kNodes[s] == 1 ? ends_[i] : sigma_[active_[i]] * std::exp(kNodes[s] * steps_[i]);
      }
      const Rows denoised = step.ask(y_.view(), at, active_);
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < cols; ++j) k_[s](i, j) = steps_[i] * (y_(i, j) - denoised(i, j));
      }
    }
  }

  /// Accepts or refuses each row's step, and chooses its next one.
  void decide() {
    for (std::size_t i = 0; i < active_.size(); ++i) {
      const std::size_t row = active_[i];
      const double error = error_of(i);
      const double length = std::abs(steps_[i]);
      // The error is of the fifth power of the step (Hairer, Norsett and Wanner 1993, II.4, eq. 4.13).
      const double factor = std::isfinite(error) ? std::clamp(0.9 * std::pow(error, -0.2), 0.2, 5.0) : 0.2;
      if (!(error <= 1)) {
        lengths_[row] = length * std::min(factor, 0.9);
        continue;
      }
      lengths_[row] = length * factor;
      keep_way(i);
      std::copy_n(y_[i].data(), x_.cols(), x_[row].data());
      for (std::size_t j = 0; j < x_.cols(); ++j) slope_(row, j) = k_[kStages - 1](i, j) / steps_[i];
      sigma_[row] = ends_[i];
    }
  }

  void keep_way(std::size_t i) {
    const std::size_t row = active_[i];
    DenseStep& way = last_[row];
    way.from = sigma_[row];
    way.length = steps_[i];
    way.start.assign(x_[row].begin(), x_[row].end());
    for (std::vector<double>& c : way.c) c.resize(x_.cols());
    for (std::size_t j = 0; j < x_.cols(); ++j) {
      const double moved = y_(i, j) - way.start[j];
      const double bend = k_[0](i, j) - moved;
      double fourth = 0;
      for (std::size_t s = 0; s < kStages; ++s) fourth += kDense[s] * k_[s](i, j);
      way.c[0][j] = moved;
      way.c[1][j] = bend;
      way.c[2][j] = moved - k_[kStages - 1](i, j) - bend;
      way.c[3][j] = fourth;
    }
  }

  /// Of a row's step, in units of what is allowed.
  double error_of(std::size_t i) const {
    const std::span<const double> from = x_[active_[i]];
    double squares = 0;
    for (std::size_t j = 0; j < from.size(); ++j) {
      double error = 0;
      for (std::size_t s = 0; s < kStages; ++s) error += kError[s] * k_[s](i, j);
      const double allowed = atol_ + rtol_ * std::max(std::abs(from[j]), std::abs(y_(i, j)));
      squares += error / allowed * (error / allowed);
    }
    return std::sqrt(squares / static_cast<double>(from.size()));
  }

  void check_progress(std::size_t attempts) const {
    // A smooth field takes some thousands for the least tolerance, over all levels.
    constexpr std::size_t kMost = 50000;
    if (attempts < kMost) return;
    throw Error(
        fmt::format("rk45: sample {} of a batch is at sigma = {} after {} steps from one level. The field is too rough "
                    "for rtol = {}, atol = {}: raise them, or compute the field in double precision",
                    active_[0], sigma_[active_[0]], attempts, rtol_, atol_));
  }

  double rtol_;
  double atol_;
  bool upward_ = false;
  double left_at_ = -1;  // the level that was reached last
  double end_ = 0;       // the last level of the run above 0
  // Where each sample is, which may be past the level that is asked for.
  std::vector<double> lengths_;  // of the next step, in log sigma
  Rows x_;
  Rows slope_;  // x - D
  std::vector<double> sigma_;
  std::vector<DenseStep> last_;
  std::vector<std::size_t> active_;  // samples that have not passed it
  // Of the steps that are being taken, an active sample each.
  std::vector<double> steps_;  // in log sigma, signed
  std::vector<double> ends_;   // sigma
  std::array<Rows, kStages> k_;
  Rows y_;
};

}  // namespace

std::unique_ptr<Sampler> make_rk45(const SamplerOptions& options) {
  // Rounding of the states and of D, some 1e-15 of them, would be taken for error below 1e-14.
  check_option("rk45", "rtol", options.rtol, 1e-14, 0.5);
  check_option("rk45", "atol", options.atol, 0);
  return std::make_unique<Rk45>(options.rtol, options.atol);
}

}  // namespace scorefield
