#include "scorefield/data/zip.h"

#include "scorefield/data/zip_test.h"

namespace scorefield {
namespace {

using testing_support::expect_error;
using testing_support::make_zip;
using testing_support::ZipEnd;
using testing_support::ZipPart;

ZipArchive open(const std::string& bytes) {
  return ZipArchive(make_blob("a.zip", bytes));
}

std::string content(const ZipArchive& archive, const std::string& name, const Context& context = {}) {
  const Blob blob = archive.read(*archive.find(name), context);
  return {reinterpret_cast<const char*>(blob.bytes.data()), blob.bytes.size()};
}

TEST(Zip, ReadsStoredDeflatedAndZip64) {
  const std::string text(1000, 'x');
  for (const bool is_zip64 : {false, true}) {
    std::vector<ZipPart> parts = {{"b/", ""}, {"b/stored", text}, {"a", text, 8}};
    for (ZipPart& part : parts) part.is_zip64 = is_zip64;
    ZipEnd end;
    end.is_zip64 = is_zip64;
    end.comment = "a comment";
    const ZipArchive archive = open(make_zip(parts, end));
    ASSERT_EQ(archive.entries().size(), 3u);
    EXPECT_TRUE(archive.entries()[0].is_folder());
    EXPECT_EQ(content(archive, "b/stored"), text);
    EXPECT_EQ(content(archive, "a"), text);
    EXPECT_EQ(archive.find("c"), nullptr);
  }
}

TEST(Zip, TakesSizesThatFollowTheContent) {
  ZipPart part{"a", "abc"};
  part.flags = 8;
  part.local_size = 0;
  EXPECT_EQ(content(open(make_zip({part})), "a"), "abc");
}

TEST(Zip, AnEmptyArchiveHasNoEntries) {
  EXPECT_TRUE(open(make_zip({})).entries().empty());
}

TEST(Zip, RefusesABrokenDirectory) {
  const std::string good = make_zip({{"a", "abc"}, {"b", "def"}});
  for (std::size_t size = 0; size < good.size(); ++size) {
    expect_error([&] { open(good.substr(0, size)); }, "no zip directory at the end");
  }
  expect_error([&] { open(good + "x"); }, "no zip directory at the end of the file; it is cut short or not a zip");
  const auto with = [](auto change) {
    ZipEnd end;
    change(end);
    return [end] { open(make_zip({{"a", "abc"}}, end)); };
  };
  expect_error(with([](ZipEnd& e) { e.disk = 1; }), "a zip of several disks");
  expect_error(with([](ZipEnd& e) { e.offset = 9999; }), "does not lie before its end record");
  expect_error(with([](ZipEnd& e) { e.size = 0xFFFFFFFE; }), "does not lie before its end record");
  expect_error(with([](ZipEnd& e) { e.count = 2; }), "2 entries do not fit a zip directory of 47 bytes");
  expect_error(with([](ZipEnd& e) { e.count = 0xFFFF; }), "the zip64 directory is missing");
  expect_error(with([](ZipEnd& e) { e.offset = 2; }), "expected an entry of the zip directory");
  expect_error(with([](ZipEnd& e) {
                 e.is_zip64 = true;
                 e.offset = ~std::uint64_t{0};
               }),
               "does not lie before its end record");
  expect_error(with([](ZipEnd& e) {
                 e.is_zip64 = true;
                 e.count = std::uint64_t{1} << 60;
               }),
               "entries do not fit");
  // The place of the zip64 record leads nowhere, or to something else.
  ZipEnd end64;
  end64.is_zip64 = true;
  std::string far = make_zip({{"a", "abc"}}, end64);
  far.replace(far.size() - 22 - 12, 8, testing_support::little_endian(std::uint64_t{1} << 50, 8));
  expect_error([&] { open(far); }, "the zip refers beyond its end");
  far.replace(far.size() - 22 - 12, 8, testing_support::little_endian(0, 8));
  expect_error([&] { open(far); }, "the zip64 directory is missing");
}

TEST(Zip, RefusesHostileEntries) {
  const auto with = [](auto change) {
    ZipPart part{"a", "abc"};
    change(part);
    return [part] { open(make_zip({part})); };
  };
  for (const char* name : {"../a", "/a", "a/../../b", "..", "C:a", "a\\b", "a/.."}) {
    expect_error(with([&](ZipPart& p) { p.name = name; }), "leads out of the zip");
  }
  EXPECT_NO_THROW(with([](ZipPart& p) { p.name = "a..b/..c"; })());
  expect_error(with([](ZipPart& p) { p.name = ""; }), "empty or broken name");
  expect_error(with([](ZipPart& p) { p.name = std::string("a\0b", 3); }), "empty or broken name");
  expect_error(with([](ZipPart& p) { p.flags = 1; }), "the entry 'a' is encrypted");
  expect_error(with([](ZipPart& p) { p.method = 12; }), "packed by method 12; read are stored (0) and deflated (8)");
  expect_error(with([](ZipPart& p) { p.local_name = "b"; }),
               "the header of the entry 'a' and the zip directory disagree");
  expect_error(with([](ZipPart& p) { p.local_size = 4; }), "disagree");
  expect_error(with([](ZipPart& p) { p.offset = 1; }), "expected the header of the entry 'a'");
  expect_error(with([](ZipPart& p) { p.offset = 500; }), "the zip refers beyond its end");
  expect_error(with([](ZipPart& p) { p.size = p.compressed_size = 300; }), "run into the zip directory");
  expect_error(with([](ZipPart& p) { p.size = 4; }), "cannot hold 4 bytes in 3");
  expect_error(with([](ZipPart& p) {
                 p.method = 8;
                 p.size = 1'000'000;
               }),
               "cannot hold 1000000 bytes in");
  expect_error([] { open(make_zip({{"a", "abc"}, {"b", "x"}, {"a", "def"}})); }, "a.zip: the entry 'a' comes twice");
}

TEST(Zip, RefusesEntriesThatOverlap) {
  ZipPart one{"a", std::string(100, 'x')};
  ZipPart two = one;
  two.offset = 0;  // the same bytes again under the same name in the local header: a quine's trick
  two.name = "b";
  two.local_name = "a";
  expect_error([&] { open(make_zip({one, two})); }, "disagree");
  // An entry whose content holds another entry.
  const std::string inner = make_zip({{"b", "x"}});
  ZipPart outer{"a", inner};
  ZipPart inside{"b", "x"};
  inside.offset = 31;
  expect_error([&] { open(make_zip({outer, inside})); }, "two entries of the zip overlap");
}

TEST(Zip, RefusesBrokenZip64Fields) {
  ZipPart part{"a", "abc"};
  part.is_zip64 = true;
  std::string zip = make_zip({part});
  const std::size_t local_field = 31;
  zip[local_field + 2] = 8;  // room for one number where two are needed
  expect_error([&] { open(zip); }, "a zip64 field is too short");
  zip[local_field + 2] = 99;
  expect_error([&] { open(zip); }, "an extra field of the zip is longer than its entry says");
}

TEST(Zip, ContentIsCheckedWhenItIsRead) {
  ZipPart part{"a", "abcabcabc", 8};
  part.size = 8;
  expect_error([&] { content(open(make_zip({part})), "a"); }, "a.zip: a: does not inflate to the 8 bytes");
  part.size = 10;
  expect_error([&] { content(open(make_zip({part})), "a"); }, "does not inflate to the 10 bytes");
  part.size.reset();
  part.crc = 1;
  expect_error([&] { content(open(make_zip({part})), "a"); }, "a.zip: a: its CRC-32 is wrong");
  part.method = 0;
  expect_error([&] { content(open(make_zip({part})), "a"); }, "its CRC-32 is wrong");
  Context small;
  small.memory_limit = 1000;
  expect_error([&] { content(open(make_zip({{"a", std::string(2000, 'x'), 8}})), "a", small); }, "memory limit");
}

}  // namespace
}  // namespace scorefield
