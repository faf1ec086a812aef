// The samplers against systems that run in a variance-preserving process (dpm-solver, diffusers) or a flow (diffusers):
// what they compute there is what ours compute in the VE frame. Not compared are
//   dpm-solver's adaptive runs to more than their tolerance (a step control of its own)
//   diffusers' schedulers in single precision over whole runs, but step by step
//   what draws noise
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "scorefield/process/process.h"
#include "scorefield/sample/oracle_runs_test.h"
#include "tests/oracle.h"

namespace scorefield {
namespace {

using test::difference;
using test::OdeRun;
using test::Oracle;
using test::OracleArray;
using test::path_of;
using test::rounding_of;
using test::states;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// The scale of a variance-preserving process where noise to signal is sigma.
double vp_scale(double sigma) {
  return 1 / std::hypot(1.0, sigma);
}

// dpm-solver: beta = 0.1 + 19.9 t, from t = 1 to 1e-3.

/// The time at a share of the way from a to b, by the rule that the name says.
double between(const Process& vp, const std::string& rule, double a, double b, double share) {
  if (rule == "time_uniform") return a + share * (b - a);
  if (rule == "time_quadratic") return std::pow(std::sqrt(a) + share * (std::sqrt(b) - std::sqrt(a)), 2);
  const double from = std::log(vp.at(a).sigma);
  return vp.time_of(std::exp(from + share * (std::log(vp.at(b).sigma) - from)));
}

struct DpmSolverKey {
  std::string algorithm;  // dpmsolver, dpmsolver++
  std::string rule;
  int order;
  int evaluations;
  std::string text(const std::string& method) const {
    return "dpm_solver/pts8/" + algorithm + "/" + method + "_o" + std::to_string(order) + "/" + rule + "/steps" +
           std::to_string(evaluations);
  }
  /// Ours: dpm2m, dpmpp3s, ...
  std::string name(int of_order, const std::string& kind) const {
    const std::string family = algorithm == "dpmsolver" ? "dpm" : "dpmpp";
    if (of_order == 1) return family + "1";
    if (family == "dpm" && of_order == 2 && kind == "s") return "dpm2";
    return family + std::to_string(of_order) + kind;
  }
};

void for_each_dpm_solver_key(const std::function<void(const DpmSolverKey&)>& visit) {
  for (const std::string algorithm : {"dpmsolver", "dpmsolver++"}) {
    for (const std::string rule : {"logSNR", "time_uniform", "time_quadratic"}) {
      for (const int order : {1, 2, 3}) {
        for (const int evaluations : {6, 12, 24}) visit({algorithm, rule, order, evaluations});
      }
    }
  }
}

TEST(OracleDpmSolver, MultistepEndsAreOurs) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  const auto vp = make_vp(0.1, 20);
  for_each_dpm_solver_key([&](const DpmSolverKey& key) {
    OdeRun run;
    run.sampler = key.name(key.order, "m");
    run.options.lower_order_final = key.evaluations < 10;  // as that code has it
    for (int i = 0; i <= key.evaluations; ++i) {
      run.levels.push_back(vp->at(between(*vp, key.rule, 1, 1e-3, static_cast<double>(i) / key.evaluations)).sigma);
    }
    run.start = states(oracle->at("cases/pts8/z").values, 1 / vp->at(1).scale);
    const std::vector<Rows> path = path_of(run);
    // The last levels are found from t = 1e-3, where exp(..) - 1 is 1e-4: 1e-12 of sigma, so of the noise that is left.
    EXPECT_LE(difference(path.back(), oracle->at(key.text("multistep")).values, vp->at(1e-3).scale),
              1e-13 + 32 * rounding_of(run, path))
        << key.text("multistep");
  });
}

TEST(OracleDpmSolver, SinglestepEndsAreOurs) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  const auto vp = make_vp(0.1, 20);
  for_each_dpm_solver_key([&](const DpmSolverKey& key) {
    for (const std::string method : {"singlestep_fixed", "singlestep"}) {
      // Orders of the steps: all the same, or for order 3 such that the evaluations add up, as these are multiples
      // of 3.
      std::vector<int> orders(key.evaluations / key.order, key.order);
      if (method == "singlestep" && key.order == 3) {
        orders.back() = 2;
        orders.push_back(1);
      }
      std::vector<double> times = {1};
      int spent = 0;
      for (std::size_t i = 0; i < orders.size(); ++i) {
        spent += orders[i];
        const bool by_evaluations = method == "singlestep" && key.rule != "logSNR";
        const double share = by_evaluations ? static_cast<double>(spent) / key.evaluations
                                            : static_cast<double>(i + 1) / static_cast<double>(orders.size());
        times.push_back(between(*vp, key.rule, 1, 1e-3, share));
      }
      Rows x = states(oracle->at("cases/pts8/z").values, 1 / vp->at(1).scale);
      double rounding = 0;
      for (std::size_t i = 0; i < orders.size(); ++i) {
        const double from = std::log(vp->at(times[i]).sigma);
        const double to = std::log(vp->at(times[i + 1]).sigma);
        // Intermediate points lie by the same rule, so their shares of log sigma differ from step to step.
        const auto share = [&](double part) {
          return (std::log(vp->at(between(*vp, key.rule, times[i], times[i + 1], part)).sigma) - from) / (to - from);
        };
        OdeRun run;
        run.sampler = key.name(orders[i], "s");
        run.levels = {std::exp(from), std::exp(to)};
        run.start = x;
        if (orders[i] == 2) run.options.r = share(0.5);
        if (orders[i] == 3) {
          run.options.r = share(1.0 / 3);
          run.options.r2 = share(2.0 / 3);
        }
        const std::vector<Rows> path = path_of(run);
        // An error of one step is carried on by the next ones, at most in proportion to what they do to their own.
        rounding = std::max(rounding, rounding_of(run, path));
        x = path.back();
      }
      EXPECT_LE(difference(x, oracle->at(key.text(method)).values, vp->at(1e-3).scale), 1e-13 + 64 * rounding)
          << key.text(method);
    }
  });
}

