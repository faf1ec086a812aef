#include "scorefield/process/process.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Times inside every process's range, away from table entries.
std::vector<double> times_of(const Process& process) {
  const double end = std::isinf(process.t_max()) ? 4.0 : process.t_max();
  std::vector<double> times;
  for (const double u : {0.01023, 0.1003, 0.3017, 0.5009, 0.7703, 0.95037}) times.push_back(u * end);
  return times;
}

TEST(Process, DerivativesAreThoseOfTheFunctions) {
  for (const std::string& name : process_names()) {
    const auto process = make_process(name);
    for (const double t : times_of(*process)) {
      // Five-point central difference: truncation h^4 f^(5)/30, rounding about 1e-16 f/h. With h a 1/200 of the
      // distance to the nearer end, functions like t^(1/2) and 1/(1-t) have h^4 f^(5)/30 <= 2e-9 t f'.
      const double from_end = std::isinf(process->t_max()) ? t : std::min(t, process->t_max() - t);
      // A table is differentiable between entries only: stay within one cell.
      const double cell = std::min(t - std::floor(t), std::ceil(t) - t);
      const bool is_table = name.starts_with("ddpm") || name == "ldm" || name == "scaled-linear";
      const double h = (is_table ? cell : from_end) / 200;
      const auto numeric = [&](auto value) {
        return (value(t - 2 * h) - 8 * value(t - h) + 8 * value(t + h) - value(t + 2 * h)) / (12 * h);
      };
      const Marginal at = process->at(t);
      const double rounding = 1e-14 / h;
      EXPECT_NEAR(at.dscale_dt, numeric([&](double u) { return process->at(u).scale; }),
                  1e-7 * std::abs(at.dscale_dt) + rounding * at.scale)
          << name << " " << t;
      EXPECT_NEAR(at.dsigma_dt, numeric([&](double u) { return process->at(u).sigma; }),
                  1e-7 * at.dsigma_dt + rounding * at.sigma)
          << name << " " << t;
      EXPECT_NEAR(at.dnoise_dt, numeric([&](double u) { return process->at(u).noise; }),
                  1e-7 * std::abs(at.dnoise_dt) + rounding * at.noise)
          << name << " " << t;
    }
  }
}

TEST(Process, TimeOfInvertsSigma) {
  for (const std::string& name : process_names()) {
    const auto process = make_process(name);
    for (const double t : times_of(*process)) {
      const Marginal at = process->at(t);
      // One rounding of sigma moves t by eps sigma/sigma'.
      EXPECT_NEAR(process->time_of(at.sigma), t, 4e-16 * (4 * t + 4 * at.sigma / at.dsigma_dt)) << name << " " << t;
      EXPECT_NEAR(at.noise, at.scale * at.sigma, 1e-15 * at.noise) << name;
      EXPECT_NEAR(at.log_snr(), -2 * std::log(at.sigma), 1e-14 * (1 + std::abs(at.log_snr()))) << name;
    }
    EXPECT_EQ(process->time_of(process->at(process->t_min()).sigma), process->t_min()) << name;
    const double end = process->time_of(process->at(process->t_max()).sigma);
    if (std::isinf(process->t_max())) {
      EXPECT_EQ(end, kInf) << name;
    } else {
      EXPECT_NEAR(end, process->t_max(), 1e-12 * process->t_max()) << name;
    }
  }
}

TEST(Process, SmallSigmaKeepsItsDigits) {
  // sigma(t) ~ sqrt(beta t): VP 0.1, OU 2; flow sigma ~ t; cosine noise^2 ~ 2 angle tan(theta_0) t.
  const double t = 1e-14;
  EXPECT_NEAR(make_vp()->at(t).sigma, std::sqrt(0.1 * t), 1e-12 * std::sqrt(0.1 * t));
  EXPECT_NEAR(make_ou()->at(t).sigma, std::sqrt(2 * t), 1e-13 * std::sqrt(2 * t));
  EXPECT_NEAR(make_sub_vp()->at(t).sigma, 0.1 * t, 2e-12 * 0.1 * t);
  const double angle = std::numbers::pi / 2 / 1.008;
  const double expected = std::sqrt(2 * angle * t * std::tan(angle * 0.008));
  EXPECT_NEAR(make_cosine()->at(t).sigma, expected, 1e-11 * expected);
  for (const char* name : {"vp", "sub-vp", "ou", "cosine", "flow", "edm"}) {
    const auto process = make_process(name);
    for (const double sigma : {1e-6, 1e-3, 0.5}) {
      EXPECT_NEAR(process->at(process->time_of(sigma)).sigma, sigma, 1e-14 * sigma) << name;
    }
  }
}

