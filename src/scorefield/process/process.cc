#include "scorefield/process/process.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// log(1 + sigma^2), also where the square overflows.
double log1p_square(double sigma) {
  return sigma < 1e9 ? std::log1p(sigma * sigma) : 2 * std::log(sigma);
}

class VarianceExploding final : public Process {
 public:
  VarianceExploding(double sigma_min, double sigma_max)
      : sigma_min_(sigma_min), rate_(std::log(sigma_max / sigma_min)) {
    if (!(sigma_min > 0 && sigma_max > sigma_min && std::isfinite(sigma_max))) {
      throw Error(fmt::format("process ve needs 0 < sigma_min < sigma_max, got {} and {}", sigma_min, sigma_max));
    }
  }
  std::string_view name() const override { return "ve"; }
  double t_min() const override { return 0; }
  double t_max() const override { return 1; }

 protected:
  Marginal marginal(double t) const override {
    const double sigma = sigma_min_ * std::exp(rate_ * t);
    return {1, sigma, sigma, 0, rate_ * sigma, rate_ * sigma};
  }
  double inverse(double sigma) const override { return std::log(sigma / sigma_min_) / rate_; }

 private:
  double sigma_min_;
  double rate_;
};

class Edm final : public Process {
 public:
  std::string_view name() const override { return "edm"; }
  double t_min() const override { return 0; }
  double t_max() const override { return kInf; }

 protected:
  Marginal marginal(double t) const override { return ve_frame(t); }
  double inverse(double sigma) const override { return sigma; }
};

class VarianceExplodingSqrt final : public Process {
 public:
  std::string_view name() const override { return "ve-sqrt"; }
  double t_min() const override { return 0; }
  double t_max() const override { return kInf; }

 protected:
  Marginal marginal(double t) const override {
    if (std::isinf(t)) return {0, kInf, 1, 0, 0, 0};
    const double sigma = std::sqrt(t);
    const double slope = t == 0 ? kInf : 0.5 / sigma;
    return {1, sigma, sigma, 0, slope, slope};
  }
  double inverse(double sigma) const override { return sigma * sigma; }
};

/// beta(t) linear and its integral, for VP and sub-VP.
class LinearBeta {
 public:
  LinearBeta(double beta_min, double beta_max) : beta_min_(beta_min), slope_(beta_max - beta_min) {}
  /// Throws Error where beta is not positive on [0, 1], or so large that its integral, at most 500 then, leaves a
  /// signal below e^-250.
  static LinearBeta positive(double beta_min, double beta_max) {
    if (!(beta_min > 0 && beta_max > 0 && beta_min + beta_max <= 1000)) {
      throw Error(fmt::format("betas must be above 0 and not over 1000 together, got {} and {}", beta_min, beta_max));
    }
    return {beta_min, beta_max};
  }
  double beta(double t) const { return beta_min_ + slope_ * t; }
  /// 0 where a negative beta_min makes it less.
  double integral(double t) const { return std::max(0.0, t * (beta_min_ + slope_ * t / 2)); }
  /// The t at which the integral has this value: the root of slope/2 t^2 + beta_min t - value, without cancellation.
  double time_of_integral(double value) const {
    if (value == 0) return 0;
    return 2 * value / (beta_min_ + std::sqrt(beta_min_ * beta_min_ + 2 * slope_ * value));
  }

 private:
  double beta_min_;
  double slope_;
};

/// The variance-preserving marginal at int beta = b, where beta is the present rate.
Marginal variance_preserving(double b, double beta) {
  const double scale = std::exp(-b / 2);
  const double noise = std::sqrt(-std::expm1(-b));
  const double sigma = b < 700 ? std::sqrt(std::expm1(b)) : std::exp(b / 2);
  const double dsigma = std::isinf(sigma) ? kInf : beta / 2 * (sigma + 1 / sigma);  // beta e^b / (2 sigma)
  const double dscale = scale == 0 ? 0 : -beta / 2 * scale;
  return {scale, sigma, noise, dscale, dsigma, scale == 0 ? 0 : beta / 2 * scale * scale / noise};
}

class VariancePreserving final : public Process {
 public:
  explicit VariancePreserving(LinearBeta beta) : beta_(beta) {}
  std::string_view name() const override { return "vp"; }
  double t_min() const override { return 0; }
  double t_max() const override { return 1; }

 protected:
  Marginal marginal(double t) const override { return variance_preserving(beta_.integral(t), beta_.beta(t)); }
  double inverse(double sigma) const override { return beta_.time_of_integral(log1p_square(sigma)); }

 private:
  LinearBeta beta_;
};

class SubVariancePreserving final : public Process {
 public:
  SubVariancePreserving(double beta_min, double beta_max) : beta_(LinearBeta::positive(beta_min, beta_max)) {}
  std::string_view name() const override { return "sub-vp"; }
  double t_min() const override { return 0; }
  double t_max() const override { return 1; }