// diffusers: T = 1000, beta from 1e-4 to 0.02.

/// A scheduler, and ours. Its states are those of a variance-preserving process, or of the VE frame.
struct Scheduler {
  std::string key;
  std::string sampler;
  bool variance_preserving = true;
  /// Evaluations a step that its path holds.
  std::size_t stages = 1;
  /// Of the final steps: never, below 15 steps, always.
  enum class Lower { kNever, kBelow15, kAlways } lower = Lower::kNever;
  /// It computes in single precision.
  bool single_precision = false;
  SecondOrder second_order = SecondOrder::kMidpoint;
};

/// Distinct, descending: a scheduler with two stages names its levels twice.
std::vector<double> descending(const std::vector<double>& sigmas) {
  std::vector<double> levels;
  for (const double sigma : sigmas) {
    if (levels.empty() || sigma < levels.back()) levels.push_back(sigma);
  }
  return levels;
}

/// One step at a time from the recorded states, so that what is compared is a formula, not how far a run carries
/// errors.
void expect_steps(const std::string& key, const OracleArray& recorded, const std::vector<std::size_t>& at, OdeRun run,
                  bool variance_preserving, double tolerance) {
  std::vector<Rows> before;
  const std::vector<double> levels = run.levels;
  const auto scale = [&](std::size_t i) { return variance_preserving ? vp_scale(levels[i]) : 1.0; };
  ASSERT_EQ(at.back(), recorded.shape[0] - 1) << key;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    before.push_back(states(recorded[at[i]], 1 / scale(i)));
    run.start = before[0];
    const Rows next = path_of(run, before)[i + 1];
    EXPECT_LE(difference(next, recorded[at[i + 1]], scale(i + 1)), tolerance) << key << " step " << i;
  }
}

TEST(OracleDiffusers, StepsAreOurs) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  using enum Scheduler::Lower;
  const std::vector<Scheduler> schedulers = {
      {"euler", "euler", false, 1, kNever, true},
      {"euler_karras", "euler", false, 1, kNever, true},
      {"edm_euler", "euler", false, 1, kNever, true},
      {"edm_dpmpp2m", "dpmpp2m", false, 1, kBelow15},
      {"lms", "ab4", false},
      {"heun", "heun", false, 2},
      {"dpmpp2m", "dpmpp2m", true, 1, kBelow15, true},
      {"dpmpp2m_karras", "dpmpp2m", true, 1, kBelow15, true},
      {"dpmpp2m_heun", "dpmpp2m", true, 1, kBelow15, true, SecondOrder::kHeun},
      {"dpmpp3m", "dpmpp3m", true, 1, kBelow15, true},
      {"dpm2m_eps", "dpm2m", true, 1, kBelow15, true},
      {"deis2", "deis-logrho1", true, 1, kBelow15},
      {"deis3", "deis-logrho2", true, 1, kBelow15},
  };
  for (const int steps : {10, 20}) {
    for (const Scheduler& s : schedulers) {
      const std::string key = "diffusers/pts8/" + s.key + "/n" + std::to_string(steps);
      const OracleArray recorded = oracle->at(key);
      OdeRun run;
      run.sampler = s.sampler;
      run.levels = descending(oracle->at(key + "/sigmas").values);
      run.options.lower_order_final = s.lower == kAlways || (s.lower == kBelow15 && steps < 15);
      run.options.second_order = s.second_order;
      std::vector<std::size_t> at;
      for (std::size_t i = 0; i < run.levels.size(); ++i) at.push_back(std::min(s.stages * i, recorded.shape[0] - 1));
      // In single precision: some ten roundings of 6e-8.
      expect_steps(key, recorded, at, run, s.variance_preserving, s.single_precision ? 1e-6 : 1e-12);
    }
  }
}

