#include "scorefield/data/corpus_test.h"

#include "scorefield/data/hostile_input_test.h"

namespace scorefield {
namespace {

using testing_support::expect_corpus_reaches_messages;
using testing_support::messages_in;

TEST(Corpus, MessagesAreFoundInSources) {
  const std::string source =
      "throw Error(fmt::format(\"{}: one\", a));\n  fail(\"two\");\n throw Error(\n   fmt::format(\"thr\"\n \"ee\", "
      "b));"
      "zip.fail(at, fmt::format(\"four\"));";
  EXPECT_EQ(messages_in(source), (std::vector<std::string>{"{}: one", "two", "three", "four"}));
  EXPECT_TRUE(testing_support::is_made_from("file: row 3 of 7", "{}: row {} of {}"));
  EXPECT_FALSE(testing_support::is_made_from("file: row 3", "{}: row {} of {}"));
}

TEST(Corpus, IdxReachesEveryMessage) {
  // What a folder lacks is no matter of bytes.
  expect_corpus_reaches_messages("idx", {"idx.cc", "inflate.cc"}, hostile::read_idx_input,
                                 {"{}: {}-images-idx3-ubyte is missing", "{}: the labels that go with"});
}

TEST(Corpus, NpyReachesEveryMessage) {
  // Asking an array for another type is the caller's doing.
  expect_corpus_reaches_messages("npy", {"npy.cc", "array.cc"}, hostile::read_npy_input, {"{}: holds {}, not {}"});
}

TEST(Corpus, NpzReachesEveryMessage) {
  expect_corpus_reaches_messages("npz", {"npz.cc", "zip.cc", "inflate.cc"}, hostile::read_npz_input);
}

TEST(Corpus, CifarReachesEveryMessage) {
  // Label names stand in another file.
  expect_corpus_reaches_messages("cifar", {"cifar.cc"}, hostile::read_cifar_input, {"{}: {} label names"});
}

TEST(Corpus, PointsReachEveryMessage) {
  expect_corpus_reaches_messages("points", {"points.cc"}, hostile::read_points_input);
}

}  // namespace
}  // namespace scorefield