 protected:
  Marginal marginal(double t) const override {
    const double b = beta_.integral(t);
    const double beta = beta_.beta(t);
    const double scale = std::exp(-b / 2);
    // sigma = (1 - e^-b) e^(b/2)
    return {
        scale, 2 * std::sinh(b / 2), -std::expm1(-b), -beta / 2 * scale, beta * std::cosh(b / 2), beta * std::exp(-b)};
  }
  double inverse(double sigma) const override { return beta_.time_of_integral(2 * std::asinh(sigma / 2)); }

 private:
  LinearBeta beta_;
};

class OrnsteinUhlenbeck final : public Process {
 public:
  std::string_view name() const override { return "ou"; }
  double t_min() const override { return 0; }
  double t_max() const override { return kInf; }

 protected:
  Marginal marginal(double t) const override { return variance_preserving(2 * t, 2); }
  double inverse(double sigma) const override { return log1p_square(sigma) / 2; }
};

/// With c = cos(theta_0), z = sin(theta_0): noise^2 = (c^2 - cos^2 theta)/c^2 = sin(theta - theta_0) sin(theta +
/// theta_0)/c^2, which does not cancel at small t.
class Cosine final : public Process {
 public:
  explicit Cosine(double offset)
      : angle_(std::numbers::pi / 2 / (1 + offset)),
        start_(angle_ * offset),
        c_(std::cos(start_)),
        z_(std::sin(start_)) {
    if (!(offset >= 0 && offset < 1)) throw Error(fmt::format("the cosine offset must be in [0, 1), got {}", offset));
  }
  std::string_view name() const override { return "cosine"; }
  double t_min() const override { return 0; }
  double t_max() const override { return 1; }

 protected:
  Marginal marginal(double t) const override {
    const double from_start = angle_ * t;               // theta - theta_0
    const double cosine = std::sin(angle_ * (1 - t));   // cos(theta), exactly 0 at t = 1
    const double sine = std::sin(from_start + start_);  // sin(theta)
    const double root = std::sqrt(std::sin(from_start) * std::sin(from_start + 2 * start_));  // c noise
    // d root/dt = angle sin cos / root; at t = 0 the ratio is infinite, but without an offset root = sin.
    const double ratio = root > 0 ? sine / root : start_ > 0 ? kInf : 1;
    return {cosine / c_, cosine == 0 ? kInf : root / cosine, root / c_, -angle_ * sine / c_,
            // (root/cos)' = angle sin (cos^2 + root^2) / (root cos^2), and cos^2 + root^2 = c^2
            cosine == 0 ? kInf : angle_ * ratio * (c_ / cosine) * (c_ / cosine), angle_ * ratio * cosine / c_};
  }
  double inverse(double sigma) const override {
    if (std::isinf(sigma)) return 1;
    if (sigma == 0) return 0;
    // cos(theta) = c / sqrt(1 + sigma^2); theta - theta_0 from its sine and cosine, whose terms are all positive.
    const double length = std::hypot(1.0, sigma);
    const double cosine = c_ / length;
    const double sine = std::hypot(sigma / length, z_ / length);
    const double numerator = (sigma / length) * (sigma / length) * c_ * c_;  // sin^2 theta - sin^2 theta_0
    return std::atan2(numerator / (sine * c_ + cosine * z_), cosine * c_ + sine * z_) / angle_;
  }

 private:
  double angle_;  // d theta / dt
  double start_;  // theta_0
  double c_;
  double z_;
};

/// t is an index into a table of noise levels, with log sigma linear between two entries.
class Discrete final : public Process {
 public:
  /// beta(k, steps - 1) is the k-th entry's.
  template <class Beta>
  Discrete(std::string_view name, int steps, double beta_min, double beta_max, const Beta& beta) : name_(name) {
    if (steps < 2 || steps > 1'000'000) {
      throw Error(fmt::format("process {} has 2 to 1000000 steps, got {}", name, steps));
    }
    if (!(beta_min > 0 && beta_min < 1 && beta_max > 0 && beta_max < 1)) {
      throw Error(fmt::format("the betas of {} are between 0 and 1, got {} and {}", name, beta_min, beta_max));
    }
    double b = 0;  // -log alpha_bar
    for (int k = 0; k < steps; ++k) {
      b -= std::log1p(-beta(static_cast<double>(k), static_cast<double>(steps - 1)));
      log_sigma_.push_back(std::log(std::expm1(b)) / 2);
    }
    if (!std::isfinite(log_sigma_.back())) {
      throw Error(fmt::format("these betas leave no signal at the last step of {}", name));
    }
  }
  std::string_view name() const override { return name_; }
  double t_min() const override { return 0; }
  double t_max() const override { return static_cast<double>(log_sigma_.size() - 1); }

