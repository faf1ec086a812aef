#include "scorefield/base/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace scorefield {
namespace {

std::string digest(const std::string& text) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.hex();
}

// FIPS 180-4 examples.
TEST(Sha256, KnownDigests) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesAreSplit) {
  const std::string text(1000, 'x');
  Sha256 hash;
  for (std::size_t i = 0; i < text.size(); i += 7) {
    hash.update(std::as_bytes(std::span(text)).subspan(i, std::min<std::size_t>(7, text.size() - i)));
  }
  EXPECT_EQ(hash.hex(), digest(text));
}

}  // namespace
}  // namespace scorefield
