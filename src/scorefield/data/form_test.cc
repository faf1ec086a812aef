#include "scorefield/data/form.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

DataForm form() {
  const Dataset data = make_dataset<std::uint8_t>("tiny", std::vector<std::uint8_t>(2 * 12, 7), {3, 2, 2}, kImageUnits,
                                                  {0, 1}, {"cat", "dog"});
  return form_of(data);
}

TEST(DataForm, KeepsWhatTheDataSetLooksLike) {
  const DataForm made = form();
  EXPECT_EQ(made.dimension(), 12U);
  EXPECT_TRUE(made.is_picture());
  EXPECT_TRUE(made.eight_bit);
  EXPECT_EQ(made.classes, 2U);
  const auto back = nlohmann::json(made).get<DataForm>();
  EXPECT_EQ(back.name, "tiny");
  EXPECT_EQ(back.digest, made.digest);
  EXPECT_EQ(back.shape, made.shape);
  EXPECT_EQ(back.affine, made.affine);
  EXPECT_EQ(back.label_names, made.label_names);
  EXPECT_TRUE(back.eight_bit);
}

TEST(DataForm, RefusesWhatNoDataSetLooksLike) {
  const nlohmann::json sound = form();
  const auto broken = [&](const char* key, const nlohmann::json& value) {
    nlohmann::json json = sound;
    json[key] = value;
    return json;
  };
  for (const nlohmann::json& json :
       {broken("shape", {3, 2}), broken("shape", {0}), broken("shape", {1, 1 << 20, 1}), broken("shape", "x"),
        broken("shape", {-1}), broken("scale", 0), broken("scale", nullptr), broken("classes", 1),
        broken("classes", 1e12), broken("name", 3), broken("eight_bit", 1), nlohmann::json::array()}) {
    EXPECT_THROW((void)json.get<DataForm>(), Error) << json;
  }
}

}  // namespace
}  // namespace scorefield