 protected:
  Marginal marginal(double t) const override {
    const std::size_t k = std::min(static_cast<std::size_t>(t), log_sigma_.size() - 2);
    const double slope = log_sigma_[k + 1] - log_sigma_[k];
    const double sigma = std::exp(log_sigma_[k] + slope * (t - static_cast<double>(k)));
    const double length = std::hypot(1.0, sigma);
    const double scale = 1 / length;
    const double noise = sigma / length;
    const double dsigma = slope * sigma;
    return {scale, sigma, noise, -scale * noise * noise * slope, dsigma, scale * scale * noise * slope};
  }
  double inverse(double sigma) const override {
    const double wanted = std::log(sigma);
    const auto above = std::upper_bound(log_sigma_.begin() + 1, log_sigma_.end() - 1, wanted);
    const auto k = static_cast<std::size_t>(above - log_sigma_.begin()) - 1;
    return static_cast<double>(k) + (wanted - log_sigma_[k]) / (log_sigma_[k + 1] - log_sigma_[k]);
  }

 private:
  std::string_view name_;
  std::vector<double> log_sigma_;
};

class Flow final : public Process {
 public:
  std::string_view name() const override { return "flow"; }
  double t_min() const override { return 0; }
  double t_max() const override { return 1; }

 protected:
  Marginal marginal(double t) const override {
    const double scale = 1 - t;
    if (scale == 0) return {0, kInf, 1, -1, kInf, 1};
    return {scale, t / scale, t, -1, 1 / (scale * scale), 1};
  }
  double inverse(double sigma) const override { return std::isinf(sigma) ? 1 : sigma / (1 + sigma); }
};

using Constants = std::span<const double>;

struct Named {
  std::string_view name;
  std::string_view usual;      // its usual constants, as they are written
  std::string_view constants;  // what they are; "" where there are none
  std::unique_ptr<const Process> (*make)(Constants c);
};

/// Out of every range where it is not whole, so that the process refuses it.
int whole(double value) {
  return value == std::floor(value) && std::abs(value) < 1e9 ? static_cast<int>(value) : -1;
}

/// A new process is one line here.
constexpr std::array kProcesses = {
    Named{"ve", "0.01,50", "sigma_min,sigma_max", [](Constants c) { return make_ve(c[0], c[1]); }},
    Named{"ve-sqrt", "", "", [](Constants) { return make_ve_sqrt(); }},
    Named{"edm", "", "", [](Constants) { return make_edm(); }},
    Named{"vp", "0.1,20", "beta_min,beta_max", [](Constants c) { return make_vp(c[0], c[1]); }},
    Named{"sub-vp", "0.1,20", "beta_min,beta_max", [](Constants c) { return make_sub_vp(c[0], c[1]); }},
    Named{"ou", "", "", [](Constants) { return make_ou(); }},
    Named{"cosine", "0.008", "offset", [](Constants c) { return make_cosine(c[0]); }},
    Named{"ddpm", "1000,1e-4,0.02", "steps,beta_min,beta_max",
          [](Constants c) { return make_ddpm(whole(c[0]), c[1], c[2]); }},
    Named{"ddpm-linear", "1000,1e-4,0.02", "steps,beta_min,beta_max",
          [](Constants c) { return make_ddpm(whole(c[0]), c[1], c[2]); }},
    Named{"ldm", "1000,0.00085,0.012", "steps,beta_min,beta_max",
          [](Constants c) { return make_ldm(whole(c[0]), c[1], c[2]); }},
    Named{"scaled-linear", "1000,0.00085,0.012", "steps,beta_min,beta_max",
          [](Constants c) { return make_ldm(whole(c[0]), c[1], c[2]); }},
    Named{"flow", "", "", [](Constants) { return make_flow(); }},
    Named{"rectified-flow", "", "", [](Constants) { return make_flow(); }},
};

/// "0.1,20" -> numbers; empty where one is none.
std::vector<double> read_constants(std::string_view text) {
  std::vector<double> values;
  while (true) {
    const std::string_view piece = text.substr(0, text.find(','));
    double value = 0;
    const auto [rest, failure] = std::from_chars(piece.data(), piece.data() + piece.size(), value);
    if (failure != std::errc() || rest != piece.data() + piece.size()) return {};
    values.push_back(value);
    if (piece.size() == text.size()) return values;
    text.remove_prefix(piece.size() + 1);
  }
}

}  // namespace

double Marginal::log_snr() const {
  return scale == 0 ? -kInf : 2 * (std::log(scale) - std::log(noise));
}

Marginal ve_frame(double sigma) {
  if (std::isinf(sigma)) return {0, kInf, 1, 0, 1, 1};
  return {1, sigma, sigma, 0, 1, 1};
}