TEST(Process, VariancePreservingOnesKeepUnitVariance) {
  for (const char* name : {"vp", "ou", "cosine", "ddpm", "ldm"}) {
    const auto process = make_process(name);
    for (const double t : times_of(*process)) {
      const Marginal at = process->at(t);
      EXPECT_NEAR(at.scale * at.scale + at.noise * at.noise, 1, 1e-15) << name;
      // Kingma et al. 2021, with gamma = -log SNR: s^2 = sigmoid(-gamma), noise^2 = sigmoid(gamma).
      const double gamma = -at.log_snr();
      EXPECT_NEAR(at.scale * at.scale, 1 / (1 + std::exp(gamma)), 1e-15 * (1 + std::abs(gamma))) << name;
      EXPECT_NEAR(at.noise * at.noise, 1 / (1 + std::exp(-gamma)), 1e-15 * (1 + std::abs(gamma))) << name;
    }
  }
}

TEST(Process, OrnsteinUhlenbeckIsVpWithBetaTwo) {
  const auto ou = make_ou();
  const auto vp = make_vp(2, 2);
  for (const double t : {1e-9, 1e-3, 0.3, 1.0}) {
    EXPECT_EQ(ou->at(t).scale, vp->at(t).scale);
    EXPECT_EQ(ou->at(t).sigma, vp->at(t).sigma);
    EXPECT_EQ(ou->at(t).dsigma_dt, vp->at(t).dsigma_dt);
    EXPECT_NEAR(ou->at(t).scale, std::exp(-t), 1e-16);
    EXPECT_NEAR(ou->at(t).sigma, std::sqrt(std::expm1(2 * t)), 1e-15);
    EXPECT_NEAR(ou->time_of(0.7), vp->time_of(0.7), 1e-16);
  }
}

TEST(Process, VarianceObeysTheStochasticEquation) {
  // dx = f x dt + g dw: d(noise^2)/dt = 2 f noise^2 + g^2, f = s'/s. VP: g^2 = beta; sub-VP: beta (1 - e^(-2B)) with
  // int beta = B = -2 log s; VE: g^2 = d(sigma^2)/dt.
  for (const double t : {0.01, 0.3, 0.9}) {
    const double beta = 0.1 + 19.9 * t;
    const auto diffusion = [&](const char* name) {
      const Marginal at = make_process(name)->at(t);
      return 2 * at.noise * at.dnoise_dt - 2 * at.dscale_dt / at.scale * at.noise * at.noise;
    };
    EXPECT_NEAR(make_vp()->at(t).dscale_dt, -beta / 2 * make_vp()->at(t).scale, 1e-14);
    EXPECT_NEAR(diffusion("vp"), beta, 1e-14 * beta);
    const double b = 0.1 * t + 19.9 * t * t / 2;
    EXPECT_NEAR(diffusion("sub-vp"), beta * (1 - std::exp(-2 * b)), 1e-13 * beta);
    // Song et al.: g = sigma_min (sigma_max/sigma_min)^t sqrt(2 log(sigma_max/sigma_min)).
    EXPECT_NEAR(diffusion("ve"), 1e-4 * std::pow(5000, 2 * t) * 2 * std::log(5000), 1e-11 * diffusion("ve"));
  }
}

TEST(Process, KnownEndValues) {
  EXPECT_NEAR(make_vp()->at(1).sigma, std::sqrt(std::expm1(10.05)), 1e-11);
  EXPECT_NEAR(make_ve()->at(1).sigma, 50, 1e-12);
  EXPECT_EQ(make_ve()->at(0).sigma, 0.01);
  // 40-digit products of 1 - linspace(1e-4, 0.02, 1000): alpha_bar after the first, the 501st and the last entry.
  const auto ddpm = make_ddpm();
  EXPECT_NEAR(std::pow(ddpm->at(0).scale, 2), 0.9999, 1e-15);
  EXPECT_NEAR(std::pow(ddpm->at(500).scale, 2), 0.077796658365023905, 1e-14);
  EXPECT_NEAR(std::pow(ddpm->at(999).scale, 2), 4.0358297653756835e-05, 1e-17);
  // Between entries log sigma is linear.
  EXPECT_NEAR(std::pow(ddpm->at(41.5).sigma, 2), ddpm->at(41).sigma * ddpm->at(42).sigma, 1e-15);
  // alpha_bar of Nichol and Dhariwal by its definition, at t = 1/2: cos^2(0.508/1.008 pi/2)/cos^2(0.008/1.008 pi/2).
  const double half_pi = std::numbers::pi / 2;
  EXPECT_NEAR(make_cosine()->at(0.5).scale, std::cos(0.508 / 1.008 * half_pi) / std::cos(0.008 / 1.008 * half_pi),
              1e-15);
}

