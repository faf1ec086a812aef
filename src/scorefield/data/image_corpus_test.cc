#include "scorefield/data/corpus_test.h"
#include "scorefield/data/hostile_images_test.h"

namespace scorefield {
namespace {

using testing_support::expect_corpus_reaches_messages;

TEST(ImageCorpus, PngReachesEveryMessage) {
  expect_corpus_reaches_messages("png", {"png.cc"}, hostile::read_png_input, {"cannot encode a PNG"});
}

TEST(ImageCorpus, JpegReachesEveryMessage) {
  expect_corpus_reaches_messages("jpeg", {"jpeg.cc"}, hostile::read_jpeg_input);
}

TEST(ImageCorpus, EdmZipReachesEveryMessage) {
  expect_corpus_reaches_messages("edm_zip", {"image_set.cc", "image_labels.cc"}, hostile::read_edm_zip_input);
}

TEST(ImageCorpus, NamedPlacesAreReached) {
  // Texts that libpng, libjpeg and we put behind "damaged": the seeds go that deep.
  const auto reached = [](const char* reader, const char* seed, const auto& read) {
    Blob blob = map_blob(std::filesystem::path(SCOREFIELD_SOURCE_DIR) / "fuzz" / "corpus" / reader / seed);
    const std::vector<std::string> errors = read(blob);
    return errors.empty() ? std::string("sound") : errors[0].substr(blob.name.size());
  };
  const auto png = [&](const char* seed) { return reached("png", seed, hostile::read_png_input); };
  const auto jpeg = [&](const char* seed) { return reached("jpeg", seed, hostile::read_jpeg_input); };
  EXPECT_NE(png("memory").find("over the memory limit"), std::string::npos);
  for (const char* seed : {"grey", "rgb", "palette", "palette-alpha", "grey-key", "grey-alpha", "rgba", "bit",
                           "two-bits", "sixteen-bits", "sixteen-bits-rgba", "interlaced", "filters", "text"}) {
    EXPECT_EQ(png(seed), "sound") << seed;
  }
  EXPECT_EQ(jpeg("scans"), ": damaged JPEG: more than 100 scans");
  EXPECT_NE(jpeg("memory").find("over the memory limit"), std::string::npos);
  for (const char* seed : {"grey", "colour", "cmyk", "progressive", "arithmetic", "restart", "adobe-ycck", "turned",
                           "turned-big-endian"}) {
    EXPECT_EQ(jpeg(seed), "sound") << seed;
  }
}

}  // namespace
}  // namespace scorefield