Marginal Process::at(double t) const {
  if (!(t >= t_min() && t <= t_max())) {
    throw Error(fmt::format("process {} runs from t = {} to {}, got t = {}", name(), t_min(), t_max(), t));
  }
  return marginal(t);
}

double Process::time_of(double sigma) const {
  const double low = marginal(t_min()).sigma;
  const double high = marginal(t_max()).sigma;
  // A process that was made to reach a sigma reaches it up to the rounding of an exponential.
  constexpr double kRounding = 32 * std::numeric_limits<double>::epsilon();
  if (!(sigma >= low * (1 - kRounding) && sigma <= high * (1 + kRounding))) {
    throw Error(fmt::format("process {} has sigma from {} to {}, got sigma = {}", name(), low, high, sigma));
  }
  return std::clamp(inverse(std::clamp(sigma, low, high)), t_min(), t_max());
}

std::unique_ptr<const Process> make_process(std::string_view spec) {
  const std::string_view name = spec.substr(0, spec.find(':'));
  const auto found = std::ranges::find(kProcesses, name, &Named::name);
  if (found == kProcesses.end()) throw Error(unknown_name("process", name, process_names()));
  if (name.size() == spec.size()) return found->make(read_constants(found->usual));
  if (found->constants.empty()) throw Error(fmt::format("process {}: {} has no constants", spec, name));
  const std::vector<double> values = read_constants(spec.substr(name.size() + 1));
  if (values.size() != read_constants(found->usual).size()) {
    throw Error(fmt::format("process {}: the constants of {} are {}; write e.g. {}:{}", spec, name, found->constants,
                            name, found->usual));
  }
  return found->make(values);
}

std::vector<std::string> process_names() {
  std::vector<std::string> names;
  for (const Named& process : kProcesses) names.emplace_back(process.name);
  return names;
}

std::unique_ptr<const Process> make_ve(double sigma_min, double sigma_max) {
  return std::make_unique<VarianceExploding>(sigma_min, sigma_max);
}
std::unique_ptr<const Process> make_ve_sqrt() {
  return std::make_unique<VarianceExplodingSqrt>();
}
std::unique_ptr<const Process> make_edm() {
  return std::make_unique<Edm>();
}
std::unique_ptr<const Process> make_vp(double beta_min, double beta_max) {
  return std::make_unique<VariancePreserving>(LinearBeta::positive(beta_min, beta_max));
}
namespace {

/// Of the variance-preserving process with sigma(1e-3) = sigma_min and sigma(1) = sigma_max.
struct Betas {
  double least;
  double slope;
  bool rises() const { return least + 1e-3 * slope > 0 && least + slope > 0; }
};

Betas betas_between(double sigma_min, double sigma_max) {
  const double slope = 2 * (log1p_square(sigma_min) / 1e-3 - log1p_square(sigma_max)) / (1e-3 - 1);
  return {log1p_square(sigma_max) - slope / 2, slope};
}

}  // namespace

bool has_vp_between(double sigma_min, double sigma_max) {
  return betas_between(sigma_min, sigma_max).rises();
}
std::unique_ptr<const Process> make_vp_between(double sigma_min, double sigma_max) {
  const Betas betas = betas_between(sigma_min, sigma_max);
  if (!betas.rises()) {
    throw Error(
        fmt::format("no variance-preserving process with rising noise goes from sigma {} at t = 0.001 to {} at "
                    "t = 1; take a smaller sigma-min, or name the process (--process vp)",
                    sigma_min, sigma_max));
  }
  return std::make_unique<VariancePreserving>(LinearBeta(betas.least, betas.least + betas.slope));
}
std::unique_ptr<const Process> make_sub_vp(double beta_min, double beta_max) {
  return std::make_unique<SubVariancePreserving>(beta_min, beta_max);
}
std::unique_ptr<const Process> make_ou() {
  return std::make_unique<OrnsteinUhlenbeck>();
}
std::unique_ptr<const Process> make_cosine(double offset) {
  return std::make_unique<Cosine>(offset);
}
std::unique_ptr<const Process> make_ddpm(int steps, double beta_min, double beta_max) {
  return std::make_unique<Discrete>("ddpm", steps, beta_min, beta_max,
                                    [=](double k, double last) { return beta_min + (beta_max - beta_min) * k / last; });
}
std::unique_ptr<const Process> make_ldm(int steps, double beta_min, double beta_max) {
  const double first = std::sqrt(beta_min);
  const double rise = std::sqrt(beta_max) - first;
  return std::make_unique<Discrete>("ldm", steps, beta_min, beta_max, [=](double k, double last) {
    const double root = first + rise * k / last;
    return root * root;
  });
}
std::unique_ptr<const Process> make_flow() {
  return std::make_unique<Flow>();
}

}  // namespace scorefield