TEST(Process, ReachesInfinity) {
  for (const char* name : {"flow", "cosine", "ou", "edm"}) {
    const auto process = make_process(name);
    const Marginal end = process->at(process->t_max());
    EXPECT_EQ(end.scale, 0) << name;
    EXPECT_EQ(end.sigma, kInf) << name;
    EXPECT_NEAR(end.noise, 1, 1e-15) << name;
    EXPECT_EQ(end.log_snr(), -kInf) << name;
    EXPECT_EQ(process->time_of(kInf), process->t_max()) << name;
    EXPECT_TRUE(std::isfinite(end.dscale_dt) && std::isfinite(end.dnoise_dt)) << name;
  }
  const Marginal flow = make_flow()->at(1);
  EXPECT_EQ(flow.dscale_dt, -1);
  EXPECT_EQ(flow.dnoise_dt, 1);
  EXPECT_NEAR(make_cosine()->at(1).dnoise_dt, 0, 1e-15);
  // Without an offset the cosine process is (cos, sin), also at both ends.
  const auto circle = make_cosine(0);
  for (const double t : {0.0, 0.25, 1.0}) {
    EXPECT_NEAR(circle->at(t).scale, std::cos(t * std::numbers::pi / 2), 1e-15);
    EXPECT_NEAR(circle->at(t).noise, std::sin(t * std::numbers::pi / 2), 1e-15);
    EXPECT_NEAR(circle->at(t).dnoise_dt, std::numbers::pi / 2 * std::cos(t * std::numbers::pi / 2), 1e-15);
  }
  EXPECT_EQ(circle->time_of(0), 0);
}

TEST(Process, TakesItsConstantsBehindAColon) {
  const auto same = [](const char* spec, const std::unique_ptr<const Process>& made) {
    const auto process = make_process(spec);
    EXPECT_EQ(process->name(), made->name());
    for (const double t : times_of(*made)) EXPECT_EQ(process->at(t).sigma, made->at(t).sigma) << spec;
  };
  same("vp", make_vp());
  same("vp:0.1,20", make_vp());
  same("vp:0.2,5", make_vp(0.2, 5));
  same("sub-vp:0.2,5", make_sub_vp(0.2, 5));
  same("ve:0.1,1e2", make_ve(0.1, 100));
  same("cosine:0.02", make_cosine(0.02));
  same("cosine", make_cosine());
  same("ddpm", make_ddpm());
  same("ddpm:500,1e-4,0.03", make_ddpm(500, 1e-4, 0.03));
  same("ldm", make_ldm());
  const auto message = [](const char* spec) {
    try {
      make_process(spec);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message("vp:0.1"), "process vp:0.1: the constants of vp are beta_min,beta_max; write e.g. vp:0.1,20");
  for (const char* spec : {"vp:", "vp:0.1,20,3", "vp:0.1,x", "vp:0.1,", "vp:,20", "vp:0.1 20", "vp:0.1,20 "}) {
    EXPECT_NE(message(spec).find("write e.g. vp:0.1,20"), std::string::npos) << spec << message(spec);
  }
  EXPECT_EQ(message("flow:1"), "process flow:1: flow has no constants");
  EXPECT_EQ(message("vq:0.1,20"), "unknown process 'vq'; did you mean 've' or 'vp'?");
  EXPECT_NE(message("ddpm:500.5,1e-4,0.02").find("2 to 1000000 steps"), std::string::npos);
  EXPECT_NE(message("vp:nan,20").find("betas must be above 0"), std::string::npos);
  EXPECT_NE(message("ve:0,inf").find("0 < sigma_min"), std::string::npos);
}

TEST(Process, RefusesWithTheReason) {
  const auto message = [](const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message([] { make_process("vpp"); }), "unknown process 'vpp'; did you mean 'vp'?");
  EXPECT_EQ(message([] { make_vp()->at(1.5); }), "process vp runs from t = 0 to 1, got t = 1.5");
  EXPECT_NE(message([] { make_vp()->at(std::nan("")); }), "no error");
  EXPECT_NE(message([] { make_vp()->time_of(500); }).find("got sigma = 500"), std::string::npos);
  EXPECT_NE(message([] { make_ddpm()->time_of(0.001); }).find("process ddpm has sigma from 0.01"), std::string::npos);
  EXPECT_NE(message([] { make_ve(1, 0.5); }), "no error");
  EXPECT_NE(message([] { make_vp(0, 1); }), "no error");
  EXPECT_NE(message([] { make_cosine(-1); }), "no error");
  EXPECT_NE(message([] { make_ddpm(1); }), "no error");
  EXPECT_NE(message([] { make_ddpm(1000, 0.1, 1.5); }), "no error");
}

TEST(Process, BetweenTwoLevelsReachesBoth) {
  // Up to rounding, which must not put the level that a run starts from beyond its end.
  for (const double least : {0.002, 0.01}) {
    for (double largest = 10; largest < 1e4; largest *= 1.07) {
      const auto process = make_vp_between(least, largest);
      EXPECT_NEAR(process->time_of(largest), 1, 1e-12) << largest;
      EXPECT_NEAR(process->time_of(least), 1e-3, 1e-12) << least;
      EXPECT_THROW(process->time_of(largest * (1 + 1e-12)), Error) << largest;
    }
  }
}

}  // namespace
}  // namespace scorefield
