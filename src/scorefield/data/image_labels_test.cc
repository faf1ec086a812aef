#include "scorefield/data/image_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

ImageLabels from_json(const std::string& text, const std::vector<std::string>& files = {"a.png", "b.png"}) {
  return labels_from_json(make_blob("dataset.json", text), files, {});
}

TEST(ImageLabels, FirstFoldersInBytewiseOrder) {
  const ImageLabels labels = labels_from_folders({"b/1.png", "b/x/2.png", "B/1.png", "10/0.png", "9/0.png"}, "set");
  EXPECT_THAT(labels.names, ElementsAre("10", "9", "B", "b"));
  EXPECT_THAT(labels.labels, ElementsAre(3, 3, 2, 0, 1));
}

TEST(ImageLabels, OneFolderTellsNothing) {
  EXPECT_THAT(labels_from_folders({"a.png", "b.png"}, "set").labels, IsEmpty());
  EXPECT_THAT(labels_from_folders({"x/a.png", "x/y/b.png"}, "set").labels, IsEmpty());
}

TEST(ImageLabels, FilesBesideFoldersAreAnError) {
  EXPECT_THAT(
      [] {
        labels_from_folders({"cat/1.png", "x.png"}, "set");
      },
      ThrowsMessage<Error>("set: 'x.png' lies beside the folder 'cat', so its label is not known; put every "
                           "image into the folder of its class, or add a dataset.json with {\"labels\": null}"));
}

TEST(ImageLabels, JsonGivesEachFileItsLabel) {
  const ImageLabels labels = from_json(R"({"other": {"labels": [[1]], "x": [null, true, -1, 2.5, "s"]},
      "labels": [["b.png", 6], ["a.png", 0], ["gone.png", 1]], "more": [[["deep"]]]})");
  EXPECT_THAT(labels.labels, ElementsAre(0, 6));
  EXPECT_THAT(labels.names, IsEmpty());
  EXPECT_EQ(labels.unused, 1U);
}

TEST(ImageLabels, JsonMaySayThatThereAreNone) {
  EXPECT_THAT(from_json(R"({"labels": null})").labels, IsEmpty());
  EXPECT_THAT(from_json("{}").labels, IsEmpty());
}

TEST(ImageLabels, OtherJsonIsAnError) {
  for (const char* text :
       {"null", "7", "[]", "\"labels\"", R"({"labels": 7})", R"({"labels": {}})", R"({"labels": ["a.png", 1]})",
        R"({"labels": [[1, "a.png"]]})", R"({"labels": [[["a.png"]]]})", R"({"labels": [null]})",
        R"({"labels": [true]})", R"({"labels": [[]]})"}) {
    EXPECT_THAT([&] { from_json(text); }, ThrowsMessage<Error>(HasSubstr("dataset.json: no list of labels; expected")))
        << text;
  }
  for (const char* text :
       {R"({"labels": [["a.png"]]})", R"({"labels": [["a.png", -1]]})", R"({"labels": [["a.png", 1.5]]})",
        R"({"labels": [["a.png", 1000001]]})", R"({"labels": [["a.png", 1, 2]]})", R"({"labels": [["a.png", [0, 1]]]})",
        R"({"labels": [["a.png", "1"]]})", R"({"labels": [["a.png", null]]})"}) {
    EXPECT_THAT([&] { from_json(text); }, ThrowsMessage<Error>(HasSubstr("not a label, near 'a.png'; expected")))
        << text;
  }
}

TEST(ImageLabels, BrokenJsonIsAnErrorAtItsByte) {
  EXPECT_THAT([] { from_json(R"({"labels": [["a.png", 1])"); },
              ThrowsMessage<Error>("dataset.json: byte 25: not JSON"));
  EXPECT_THAT([] { from_json(""); }, ThrowsMessage<Error>(HasSubstr("not JSON")));
  // A million brackets must not overflow a stack.
  EXPECT_THAT([] { from_json("{\"x\": " + std::string(1 << 20, '[')); }, ThrowsMessage<Error>(HasSubstr("not JSON")));
}

TEST(ImageLabels, LongJsonIsOverTheMemoryLimit) {
  Context context;
  context.memory_limit = 1 << 20;
  const Blob json = make_blob("dataset.json", std::string(1 << 18, ' ') + "{}");
  EXPECT_THAT([&] { labels_from_json(json, {}, context); },
              ThrowsMessage<Error>(HasSubstr("dataset.json needs 2.1 MiB, over the memory limit of 1 MiB")));
}

TEST(ImageLabels, WhatComesTwiceOrIsMissingIsAnError) {
  EXPECT_THAT([] { from_json(R"({"labels": [["a.png", 1], ["a.png", 1]]})"); },
              ThrowsMessage<Error>("dataset.json: 'a.png' has two labels"));
  EXPECT_THAT([] { from_json(R"({"labels": null, "labels": []})"); },
              ThrowsMessage<Error>("dataset.json: the key 'labels' comes twice"));
  EXPECT_THAT([] { from_json(R"({"labels": [["a.png", 1]]})"); },
              ThrowsMessage<Error>("dataset.json: no label for 'b.png'"));
}

}  // namespace
}  // namespace scorefield
