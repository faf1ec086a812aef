#include "scorefield/cli/field_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scorefield/base/error.h"

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
  const ChosenField chosen = choose_field(arguments, pets({"cat", "dog", "cow"}), {});
  EXPECT_EQ(chosen.label(), 1);
  const Rows x(1, 1);
  const double sigma = 1;
  const int label = chosen.label();
  // Class 1 has one row, 1.
  EXPECT_EQ(chosen.field().ask(x.view(), {&sigma, 1}, {&label, 1}, {}, {}).denoised(0, 0), 1);
}

}  // namespace
}  // namespace scorefield