TEST(OracleDiffusers, UniPcPathsAreOurs) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  for (const std::string variant : {"unipc2_bh1", "unipc2_bh2", "unipc3_bh2"}) {
    for (const std::string steps : {"/n10", "/n20"}) {
      const std::string key = "diffusers/pts8/" + variant + steps;
      const OracleArray recorded = oracle->at(key);
      OdeRun run;
      run.sampler = variant.substr(0, 6) + "-" + variant.substr(7);
      run.levels = descending(oracle->at(key + "/sigmas").values);
      run.start = states(recorded[0], 1 / vp_scale(run.levels[0]));
      run.options.lower_order_final = true;
      const std::vector<Rows> path = path_of(run);
      ASSERT_EQ(path.size(), recorded.shape[0]) << key;
      const double tolerance = 2e-14 + 32 * rounding_of(run, path);
      for (std::size_t i = 0; i < path.size(); ++i) {
        EXPECT_LE(difference(path[i], recorded[i], vp_scale(run.levels[i])), tolerance) << key << " level " << i;
      }
    }
  }
}

TEST(OracleDiffusers, Kdpm2PathsAreOurs) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  for (const std::string steps : {"/n10", "/n20"}) {
    const std::string key = "diffusers/pts8/kdpm2" + steps;
    const OracleArray recorded = oracle->at(key);
    OdeRun run;
    run.sampler = "kdpm2";
    run.levels = descending(oracle->at(key + "/sigmas").values);
    std::vector<std::size_t> at;
    for (std::size_t i = 0; i < run.levels.size(); ++i) at.push_back(std::min(2 * i, recorded.shape[0] - 1));
    // Its midpoints are rounded to single precision, 6e-8 of them.
    expect_steps(key, recorded, at, run, false, 1e-6);
  }
}

TEST(OracleDiffusers, SinglestepOfOrder2IsOurs) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  for (const std::string steps : {"/n10", "/n20"}) {
    const std::string key = "diffusers/pts8/dpmpp2s" + steps;
    const OracleArray recorded = oracle->at(key);
    const std::vector<double> sigmas = oracle->at(key + "/sigmas").values;
    const std::size_t last = sigmas.size() - 1;
    // Two of its steps are one of ours, with the level between them inside; the last two are of first order.
    for (std::size_t i = 0; i + 2 < last; i += 2) {
      OdeRun run;
      run.sampler = "dpmpp2s";
      run.levels = {sigmas[i], sigmas[i + 2]};
      run.start = states(recorded[i], 1 / vp_scale(sigmas[i]));
      run.options.r = std::log(sigmas[i] / sigmas[i + 1]) / std::log(sigmas[i] / sigmas[i + 2]);
      EXPECT_LE(difference(path_of(run).back(), recorded[i + 2], vp_scale(sigmas[i + 2])), 1e-6) << key << i;
    }
    for (std::size_t i = last - 2; i < last; ++i) {
      OdeRun run;
      run.sampler = "ddim";
      run.levels = {sigmas[i], sigmas[i + 1]};
      run.start = states(recorded[i], 1 / vp_scale(sigmas[i]));
      EXPECT_LE(difference(path_of(run).back(), recorded[i + 1], vp_scale(sigmas[i + 1])), 1e-6) << key << i;
    }
  }
}

/// Its table of alpha_bar, computed as it is there: in single precision.
class SinglePrecisionDdpm final : public Process {
 public:
  SinglePrecisionDdpm() {
    constexpr float kFirst = 1e-4F;
    constexpr float kLast = 0.02F;
    constexpr float kStep = (kLast - kFirst) / 999;
    double product = 1;
    for (int i = 0; i < 1000; ++i) {
      const float beta = i < 500 ? kFirst + kStep * static_cast<float>(i) : kLast - kStep * static_cast<float>(999 - i);
      product *= static_cast<double>(1 - beta);
      const double alpha_bar = static_cast<double>(static_cast<float>(product));
      sigmas_.push_back(std::sqrt((1 - alpha_bar) / alpha_bar));
    }
  }
  std::string_view name() const override { return "ddpm in single precision"; }
  double t_min() const override { return 0; }
  double t_max() const override { return 999; }
  double sigma(double t) const { return sigmas_.at(static_cast<std::size_t>(t)); }

