#include "scorefield/search/schedule_spellings.h"

#include <gtest/gtest.h>

namespace scorefield {
namespace {

std::string text_of(const std::vector<ScheduleSpelling>& all, const std::string& system) {
  for (const ScheduleSpelling& spelling : all) {
    if (spelling.system == system) return spelling.text;
  }
  return "none";
}

TEST(ScheduleSpellings, ListTheLastZeroWhereTheSystemWantsIt) {
  const auto to_zero = schedule_spellings({80, 10.9836, 0.1, 0}, false);
  EXPECT_EQ(text_of(to_zero, "scorefield"), "--sigmas 80,10.9836,0.1,0 --end zero");
  EXPECT_EQ(text_of(to_zero, "edm"), "--t_steps=\"[80, 10.9836, 0.1]\"");
  EXPECT_EQ(text_of(to_zero, "diffusers"), "sigmas=[80, 10.9836, 0.1]");
  EXPECT_EQ(text_of(to_zero, "comfyui"), "80, 10.9836, 0.1, 0");
  const auto to_sigma_min = schedule_spellings({80, 0.002}, true);
  EXPECT_EQ(text_of(to_sigma_min, "scorefield"), "--sigmas 80,0.002 --end sigma-min --afs");
  EXPECT_EQ(text_of(to_sigma_min, "comfyui"), "80, 0.002");
}

}  // namespace
}  // namespace scorefield
