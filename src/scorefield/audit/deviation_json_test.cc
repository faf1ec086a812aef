#include "scorefield/audit/deviation_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace scorefield {
namespace {

TEST(DeviationJson, HoldsEveryNumber) {
  const std::vector<NoisedDeviation> noised = {{80, {1, 0.1}, {2, 0.2}, {3, 0.3}}};
  TrajectoryDeviations runs;
  runs.levels = {{5, {4, 0.4}, {5, 0.5}, {6, 0.6}, {7, 0.7}}};
  runs.ends = {8, 0.8};
  const nlohmann::json json = deviation_json(noised, runs);
  const auto mean = [](double value, double error) {
    return nlohmann::json{{"value", value}, {"standard_error", error}};
  };
  EXPECT_EQ(
      json["noised"][0],
      (nlohmann::json{
          {"sigma", 80.0}, {"apart", mean(1, 0.1)}, {"model_error", mean(2, 0.2)}, {"exact_error", mean(3, 0.3)}}));
  EXPECT_EQ(json["trajectories"]["levels"][0], (nlohmann::json{{"sigma", 5.0},
                                                               {"states", mean(4, 0.4)},
                                                               {"denoised", mean(5, 0.5)},
                                                               {"on_model", mean(6, 0.6)},
                                                               {"on_exact", mean(7, 0.7)}}));
  EXPECT_EQ(json["trajectories"]["ends"], mean(8, 0.8));
}

}  // namespace
}  // namespace scorefield