 protected:
  Marginal marginal(double t) const override {
    Marginal law;
    law.sigma = sigma(t);
    law.scale = vp_scale(law.sigma);
    law.noise = law.scale * law.sigma;
    return law;
  }
  double inverse(double sigma) const override {
    return static_cast<double>(std::ranges::lower_bound(sigmas_, sigma) - sigmas_.begin());
  }

 private:
  std::vector<double> sigmas_;
};

TEST(OracleDiffusers, DdimAndPndmStepsAreOurs) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  const SinglePrecisionDdpm ddpm;
  // Their table is not stored, and ours differs from it by a unit in the last place of single precision here and there:
  // 6e-8 of alpha_bar.
  constexpr double kTolerance = 2e-7;
  for (const int steps : {10, 20}) {
    for (const std::string scheduler : {"ddim", "ddim_trailing_one", "pndm", "pndm_skip"}) {
      const std::string key = "diffusers/pts8/" + scheduler + "/n" + std::to_string(steps);
      const OracleArray recorded = oracle->at(key);
      OdeRun run;
      run.sampler = scheduler == "pndm" ? "pndm" : scheduler == "pndm_skip" ? "plms" : "ddim";
      run.process = &ddpm;
      for (int i = 1; i <= steps; ++i) {
        const int t = 1000 - 1000 / steps * i;
        run.levels.push_back(ddpm.sigma(scheduler == "ddim_trailing_one" ? t - 1 + 1000 / steps : t));
      }
      if (scheduler == "ddim_trailing_one") run.levels.push_back(0);
      run.start = states(recorded[0], 1 / vp_scale(run.levels[0]));
      const std::vector<Rows> path = path_of(run);
      // A step of Runge-Kutta has four states there, one of Heun two; a last step of no length is not among ours.
      for (std::size_t i = 0; i < path.size(); ++i) {
        std::size_t at = i;
        if (scheduler == "pndm") at = i <= 3 ? 4 * i : 12 + (i - 3);
        if (scheduler == "pndm_skip" && i > 0) at = i + 1;
        EXPECT_LE(difference(path[i], recorded[at], vp_scale(run.levels[i])), kTolerance) << key << " level " << i;
      }
    }
  }
}

TEST(OracleDiffusers, FlowStepsFromInfinityAreOurs) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  const auto flow = make_flow();
  for (const std::string solver : {"euler", "heun"}) {
    for (const std::string steps : {"/n10", "/n20"}) {
      const std::string key = "diffusers/pts8/flow_" + solver + steps;
      const OracleArray recorded = oracle->at(key);
      OdeRun run;
      run.sampler = solver;
      run.process = flow.get();
      std::vector<double> scales;
      for (const double t : descending(oracle->at(key + "/sigmas").values)) {  // times: they call them so
        run.levels.push_back(t == 1 ? kInf : t / (1 - t));
        scales.push_back(t == 1 ? 1 : 1 - t);
      }
      std::vector<Rows> before;
      for (std::size_t i = 0; i + 1 < run.levels.size(); ++i) {
        const std::size_t stages = solver == "heun" ? 2 : 1;
        before.push_back(states(recorded[stages * i], 1 / scales[i]));
        run.start = before[0];
        const Rows next = path_of(run, before)[i + 1];
        const std::size_t end = std::min(stages * (i + 1), recorded.shape[0] - 1);
        // In single precision.
        EXPECT_LE(difference(next, recorded[end], scales[i + 1]), 1e-6) << key << " step " << i;
      }
    }
  }
}

TEST(OracleVp, ProbabilityFlowOdeEndsWhereItIsKnownTo) {
  const Oracle* oracle = Oracle::find();
  if (oracle == nullptr) GTEST_SKIP() << Oracle::kAbsent;
  const auto vp = make_vp(0.1, 20);
  OdeRun run;
  run.sampler = "rk45";
  run.levels = {vp->at(1).sigma, vp->at(1e-3).sigma};
  run.start = states(oracle->at("cases/pts8/z").values, 1 / vp->at(1).scale);
  run.options.rtol = run.options.atol = 1e-12;
  const Rows end = path_of(run).back();
  EXPECT_LE(difference(end, oracle->at("truth/pts8/vp_1_1e-3").values, vp->at(1e-3).scale), 1e-11);
  // That code's adaptive solvers have a relative tolerance of 0.05 a step: no more than a check that they solve the
  // same.
  for (const std::string key :
       {"dpmsolver/adaptive_o2", "dpmsolver/adaptive_o3", "dpmsolver++/adaptive_o2", "dpmsolver++/adaptive_o3"}) {
    EXPECT_LE(difference(end, oracle->at("dpm_solver/pts8/" + key).values, vp->at(1e-3).scale), 0.05) << key;
  }
}

}  // namespace
}  // namespace scorefield
