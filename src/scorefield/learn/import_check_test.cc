#include "scorefield/learn/import_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/learn/import_report.h"
#include "scorefield/learn/imported_model.h"
#include "scorefield/learn/library.h"
#include "scorefield/learn/own_samples.h"
#include "tests/paths.h"

namespace scorefield {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const std::string kModel = SCOREFIELD_SOURCE_DIR "/tests/models/gaussian-eps.pt";  // made by make.py there

/// Rows of the law that the network knows, data units: its means and deviations are for [-0.5, 0.5].
CheckRows gaussian_rows(std::size_t count, std::uint64_t seed = 7) {
  const std::vector<double> mean = {-0.5, 0.2, 0.6, 0.0};
  const std::vector<double> deviation = {0.1, 0.4, 0.2, 0.6};
  CheckRows rows{Rows(count, 4), {}};
  RandomStream(seed, Purpose::kTest).normals(rows.x0.values());
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < 4; ++k) rows.x0(i, k) = mean[k] + deviation[k] * rows.x0(i, k);
  }
  return rows;
}

struct Model {
  Declaration declaration = read_declaration_beside(kModel, {});
  std::shared_ptr<const Evaluator> network = open_network(kModel, declaration);
};

TEST(ImportCheck, MeasuresWhatTheDenoiserOfAKnownLawErrs) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const Model model;
  const CheckRows rows = gaussian_rows(4000);
  const ImportCheck check = check_import(model.network, model.declaration, rows, {.search = false}, {});
  ASSERT_EQ(check.levels.size(), 5U);
  for (const LevelCheck& level : check.levels) {
    // The law's values are independent: nothing is below the bound but by the sampling error of 4 * 4000 squares,
    // sqrt(2/16000) = 1.1 %, and the values' different weights; four times that.
    EXPECT_NEAR(level.error, level.bound, 0.06 * level.bound) << level.sigma;
    EXPECT_NEAR(level.calibration, 1, 0.06) << level.sigma;
  }
  EXPECT_EQ(verdict_of(check), ImportVerdict::kFits);
}

// The exact denoiser of values that are independent is as good as the bound, and no better: the hardest case.
TEST(ImportCheck, FewRowsDoNotMakeAPerfectDenoiserPoor) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const Model model;
  for (const std::size_t count : {16, 64}) {
    for (std::uint64_t seed = 100; seed < 120; ++seed) {
      const ImportCheck check =
          check_import(model.network, model.declaration, gaussian_rows(count, seed), {.search = false}, {});
      EXPECT_NE(verdict_of(check), ImportVerdict::kPoor) << count << " rows, seed " << seed;
    }
  }
  ImportCheck check;
  check.levels = {{.sigma = 1, .error = 0.12, .bound = 0.1, .excess_error = 0.004}};
  EXPECT_EQ(verdict_of(check), ImportVerdict::kPoor) << "five standard errors";
  check.levels[0].excess_error = 0.006;
  EXPECT_EQ(verdict_of(check), ImportVerdict::kFits) << "some three";
}

TEST(ImportCheck, FindsEveryPartThatIsWrong) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const Model model;
  const CheckRows rows = gaussian_rows(32);
  const ImportCheck right = check_import(model.network, model.declaration, rows, {.search = false}, {});
  EXPECT_EQ(better_declaration(right), nullptr);
  std::size_t told = 0;
  for (const Trial& wrong : right.singles) {
    if (!wrong.refused.empty() || wrong.ratio < kToldApart) continue;
    ++told;
    // Errors are finite there: the network takes any number.
    const ImportCheck check = check_import(model.network, wrong.declaration, rows, {.search = false}, {});
    const Trial* better = better_declaration(check);
    ASSERT_NE(better, nullptr) << wrong.change;
    // Back at the right value, or at one that cannot be told apart from it.
    EXPECT_NEAR(better->ratio * wrong.ratio, 1, 0.1) << wrong.change << " -> " << better->change;
    EXPECT_EQ(verdict_of(check), ImportVerdict::kBetter);
  }
  EXPECT_GT(told, 15U);
}

TEST(ImportCheck, FindsSeveralPartsThatAreWrongTogether) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const Model model;
  Declaration nothing;  // as if nobody had said anything
  nothing.shape = {1, 2, 2};
  ThreadPool pool(2);
  const ImportCheck check = check_import(model.network, nothing, gaussian_rows(64), {}, {.pool = &pool});
  EXPECT_GT(check.combinations_tried, 1000U);
  const Trial* better = better_declaration(check);
  ASSERT_NE(better, nullptr);
  EXPECT_EQ(better->declaration.predicts, "noise");
  EXPECT_EQ(better->declaration.low, -0.5);
  EXPECT_EQ(better->declaration.high, 0.5);
  const std::string text = import_text(check);
  EXPECT_THAT(text, HasSubstr("another declaration fits better"));
  EXPECT_EQ(import_json(check)["verdict"], "another fits better");
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    EXPECT_LE(end - at, 120U) << text.substr(at, end - at);
    at = end + 1;
  }
}

TEST(ImportCheck, DoesNotDependOnThreads) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const Model model;
  ThreadPool pool(3);
  const CheckRows rows = gaussian_rows(16);
  const auto report = [&](const Context& context) {
    return import_json(check_import(model.network, model.declaration, rows, {.search = false}, context)).dump();
  };
  EXPECT_EQ(report({}), report({.pool = &pool}));
}

TEST(ImportCheck, SaysWhereItCannotCheck) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const Model model;
  CheckRows far = gaussian_rows(16);
  for (double& value : far.x0.values()) value *= 1e4;
  EXPECT_THAT([&] { check_import(model.network, model.declaration, far, {}, {}); },
              ThrowsMessage<Error>(HasSubstr("are range and process right?")));
}

TEST(OwnSamples, AreOfTheLawThatTheNetworkKnows) {
  if (!why_no_networks().empty()) GTEST_SKIP() << why_no_networks();
  const Model model;
  const auto field = make_imported_field(model.network, model.declaration);
  const Rows rows = own_samples(*field, sigma_range(model.declaration), 256, -1, {});
  for (std::size_t k = 0; k < 4; ++k) {
    double mean = 0;
    double square = 0;
    for (std::size_t i = 0; i < 256; ++i) {
      mean += rows(i, k) / 256;
      square += rows(i, k) * rows(i, k) / 256;
    }
    const std::vector<double> means = {-0.5, 0.2, 0.6, 0.0};
    const std::vector<double> deviations = {0.1, 0.4, 0.2, 0.6};
    // Sampling errors of 256 rows, four of them: 1/16 and 1/22 of the deviation; the solver adds a percent or so.
    EXPECT_NEAR(mean, means[k], 0.3 * deviations[k]) << k;
    EXPECT_NEAR(std::sqrt(square - mean * mean), deviations[k], 0.2 * deviations[k]) << k;
  }
}

}  // namespace
}  // namespace scorefield
