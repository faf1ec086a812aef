// The samplers against their formulas, written down as the papers have them: in the finite differences of the denoising
// trajectory, and in a variance-preserving process's own alpha, sigma and lambda.
#include <gtest/gtest.h>

#include <cmath>

#include "scorefield/base/error.h"
#include "scorefield/process/process.h"
#include "scorefield/sample/oracle_runs_test.h"
#include "tests/ode_ends.h"

namespace scorefield {
namespace {

using test::difference;
using test::OdeRun;
using test::path_of;
using test::Points8;
using test::states;

const std::vector<double> kLatents(test::kOdeLatents.begin(), test::kOdeLatents.end());

/// A state in the plane, or what is made of some.
using Vector = std::vector<double>;

Vector operator+(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
Vector operator*(double factor, Vector a) {
  for (double& v : a) v *= factor;
  return a;
}
Vector operator-(const Vector& a, const Vector& b) {
  return a + (-1.0) * b;
}

Vector denoised(const Vector& x, double sigma) {
  const Answer answer = Points8().ask(states(x).view(), std::vector{sigma}, {}, {.denoised = true}, {});
  return {answer.denoised.values().begin(), answer.denoised.values().end()};
}

Vector values(const Rows& x) {
  return {x.values().begin(), x.values().end()};
}

// Chen et al. 2023 (A geometric perspective on diffusion models), section 4: from sigma to the next,
//   x_next = q x + (1 - q) (r + (next - sigma)/2 r'),   q = next/sigma,   r = D(x; sigma),
// and second-order methods differ in the finite difference that stands for r', the derivative of r along the path.

struct Differences {
  const char* sampler;
  /// levels: before, now, next; x at before and now.
  Vector (*derivative)(const std::vector<double>& levels, const Vector& before, const Vector& x);
};

Vector euler_to(const Vector& x, double from, double to) {
  return x + ((to - from) / from) * (x - denoised(x, from));
}

TEST(SecondOrderSamplers, AreFiniteDifferencesOfTheDenoisingTrajectory) {
  const std::vector<Differences> methods = {
      {"euler", [](const std::vector<double>&, const Vector&, const Vector& x) { return 0.0 * x; }},
      {"heun",
       [](const std::vector<double>& l, const Vector&, const Vector& x) {
         return (l[1] / l[2] / (l[2] - l[1])) * (denoised(euler_to(x, l[1], l[2]), l[2]) - denoised(x, l[1]));
       }},
      {"dpm2",
       [](const std::vector<double>& l, const Vector&, const Vector& x) {
         const double middle = std::sqrt(l[1] * l[2]);
         return (l[1] / middle / ((l[2] - l[1]) / 2)) *
                (denoised(euler_to(x, l[1], middle), middle) - denoised(x, l[1]));
       }},
      // The last step was Euler's, so differences of eps are differences of D.
      {"ab2", [](const std::vector<double>& l, const Vector& before,
                 const Vector& x) { return (1 / (l[1] - l[0])) * (denoised(x, l[1]) - denoised(before, l[0])); }},
      {"ipndm2", [](const std::vector<double>& l, const Vector& before,
                    const Vector& x) { return (1 / (l[2] - l[1])) * (denoised(x, l[1]) - denoised(before, l[0])); }},
      {"dpmpp2m",
       [](const std::vector<double>& l, const Vector& before, const Vector& x) {
         return (std::log(l[1] / l[2]) / std::log(l[0] / l[1]) / (l[2] - l[1])) *
                (denoised(x, l[1]) - denoised(before, l[0]));
       }},
  };
  for (const std::vector<double>& levels : {std::vector{80.0, 30.0, 12.0}, {4.0, 2.0, 1.1}, {0.9, 0.4, 0.25}}) {
    const Vector before = levels[0] * kLatents;
    const Vector x = euler_to(before, levels[0], levels[1]);
    const std::vector<Rows> first = {states(before), states(x)};
    for (const Differences& method : methods) {
      const double q = levels[2] / levels[1];
      const Vector mean = denoised(x, levels[1]) + ((levels[2] - levels[1]) / 2) * method.derivative(levels, before, x);
      const Vector next = q * x + (1 - q) * mean;
      const OdeRun run{method.sampler, levels, first[0]};
      // Some ten roundings, of terms some times larger than the state.
      EXPECT_LE(difference(path_of(run, first).back(), next), 1e-14) << method.sampler << " to " << levels[2];
    }
  }
}

// Lu et al. 2022a, 2022b; Zhao et al. 2023: in the state u = alpha x of the process, with eps or x_0 at u and lambda =
// log(alpha/sigma). alpha and sigma are those of the process here, not of the VE frame.

struct Native {
  double alpha = 1;
  double sigma = 1;
  double lambda = 0;
};

class VpSteps : public testing::Test {
 protected:
  static Native at(const Process& process, double t) {
    const Marginal law = process.at(t);
    return {law.scale, law.noise, std::log(law.scale / law.noise)};
  }
  static Vector data(const Native& p, const Vector& u) { return denoised((1 / p.alpha) * u, p.sigma / p.alpha); }
  static Vector noise(const Native& p, const Vector& u) { return (1 / p.sigma) * (u - p.alpha * data(p, u)); }

  /// Four levels of the process, and states there that are on no particular path.
  void SetUp() override {
    for (const double t : {0.8, 0.62, 0.5, 0.35}) points.push_back(at(*process, t));
    for (std::size_t i = 0; i < 3; ++i) u.push_back((1 + 0.1 * static_cast<double>(i)) * kLatents);
  }

  /// Ours from the states at levels first to 2, to level 3.
  Vector ours(const std::string& sampler, std::size_t first, const SamplerOptions& options = {}) const {
    OdeRun run;
    run.sampler = sampler;
    run.process = process.get();
    run.options = options;
    for (std::size_t i = first; i < 4; ++i) run.levels.push_back(points[i].sigma / points[i].alpha);
    std::vector<Rows> before;
    for (std::size_t i = first; i < 3; ++i) before.push_back(states(u[i], 1 / points[i].alpha));
    run.start = before[0];
    return points[3].alpha * values(path_of(run, before).back());
  }

  void expect_same(const Vector& a, const Vector& b, const std::string& what) const {
    EXPECT_LE(difference(states(a), b), 1e-12) << what;
  }

  std::unique_ptr<const Process> process = make_vp();
  std::vector<Native> points;
  std::vector<Vector> u;
};

TEST_F(VpSteps, Ddim) {
  // Song et al. 2021, eq. 12: alpha_t x_0 + sigma_t eps.
  const Native& s = points[2];
  const Native& t = points[3];
  expect_same(ours("ddim", 2), t.alpha * data(s, u[2]) + t.sigma * noise(s, u[2]), "ddim");
}

TEST_F(VpSteps, DpmSolverMultistep) {
  const Native& s = points[2];
  const Native& t = points[3];
  const double h = t.lambda - s.lambda;
  const double r0 = (s.lambda - points[1].lambda) / h;
  const double r1 = (points[1].lambda - points[0].lambda) / h;
  for (const bool plus : {false, true}) {
    std::vector<Vector> m;  // newest first
    for (std::size_t i = 3; i-- > 0;) m.push_back(plus ? data(points[i], u[i]) : noise(points[i], u[i]));
    const Vector d10 = (1 / r0) * (m[0] - m[1]);
    const Vector d11 = (1 / r1) * (m[1] - m[2]);
    const Vector d1 = d10 + (r0 / (r0 + r1)) * (d10 - d11);
    const Vector d2 = (1 / (r0 + r1)) * (d10 - d11);
    Vector second;
    Vector heun;
    Vector third;
    if (plus) {
      const double phi_1 = std::expm1(-h);
      const double phi_2 = phi_1 / h + 1;
      const double phi_3 = phi_2 / h - 0.5;
      const Vector first = (t.sigma / s.sigma) * u[2] - (t.alpha * phi_1) * m[0];
      second = first - (0.5 * t.alpha * phi_1) * d10;
      heun = first + (t.alpha * phi_2) * d10;
      third = first + (t.alpha * phi_2) * d1 - (t.alpha * phi_3) * d2;
    } else {
      const double phi_1 = std::expm1(h);
      const double phi_2 = phi_1 / h - 1;
      const double phi_3 = phi_2 / h - 0.5;
      const Vector first = (t.alpha / s.alpha) * u[2] - (t.sigma * phi_1) * m[0];
      second = first - (0.5 * t.sigma * phi_1) * d10;
      heun = first - (t.sigma * phi_2) * d10;
      third = first - (t.sigma * phi_2) * d1 - (t.sigma * phi_3) * d2;
    }
    const std::string name = plus ? "dpmpp" : "dpm";
    SamplerOptions options;
    options.second_order = SecondOrder::kHeun;
    expect_same(ours(name + "2m", 1), second, name + "2m");
    expect_same(ours(name + "2m", 1, options), heun, name + "2m, heun");
    expect_same(ours(name + "3m", 0), third, name + "3m");
    if (!plus) expect_same(ours("deis-logrho1", 1), heun, "deis-logrho1");
  }
}

TEST_F(VpSteps, DpmSolverSinglestep) {
  const Native& s = points[2];
  const Native& t = points[3];
  const double h = t.lambda - s.lambda;
  const auto between = [&](double r) { return at(*process, process->time_of(std::exp(-(s.lambda + r * h)))); };
  for (const double r1 : {1.0 / 3, 0.5}) {
    const double r2 = 0.7;
    const Native s1 = between(r1);
    const Native s2 = between(r2);
    SamplerOptions options;
    options.r = r1;
    options.r2 = r2;
    const Vector x0 = data(s, u[2]);
    const Vector stage_data = (s1.sigma / s.sigma) * u[2] - (s1.alpha * std::expm1(-r1 * h)) * x0;
    const Vector d1 = data(s1, stage_data) - x0;
    expect_same(ours("dpmpp2s", 2, options),
                (t.sigma / s.sigma) * u[2] - (t.alpha * std::expm1(-h)) * (x0 + (0.5 / r1) * d1), "dpmpp2s");
    const Vector second_data = (s2.sigma / s.sigma) * u[2] - (s2.alpha * std::expm1(-r2 * h)) * x0 +
                               (r2 / r1 * s2.alpha * (std::expm1(-r2 * h) / (r2 * h) + 1)) * d1;
    expect_same(ours("dpmpp3s", 2, options),
                (t.sigma / s.sigma) * u[2] - (t.alpha * std::expm1(-h)) * x0 +
                    (t.alpha / r2 * (std::expm1(-h) / h + 1)) * (data(s2, second_data) - x0),
                "dpmpp3s");

    const Vector eps = noise(s, u[2]);
    const Vector stage = (s1.alpha / s.alpha) * u[2] - (s1.sigma * std::expm1(r1 * h)) * eps;
    const Vector e1 = noise(s1, stage) - eps;
    expect_same(ours("dpm2", 2, options),
                (t.alpha / s.alpha) * u[2] - (t.sigma * std::expm1(h)) * (eps + (0.5 / r1) * e1), "dpm2");
    const Vector second = (s2.alpha / s.alpha) * u[2] - (s2.sigma * std::expm1(r2 * h)) * eps -
                          (r2 / r1 * s2.sigma * (std::expm1(r2 * h) / (r2 * h) - 1)) * e1;
    expect_same(ours("dpm3s", 2, options),
                (t.alpha / s.alpha) * u[2] - (t.sigma * std::expm1(h)) * eps -
                    (t.sigma / r2 * (std::expm1(h) / h - 1)) * (noise(s2, second) - eps),
                "dpm3s");
  }
}

TEST_F(VpSteps, UniPc) {
  // Two steps, so that the second starts from what the corrector of the first made of its end; order 2 in the second
  // predictor is what order 1 in the first allows.
  const Native& a = points[1];
  const Native& b = points[2];
  const Native& t = points[3];
  const double h = b.lambda - a.lambda;
  const double k = t.lambda - b.lambda;
  for (const bool bh1 : {true, false}) {
    const auto scale = [&](double step) { return bh1 ? -step : std::expm1(-step); };
    const Vector ma = data(a, u[1]);
    const Vector predicted = (b.sigma / a.sigma) * u[1] - (b.alpha * std::expm1(-h)) * ma;
    const Vector mb = data(b, predicted);
    const Vector corrected = predicted - (b.alpha * scale(h) * 0.5) * (mb - ma);
    const Vector d1 = (1 / (-h / k)) * (ma - mb);
    const Vector expected =
        (t.sigma / b.sigma) * corrected - (t.alpha * std::expm1(-k)) * mb - (t.alpha * scale(k) * 0.5) * d1;
    OdeRun run;
    run.sampler = bh1 ? "unipc2-bh1" : "unipc2-bh2";
    run.levels = {a.sigma / a.alpha, b.sigma / b.alpha, t.sigma / t.alpha};
    run.start = states(u[1], 1 / a.alpha);
    expect_same(t.alpha * values(path_of(run).back()), expected, run.sampler);
  }
}

TEST(OdeSamplers, TakeStepsOfLowerOrderAtTheEnd) {
  // DPM-Solver-fast: the evaluations of the last steps are 2 and 1.
  OdeRun run{"dpm3s", {9, 5, 3, 1.5, 1}, states(kLatents, 9)};
  run.options.lower_order_final = true;
  const std::vector<Rows> path = path_of(run);
  const OdeRun second{"dpm2", {3, 1.5}, path[2]};
  EXPECT_EQ(values(path_of(second).back()), values(path[3]));
  const OdeRun first{"ddim", {1.5, 1}, path[3]};
  // The same formula in another order.
  EXPECT_LE(difference(path_of(first).back(), path[4].values()), 1e-15);
  EXPECT_EQ(evaluations_of({Points8(), find_sampler("dpm3s"), run.levels, nullptr, Start::kNoise, run.options}), 9U);
}

TEST(OdeSamplers, RefuseSharesOutOfRange) {
  for (const char* name : {"heun", "dpm2", "dpm3s", "dpmpp2s", "dpmpp3s"}) {
    for (const double r : {0.0, -0.5, 1.5, std::nan("")}) {
      SamplerOptions options;
      options.r = r;
      EXPECT_THROW(find_sampler(name).make(options), Error) << name << " " << r;
    }
  }
  SamplerOptions options;
  options.r = 0.5;
  for (const double r2 : {0.5, 0.3, 1.1, std::nan("")}) {
    options.r2 = r2;
    EXPECT_THROW(find_sampler("dpm3s").make(options), Error) << r2;
  }
}

TEST(OdeSamplers, DependOnTheProcessExactlyWhereTheyReferToItsTime) {
  const auto vp = make_vp();
  const auto flow = make_flow();
  for (const SamplerEntry& entry : samplers()) {
    if (entry.kind != SamplerKind::kOde) continue;
    OdeRun run;
    run.sampler = std::string(entry.name);
    run.levels = {19, 8, 4, 2, 1, 0.5, 0.01};
    run.start = states(kLatents, 19);
    const Rows in_sigma = path_of(run).back();
    run.process = vp.get();
    const double vp_gap = difference(path_of(run).back(), in_sigma.values());
    run.process = flow.get();
    const double flow_gap = difference(path_of(run).back(), in_sigma.values());
    if (entry.in_time) {
      EXPECT_GT(vp_gap, 1e-6) << entry.name;
      // dx/dt of the flow is that of dx/dsigma after dividing by 1 - t, so Euler's step is the same there.
      EXPECT_GT(flow_gap, entry.name == "euler" ? -1 : 1e-6) << entry.name;
    } else {
      EXPECT_EQ(vp_gap, 0) << entry.name;
      EXPECT_EQ(flow_gap, 0) << entry.name;
    }
  }
}

}  // namespace
}  // namespace scorefield
