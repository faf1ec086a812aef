#include "scorefield/base/names.h"

#include <gtest/gtest.h>

namespace scorefield {
namespace {

TEST(Names, EditDistanceOfTheClassicPairs) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("flaw", "lawn"), 2u);
  EXPECT_EQ(edit_distance("HEUN", "heun"), 0u);
  EXPECT_EQ(edit_distance("huen", "heun"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"), 3u);  // no edit within a swap
}

TEST(Names, SuggestsWhatIsNear) {
  const std::vector<std::string> names = {"euler", "heun", "polynomial", "karras", "posterior"};
  EXPECT_EQ(nearest_names("karas", names), (std::vector<std::string>{"karras"}));
  // Both begin with "po"; posterior is shorter, so nearer.
  EXPECT_EQ(nearest_names("po", names), (std::vector<std::string>{"posterior", "polynomial"}));
  EXPECT_TRUE(nearest_names("xyzzy", names).empty());
  EXPECT_EQ(unknown_name("solver", "hen", names), "unknown solver 'hen'; did you mean 'heun'?");
  EXPECT_EQ(unknown_name("solver", "q", {"a1", "b2"}), "unknown solver 'q'; there are: a1, b2");
}

}  // namespace
}  // namespace scorefield
