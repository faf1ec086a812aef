// Forward processes: x_t = s(t) (x_0 + sigma(t) n), n unit noise. Divided by s(t), each is the variance-exploding frame
// in which the house works (docs/theory/processes.md).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace scorefield {

/// The law of x_t given x_0 at one time: x_t = scale x_0 + noise n, and its derivatives in t.
struct Marginal {
  double scale = 1;  // s
  double sigma = 0;  // noise to signal, data units; inf where scale = 0
  double noise = 0;  // s sigma, finite where sigma = inf
  double dscale_dt = 0;
  double dsigma_dt = 0;  // inf at t = 0 of the processes whose variance starts linearly (VP, OU)
  double dnoise_dt = 0;

  /// log(scale^2 / noise^2), nats.
  double log_snr() const;
};

/// The VE frame with sigma as its time: x = x_0 + sigma n. At sigma = inf the state is n itself, and the derivatives
/// stay those of x_0 + sigma n.
Marginal ve_frame(double sigma);

/// A map t -> Marginal and back. sigma rises strictly from t_min to t_max. Const and thread-safe.
class Process {
 public:
  virtual ~Process() = default;

  virtual std::string_view name() const = 0;
  /// The process's own times, both included; t_max may be inf.
  virtual double t_min() const = 0;
  virtual double t_max() const = 0;

  /// Throws Error when t is outside [t_min, t_max].
  Marginal at(double t) const;
  /// The t at which sigma(t) = sigma. Throws Error when the process has no such time.
  double time_of(double sigma) const;

 protected:
  virtual Marginal marginal(double t) const = 0;
  /// Only called for sigma in [sigma(t_min), sigma(t_max)].
  virtual double inverse(double sigma) const = 0;
};

/// By name: ve, ve-sqrt, edm, vp, sub-vp, ou, cosine, ddpm (alias ddpm-linear), ldm (alias scaled-linear), flow (alias
/// rectified-flow), with the usual constants (those below) or with all of them behind a colon, in the order below:
/// "vp:0.1,20", "ddpm:500,1e-4,0.02". Throws Error for an unknown name, with near ones, and for constants that are
/// missing, too many or out of range.
std::unique_ptr<const Process> make_process(std::string_view spec);
std::vector<std::string> process_names();

/// sigma(t) = sigma_min (sigma_max/sigma_min)^t, t in [0, 1] (Song et al. 2021, as their code has it: the SDE itself
/// starts from sigma_min noise).
std::unique_ptr<const Process> make_ve(double sigma_min = 0.01, double sigma_max = 50);
/// sigma(t) = sqrt(t), t in [0, inf] (Song et al. 2021 as Karras et al. 2022, table 1, have it).
std::unique_ptr<const Process> make_ve_sqrt();
/// sigma(t) = t, t in [0, inf] (Karras et al. 2022).
std::unique_ptr<const Process> make_edm();
/// dx = -beta/2 x dt + sqrt(beta) dw, beta(t) = beta_min + t (beta_max - beta_min), t in [0, 1] (Song et al. 2021).
std::unique_ptr<const Process> make_vp(double beta_min = 0.1, double beta_max = 20);
/// The variance-preserving process with sigma(1e-3) = sigma_min and sigma(1) = sigma_max (Karras et al. 2022, table 1
/// and appendix B.2). Throws Error where its beta would not stay positive: sigma_min is too large for this time axis.
std::unique_ptr<const Process> make_vp_between(double sigma_min, double sigma_max);
/// Whether make_vp_between() has one.
bool has_vp_between(double sigma_min, double sigma_max);
/// VP's mean with standard deviation 1 - exp(-int beta) (Song et al. 2021).
std::unique_ptr<const Process> make_sub_vp(double beta_min = 0.1, double beta_max = 20);
/// Ornstein-Uhlenbeck dX = -X dt + sqrt(2) dB, t in [0, inf].
std::unique_ptr<const Process> make_ou();
/// s(t) = cos(theta) / cos(theta_0), theta = (pi/2) (t + offset)/(1 + offset), s^2 + noise^2 = 1, t in [0, 1], with
/// zero SNR at t = 1 (Nichol and Dhariwal 2021, eq. 17, without their clipping of beta).
std::unique_ptr<const Process> make_cosine(double offset = 0.008);
/// alpha_bar_k = prod_{j <= k} (1 - beta_j), beta linear from beta_min to beta_max in `steps` entries; t is the index k
/// in [0, steps - 1] (Ho et al. 2020, counted from 0). Between two entries log sigma is linear in t; the derivative at
/// an entry is the one to its right (at the last, to its left).
std::unique_ptr<const Process> make_ddpm(int steps = 1000, double beta_min = 1e-4, double beta_max = 0.02);
/// The same with sqrt(beta) linear (latent diffusion, Rombach et al. 2022: "scaled linear").
std::unique_ptr<const Process> make_ldm(int steps = 1000, double beta_min = 0.00085, double beta_max = 0.012);
/// Rectified flow x_t = (1 - t) x_0 + t n, t in [0, 1], sigma = inf at t = 1 (Liu et al. 2023, time reversed).
std::unique_ptr<const Process> make_flow();

}  // namespace scorefield
