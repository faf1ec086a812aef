#include "scorefield/sample/sampling_run.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "scorefield/base/test_folder_test.h"
#include "scorefield/field/empirical.h"

namespace scorefield {
namespace {

/// Euler's method that asks again for every second sample of a batch, as an adaptive one might.
class AsksAgain final : public Sampler {
 public:
  void step(const Step& step) override {
    for (std::size_t i = 1; i < step.next.rows; i += 2) {
      (void)step.ask(step.now().x.view().slice(i, 1), std::span(&step.from.sigma, 1), std::span(&i, 1));
    }
    Combination states;
    states.add_x(1, step.now()).add_noise(step.to.sigma - step.from.sigma, step.now());
    step.finish(states);
  }
};

TEST(SamplingRun, CountsTheEvaluationsOfEachSample) {
  const SamplerEntry adaptive{
      .name = "adaptive",
      .summary = "asks again",
      .evaluations_per_step = 0,
      .make = [](const SamplerOptions&) -> std::unique_ptr<Sampler> { return std::make_unique<AsksAgain>(); }};
  const Dataset data = make_dataset<double>("points", {0, 0, 1, 0, 0, 1, 3, 4}, {2});
  const Empirical field(data, {}, {});
  SamplingRun run{.data = &data,
                  .form = form_of(data),
                  .sampling = {.field = field, .sampler = adaptive, .levels = {9, 3, 1, 0}},
                  .seeds = {0, 1, 2, 3, 4},
                  .batch = 3};
  run.second_moment = second_moment(field);
  EXPECT_FALSE(evaluations_of(run).has_value());
  const TestFolder path;
  {
    RunFolder folder = RunFolder::take(path);
    folder.begin(nlohmann::json::object());
    const SamplingReport report = run_sampling(run, folder, {});
    // Batches of 3 and 2: samples 1 and 4 are asked for twice a step.
    EXPECT_EQ(report.least_evaluations, 3u);
    EXPECT_EQ(report.most_evaluations, 6u);
    EXPECT_DOUBLE_EQ(report.mean_evaluations, 21.0 / 5);
    const nlohmann::json json = read_json(folder / "report.json", {});
    EXPECT_DOUBLE_EQ(json["nfe"], 21.0 / 5);
    EXPECT_EQ(json["nfe_least"], 3);
    EXPECT_EQ(json["nfe_most"], 6);
  }
}

TEST(SamplingRun, NeedsNoDataToHoldItsSamplesAgainst) {
  const Dataset data =
      make_dataset<std::uint8_t>("images", std::vector<std::uint8_t>(3 * 4, 200), {1, 2, 2}, kImageUnits);
  const Empirical field(data, {}, {});
  SamplingRun run{.form = {.shape = {1, 2, 2}},
                  .sampling = {.field = field, .sampler = find_sampler("heun"), .levels = {9, 1, 0}},
                  .seeds = {0, 1, 2},
                  .batch = 2};
  const TestFolder path;
  {
    RunFolder folder = RunFolder::take(path);
    folder.begin(nlohmann::json::object());
    const SamplingReport report = run_sampling(run, folder, {});
    EXPECT_TRUE(report.complete);
    EXPECT_EQ(report.copies.share.total, 0u);
    EXPECT_TRUE(read_json(folder / "report.json", {})["copies"].is_null());
    for (const char* const file : {"samples.npz", "grid.png", "paths.png", "images/000002.png"}) {
      EXPECT_TRUE(std::filesystem::exists(folder / file)) << file;
    }
    EXPECT_FALSE(std::filesystem::exists(folder / "nearest.npz"));
    EXPECT_FALSE(std::filesystem::exists(folder / "nearest.png"));
  }
}

}  // namespace
}  // namespace scorefield
