#include "scorefield/cli/field_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/field/empirical.h"

namespace scorefield {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

Dataset pets(std::vector<std::string> names) {
  return make_dataset<double>("pets", {0, 1, 2}, {1}, {}, {0, 1, 2}, std::move(names));
}

TEST(FieldFlags, AClassGoesByItsNumberOrItsName) {
  const Dataset named = pets({"cat", "dog", "7"});
  EXPECT_EQ(class_number("--class", "-1", named), -1);
  EXPECT_EQ(class_number("--class", "2", named), 2);
  EXPECT_EQ(class_number("--class", "dog", named), 1);
  EXPECT_THAT([&] { class_number("--class", "dgo", named); }, ThrowsMessage<Error>(HasSubstr("'dog'")));
  EXPECT_THAT([&] { class_number("--class", "7", named); }, ThrowsMessage<Error>(HasSubstr("go from 0 to 2")));
  EXPECT_THAT([&] { class_number("--class", "-2", named); }, ThrowsMessage<Error>(HasSubstr("'-2'")));
  EXPECT_THAT([&] { class_number("--class", "dog", pets({})); }, ThrowsMessage<Error>(HasSubstr("have no names")));
  const Dataset bare = make_dataset<double>("bare", {0, 1, 2}, {1});
  EXPECT_THAT([&] { class_number("--class", "0", bare); }, ThrowsMessage<Error>(HasSubstr("has no labels")));
}

TEST(FieldFlags, TheFieldIsThatOfTheData) {
  FieldArguments arguments;
  arguments.label = "dog";
  const ChosenField chosen = choose_field(arguments, {}, pets({"cat", "dog", "cow"}), {});
  EXPECT_EQ(chosen.label(), 1);
  const Rows x(1, 1);
  const double sigma = 1;
  const int label = chosen.label();
  // Class 1 has one row, 1.
  EXPECT_EQ(chosen.field().ask(x.view(), {&sigma, 1}, {&label, 1}, {}, {}).denoised(0, 0), 1);
}

Rows denoised(const ChosenField& chosen, const Rows& x) {
  const double sigma = 1;
  const int label = chosen.label();
  return chosen.field().ask(x.view(), {&sigma, 1}, {&label, 1}, {}, {}).denoised;
}

TEST(FieldFlags, GuidanceIsMadeOfTheFieldsThatTheFlagsName) {
  DataArguments ring;
  ring.data = "ring:n=64";
  const Dataset data = open_dataset(ring, {});
  const Empirical field(data, {.precision = Precision::kPrecise, .weights = {}}, {});
  const Empirical part(data.select(std::vector<std::size_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
                       {.precision = Precision::kPrecise, .weights = {}}, {});
  Rows x(1, 2);
  x(0, 0) = 1;
  const double sigma = 1;
  const auto conditional = [&](const Field& of, int label) {
    return of.ask(x.view(), {&sigma, 1}, {&label, 1}, {}, {}).denoised(0, 0);
  };
  FieldArguments arguments;
  arguments.precise = true;
  arguments.label = "2";
  arguments.guidance = 3;
  const auto expect = [&](double from, const char* text) {
    const ChosenField chosen = choose_field(arguments, ring, data, {});
    // Three terms of at most 12, rounded.
    EXPECT_NEAR(denoised(chosen, x)(0, 0), 3 * conditional(field, 2) - 2 * from, 1e-13) << chosen.text();
    EXPECT_THAT(chosen.text(), HasSubstr(text));
    EXPECT_TRUE(chosen.is_guided());
  };
  expect(conditional(field, -1), "class 2, guidance 3 away from the unconditional field");
  arguments.interval = "0.5,2";
  expect(conditional(field, -1), "for sigma from 0.5 to 2");
  arguments.guide_class = "5";
  expect(conditional(field, 5), "away from class 5");
  arguments.guide_class = "";
  arguments.classifier = "exact";
  expect(conditional(field, -1), "by the exact class posteriors");
  arguments.classifier = "";
  arguments.guide_subset = 12;
  expect(conditional(part, 2), "the same field of 12 rows");
  arguments.guide_class = "none";
  expect(conditional(part, -1), "the unconditional field of 12 rows");
  arguments.interval = "2,5";
  EXPECT_DOUBLE_EQ(denoised(choose_field(arguments, ring, data, {}), x)(0, 0), conditional(field, 2));
}

TEST(FieldFlags, RefusesGuidanceThatDoesNothing) {
  DataArguments ring;
  ring.data = "ring:n=64";
  const Dataset data = open_dataset(ring, {});
  const auto refused = [&](auto change, const char* why) {
    FieldArguments arguments;
    arguments.guidance = 3;
    arguments.label = "2";
    change(arguments);
    EXPECT_THAT([&] { choose_field(arguments, ring, data, {}); }, ThrowsMessage<Error>(HasSubstr(why)));
  };
  refused([](FieldArguments& a) { a.label = "-1"; }, "nothing to go away from");
  refused([](FieldArguments& a) { a.guide_class = "same"; }, "nothing to go away from");
  refused([](FieldArguments& a) { a.guide_class = "2"; }, "nothing to go away from");
  refused([](FieldArguments& a) { a.guide_class = "8"; }, "go from 0 to 7");
  refused([](FieldArguments& a) { a.interval = "5"; }, "two noise levels");
  refused([](FieldArguments& a) { a.interval = "5,1"; }, "between 5 and 1");
  refused([](FieldArguments& a) { a.guide_data = "swirl"; }, "swirl has no labels");
  refused([](FieldArguments& a) { a.guide_data = "mixture:d=3,rank=1"; }, "one shape");
  refused([](FieldArguments& a) { a.guide_subset = 1; }, "ring:n=64");
  refused(
      [](FieldArguments& a) {
        a.law = true;
        a.guide_subset = 1;
      },
      "no rows to leave out");
}

TEST(FieldFlags, ASubjectIsTheDataOrAModel) {
  DataArguments ring;
  ring.data = "ring:n=64";
  FieldArguments arguments;
  arguments.label = "2";
  const Subject subject = open_subject(arguments, ring, {});
  EXPECT_EQ(subject.name, "ring:n=64");
  ASSERT_TRUE(subject.rows.has_value());
  EXPECT_EQ(subject.data.size(), 64U);
  EXPECT_EQ(subject.chosen.label(), 2);
  EXPECT_FALSE(subject.range.has_value());
  EXPECT_EQ(subject.least_sigma(), 0);
  nlohmann::json config;
  put_subject(subject, config);
  EXPECT_EQ(config["data_digest"], subject.data.digest());
  EXPECT_FALSE(config.contains("model"));

  EXPECT_THAT([&] { open_subject(arguments, {}, {}); }, ThrowsMessage<Error>(HasSubstr("give --data, or --model")));
  arguments.model.model = "missing.pt";
  DataArguments none;
  none.subset = 3;
  EXPECT_THAT([&] { open_subject(arguments, none, {}); },
              ThrowsMessage<Error>(HasSubstr("--subset is about the rows")));
  none = {};
  none.units = "stored";
  EXPECT_THAT([&] { open_subject(arguments, none, {}); }, ThrowsMessage<Error>(HasSubstr("--units is about the rows")));
  EXPECT_THAT([&] { open_subject(arguments, none, {}, true); }, ThrowsMessage<Error>(HasSubstr("missing")))
      << "other rows may have units";
}

TEST(FieldFlags, AFieldIsTriedUnderTheLabelsThatItIsAskedWith) {
  DataArguments ring;
  ring.data = "ring:n=64";
  FieldArguments arguments;
  arguments.label = "2";
  arguments.guidance = 2;
  const Subject subject = open_subject(arguments, ring, {});
  EXPECT_NO_THROW(subject.chosen.try_at({80, 0.002}, {}));
  EXPECT_THAT([&] { subject.chosen.try_at({80, -1}, {}); }, ThrowsMessage<Error>(HasSubstr("-1")));
}

TEST(FieldFlags, NoiseLevelsEndWhereTheModelsDo) {
  ScheduleOptions typed;
  CLI::App command;
  command.add_option("--sigma-max", typed.sigma_max);
  command.add_option("--sigma-min", typed.sigma_min);
  EXPECT_EQ(fitted_to(typed, command, std::nullopt).sigma_max, 80);
  const SigmaRange range{0.02, 40.00001};
  const ScheduleOptions fitted = fitted_to(typed, command, range);
  EXPECT_EQ(fitted.sigma_max, range.most);
  EXPECT_EQ(fitted.sigma_min, range.least);
  nlohmann::json config = {{"options", {{"sigma-max", 80}}}};
  put_fitted(fitted, config);
  EXPECT_EQ(config["options"], (nlohmann::json{{"sigma-max", range.most}}))
      << "what the command has no flag for is not added";
  // As it is printed, in six digits.
  command.parse("--sigma-max 40 --sigma-min 0.02", false);
  EXPECT_EQ(fitted_to(typed, command, range).sigma_max, 40);
  command.parse("--sigma-max 40.0001 --sigma-min 0.02", false);
  EXPECT_EQ(fitted_to(typed, command, range).sigma_max, range.most);
  command.parse("--sigma-max 41", false);
  EXPECT_THAT(
      [&] { fitted_to(typed, command, range); },
      ThrowsMessage<Error>(HasSubstr("--sigma-max 41: the network knows noise levels from sigma = 0.02 to 40")));
  command.parse("--sigma-max 30 --sigma-min 0.01", false);
  EXPECT_THAT([&] { fitted_to(typed, command, range); }, ThrowsMessage<Error>(HasSubstr("--sigma-min 0.01")));
}

TEST(FieldFlags, TheLawIsThatOfASyntheticSet) {
  DataArguments ring;
  ring.data = "ring:n=64,radius=2,sd=0.1";
  const Dataset data = open_dataset(ring, {});
  FieldArguments arguments;
  arguments.law = true;
  // A ring of components of variance sd^2 a coordinate.
  EXPECT_NEAR(choose_field(arguments, ring, data, {}).field().variance(), 4 + 2 * 0.01, 1e-12);
  EXPECT_THAT([&] { choose_field(arguments, {}, data, {}); }, ThrowsMessage<Error>(HasSubstr("not known")));
  ring.classes = "0,1";
  EXPECT_THAT([&] { choose_field(arguments, ring, data, {}); }, ThrowsMessage<Error>(HasSubstr("drop --classes")));
}

}  // namespace
}  // namespace scorefield
