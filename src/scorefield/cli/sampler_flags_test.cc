#include "scorefield/cli/sampler_flags.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

TEST(SamplerFlags, EveryOptionOfASolverIsAFlag) {
  std::set<std::string_view> flags;
  for (const SamplerOptionFlag& flag : sampler_option_flags()) flags.insert(flag.name);
  for (const SamplerEntry& entry : samplers()) {
    for (const std::string_view option : entry.options) EXPECT_TRUE(flags.contains(option)) << entry.name << option;
  }
}

struct Parsed {
  CLI::App app;
  SamplerArguments arguments;
  explicit Parsed(const std::string& text) {
    app.option_defaults()->take_last();
    add_sampler_arguments(app, arguments);
    app.parse(text);
  }
};

TEST(SamplerFlags, WriteTheOptionsThatTheSolverReads) {
  const Parsed heun("--solver heun --r 0.25");
  EXPECT_EQ(chosen_solver(heun.app, heun.arguments).name, "heun");
  EXPECT_EQ(heun.arguments.options.r, 0.25);
  const Parsed ab("--solver lms --lower-order-final");
  EXPECT_EQ(chosen_solver(ab.app, ab.arguments).name, "ab4");
  EXPECT_TRUE(ab.arguments.options.lower_order_final);
  const Parsed noisy("--eta 0.5 --s-noise 1.5");
  EXPECT_EQ(noisy.arguments.options.eta, 0.5);
  EXPECT_EQ(noisy.arguments.options.s_noise, 1.5);
  EXPECT_THROW(chosen_solver(noisy.app, noisy.arguments), Error);
  const Parsed unset("--solver heun --lower-order-final=false");
  EXPECT_EQ(chosen_solver(unset.app, unset.arguments).name, "heun");
}

TEST(SamplerFlags, AMultistepSolverTakesAsManyStepsAsItsOrder) {
  for (const SamplerEntry& entry : samplers()) {
    const auto order = static_cast<std::size_t>(entry.order);
    EXPECT_NO_THROW(check_order(entry, {}, order)) << entry.name;
    if (order == 1) continue;
    if (entry.make({})->memory() > 1) {
      EXPECT_THROW(check_order(entry, {}, order - 1), Error) << entry.name;
    } else {
      EXPECT_NO_THROW(check_order(entry, {}, order - 1)) << entry.name;
    }
  }
}

}  // namespace
}  // namespace scorefield
