// Every kind of network: its tensors, its gradients against finite differences, and rows that do not see each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <ostream>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace net {

void PrintTo(const Architecture& architecture, std::ostream* out) {
  *out << architecture.kind;
}

}  // namespace net

namespace {

using net::Architecture;

std::vector<float> normals(std::uint64_t seed, std::size_t count) {
  std::vector<double> drawn(count);
  RandomStream(seed, Purpose::kTest).normals(drawn);
  return {drawn.begin(), drawn.end()};
}

/// Weights away from their start, where last layers are zero and most gradients with them.
std::vector<float> weights_of(const Architecture& architecture) {
  const auto layout = network_library().layout(architecture);
  std::vector<float> weights = normals(1, layout.back().offset + layout.back().size);
  for (const net::Tensor& tensor : layout) {
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      weights[i] = tensor.value + weights[i] * (tensor.deviation > 0 ? tensor.deviation : 0.1F);
    }
  }
  return weights;
}

struct Rows32 {
  std::vector<float> x;
  std::vector<float> label;
  std::vector<std::int32_t> classes;
  net::Batch batch(const Architecture& a) const {
    return {label.size(), x.data(), a.noise_label ? label.data() : nullptr, a.classes > 0 ? classes.data() : nullptr};
  }
};

Rows32 rows_of(const Architecture& architecture, std::size_t rows) {
  Rows32 made{normals(2, rows * architecture.input.size()), normals(3, rows), {}};
  for (std::size_t i = 0; i < rows; ++i) {
    made.label[i] *= 0.3F;
    made.classes.push_back(static_cast<std::int32_t>(i % (architecture.classes + 1)) - 1);
  }
  return made;
}

class Kinds : public testing::TestWithParam<Architecture> {};

double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// <cotangent, F> at weights + step * direction_w and x + step * direction_x.
double shifted(const Architecture& architecture, std::vector<float> weights, Rows32 rows,
               const std::vector<float>& cotangent, const std::vector<float>& direction_w,
               const std::vector<float>& direction_x, float step) {
  for (std::size_t i = 0; i < direction_w.size(); ++i) weights[i] += step * direction_w[i];
  for (std::size_t i = 0; i < direction_x.size(); ++i) rows.x[i] += step * direction_x[i];
  const auto network = network_library().make(architecture, weights.data(), net::Arithmetic::kFloat32);
  std::vector<float> out(cotangent.size());
  network->evaluate(rows.batch(architecture), out.data());
  return dot(cotangent, out);
}

TEST_P(Kinds, GradientsAgreeWithDifferences) {
  const Architecture& architecture = GetParam();
  const std::vector<float> weights = weights_of(architecture);
  const Rows32 rows = rows_of(architecture, 3);
  const auto network = network_library().make(architecture, weights.data(), net::Arithmetic::kFloat32);
  const std::vector<float> cotangent = normals(4, 3 * architecture.output.size());
  std::vector<float> out(cotangent.size());
  std::vector<float> gradient(weights.size());
  std::vector<float> x_gradient(rows.x.size());
  network->forward(rows.batch(architecture), out.data());
  network->pull_back(cotangent.data(), gradient.data(), x_gradient.data());

  // A central difference errs by f''' h^2 / 6 and by a rounding of 6e-8 |f| / h; along the gradient itself both are
  // small against its square at h where |h g| is a hundredth or so.
  const double norm_w = std::sqrt(dot(gradient, gradient));
  const double norm_x = std::sqrt(dot(x_gradient, x_gradient));
  ASSERT_GT(norm_w, 0);
  ASSERT_GT(norm_x, 0);
  const auto slope = [&](std::vector<float> w, std::vector<float> x, double norm) {
    for (float& v : w) v /= static_cast<float>(norm);
    for (float& v : x) v /= static_cast<float>(norm);
    const float h = 0.01F;
    return (shifted(architecture, weights, rows, cotangent, w, x, h) -
            shifted(architecture, weights, rows, cotangent, w, x, -h)) /
           (2 * static_cast<double>(h));
  };
  EXPECT_NEAR(slope(gradient, {}, norm_w), norm_w, 0.01 * norm_w);
  EXPECT_NEAR(slope({}, x_gradient, norm_x), norm_x, 0.01 * norm_x);
}

TEST_P(Kinds, GradientsAddUpAndWeightsAreReadAtEveryCall) {
  const Architecture& architecture = GetParam();
  std::vector<float> weights = weights_of(architecture);
  const Rows32 rows = rows_of(architecture, 2);
  const auto network = network_library().make(architecture, weights.data(), net::Arithmetic::kFloat32);
  const std::vector<float> cotangent = normals(5, 2 * architecture.output.size());
  std::vector<float> out(cotangent.size());
  std::vector<float> once(weights.size());
  std::vector<float> twice(weights.size());
  network->forward(rows.batch(architecture), out.data());
  network->pull_back(cotangent.data(), once.data(), nullptr);
  for (int i = 0; i < 2; ++i) {
    network->forward(rows.batch(architecture), out.data());
    network->pull_back(cotangent.data(), twice.data(), nullptr);
  }
  for (std::size_t i = 0; i < once.size(); ++i) ASSERT_EQ(twice[i], 2 * once[i]) << i;

  for (float& weight : weights) weight *= 1.5F;
  std::vector<float> moved(out.size());
  network->evaluate(rows.batch(architecture), moved.data());
  EXPECT_NE(moved, out);
}

/// What learn/evaluator.h builds on: at eight rows a row's bits depend neither on its slot nor on the other rows.
TEST_P(Kinds, ARowOfEightDoesNotSeeTheOthers) {
  const Architecture& architecture = GetParam();
  const std::vector<float> weights = weights_of(architecture);
  const auto network = network_library().make(architecture, weights.data(), net::Arithmetic::kFloat32);
  const std::size_t in = architecture.input.size();
  const std::size_t out = architecture.output.size();
  const Rows32 rows = rows_of(architecture, 8);
  std::vector<float> expected(8 * out);
  network->evaluate(rows.batch(architecture), expected.data());
  for (std::size_t slot = 0; slot < 8; ++slot) {
    // Row 5 among strangers.
    Rows32 others{normals(7 + slot, 8 * in), normals(20 + slot, 8), std::vector<std::int32_t>(8, -1)};
    std::memcpy(&others.x[slot * in], &rows.x[5 * in], in * sizeof(float));
    others.label[slot] = rows.label[5];
    others.classes[slot] = rows.classes[5];
    std::vector<float> found(8 * out);
    network->evaluate(others.batch(architecture), found.data());
    for (std::size_t k = 0; k < out; ++k) ASSERT_EQ(found[slot * out + k], expected[5 * out + k]) << slot << " " << k;
  }
}

double relative_distance(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return std::sqrt(dot(difference, difference) / dot(b, b));
}

/// Both factors of a product and the product itself are rounded to 8 bits, each by less than 2^-9 of it: less than
/// 3 * 2^-9 sqrt(n) after n products in a row whose errors are independent. These networks have at most 64 of them.
/// Well above float32's error too, or it would not be bfloat16.
TEST_P(Kinds, Bfloat16IsTheSameNetworkRoundedToEightBits) {
  const Architecture& architecture = GetParam();
  const std::vector<float> weights = weights_of(architecture);
  const Rows32 rows = rows_of(architecture, 8);
  const std::vector<float> cotangent = normals(4, 8 * architecture.output.size());
  std::vector<float> outputs[2];
  std::vector<float> gradients[2];
  for (const bool bf16 : {false, true}) {
    const auto network = network_library().make(architecture, weights.data(),
                                                bf16 ? net::Arithmetic::kBfloat16 : net::Arithmetic::kFloat32);
    outputs[bf16].resize(cotangent.size());
    gradients[bf16].resize(weights.size());
    network->forward(rows.batch(architecture), outputs[bf16].data());
    network->pull_back(cotangent.data(), gradients[bf16].data(), nullptr);
  }
  const double most = 3 * 0x1p-9 * std::sqrt(64.0);
  EXPECT_LT(relative_distance(outputs[1], outputs[0]), most);
  EXPECT_GT(relative_distance(outputs[1], outputs[0]), 1e-4);
  EXPECT_LT(relative_distance(gradients[1], gradients[0]), 2 * most);  // forward and back
}

TEST_P(Kinds, StartFromTheirLayout) {
  const auto layout = network_library().layout(GetParam());
  std::size_t end = 0;
  for (const net::Tensor& tensor : layout) {
    EXPECT_EQ(tensor.offset, end) << tensor.name;
    std::size_t size = 1;
    for (const std::size_t n : tensor.shape) size *= n;
    EXPECT_EQ(tensor.size, size) << tensor.name;
    end += size;
  }
}

TEST_P(Kinds, QuadraticFormsAreThoseOfTheJacobian) {
  const Architecture& architecture = GetParam();
  if (architecture.input.size() != architecture.output.size()) GTEST_SKIP() << "not a field";
  const std::vector<float> weights = weights_of(architecture);
  const Rows32 rows = rows_of(architecture, 2);
  const auto network = network_library().make(architecture, weights.data(), net::Arithmetic::kFloat32);
  const std::size_t d = architecture.input.size();
  const std::vector<float> probes = normals(6, 2 * 2 * d);
  std::vector<float> out(2 * d);
  std::vector<float> forms(2 * 2);
  network->forward_forms(rows.batch(architecture), probes.data(), 2, out.data(), forms.data());
  for (std::size_t k = 0; k < 2; ++k) {
    std::vector<float> probe(2 * d);
    for (std::size_t i = 0; i < 2; ++i) std::memcpy(&probe[i * d], &probes[(i * 2 + k) * d], d * sizeof(float));
    std::vector<float> product(2 * d);
    network->forward(rows.batch(architecture), out.data());
    network->pull_back(probe.data(), nullptr, product.data());
    for (std::size_t i = 0; i < 2; ++i) {
      double form = 0;
      double size = 0;
      for (std::size_t j = 0; j < d; ++j) {
        const double term = static_cast<double>(product[i * d + j]) * probe[i * d + j];
        form += term;
        size += std::abs(term);
      }
      EXPECT_NEAR(forms[i * 2 + k], form, 1e-5 * size);  // some hundred float32 roundings of the terms
    }
  }

  // The gradient of the forms, against a difference along itself.
  const std::vector<float> none(2 * d);
  const std::vector<float> form_cotangent = {1, -0.5F, 2, 1};
  std::vector<float> gradient(weights.size());
  network->forward_forms(rows.batch(architecture), probes.data(), 2, out.data(), forms.data());
  network->pull_back_forms(none.data(), form_cotangent.data(), gradient.data());
  const double norm = std::sqrt(dot(gradient, gradient));
  ASSERT_GT(norm, 0);
  const float h = 0.01F;
  double slope = 0;
  for (const float step : {h, -h}) {
    std::vector<float> moved = weights;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += step * gradient[i] / static_cast<float>(norm);
    const auto there = network_library().make(architecture, moved.data(), net::Arithmetic::kFloat32);
    there->forward_forms(rows.batch(architecture), probes.data(), 2, out.data(), forms.data());
    slope += (step > 0 ? 1 : -1) * dot(form_cotangent, forms) / (2 * static_cast<double>(h));
  }
  EXPECT_NEAR(slope, norm, 0.02 * norm);  // as above, with a second derivative more
}

Architecture mlp() {
  Architecture made;
  made.input = made.output = {2, 1, 1};
  made.width = 16;
  made.layers = 2;
  made.frequencies = 4;
  made.classes = 3;
  return made;
}

Architecture mlp_of_images() {
  Architecture made = mlp();
  made.input = made.output = {2, 3, 2};
  return made;
}

/// Two resolutions, the lower with attention.
Architecture unet() {
  Architecture made;
  made.kind = "unet";
  made.input = made.output = {2, 6, 4};
  made.width = 8;
  made.multipliers = {1, 2};
  made.blocks = 1;
  made.attention_below = 3;
  made.heads = 2;
  made.groups = 4;
  made.frequencies = 4;
  made.classes = 3;
  made.patch = 1;
  return made;
}

Architecture dit() {
  Architecture made = unet();
  made.kind = "dit";
  made.layers = 2;
  made.patch = 2;
  return made;
}

/// More tokens than a block of the products of attention has columns, and no multiple of its rows.
Architecture dit_of_many_tokens() {
  Architecture made = dit();
  made.input = made.output = {1, 9, 9};
  made.layers = made.patch = 1;
  return made;
}

Architecture encoder(const std::string& kind) {
  Architecture made = unet();
  made.kind = kind;
  made.output = {20, 1, 1};
  return made;
}

Architecture decoder() {
  Architecture made = encoder("decoder");
  std::swap(made.input, made.output);
  return made;
}

/// Without a noise label and classes, in patches where there are images.
Architecture bare(Architecture from) {
  from.noise_label = false;
  from.classes = 0;
  if (from.kind != "mlp") from.patch = 2;
  from.multipliers = {2};
  return from;
}

std::string name_of(const testing::TestParamInfo<Architecture>& info) {
  return info.param.kind + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(All, Kinds,
                         testing::Values(mlp(), mlp_of_images(), unet(), dit(), dit_of_many_tokens(),
                                         encoder("encoder"), encoder("classifier"), decoder(), bare(mlp()),
                                         bare(unet()), bare(encoder("encoder")), bare(encoder("classifier")),
                                         bare(decoder())),
                         name_of);

/// The text of the Error that a change of `from` gives.
template <typename Change>
std::string error_of(Architecture from, const Change& change) {
  change(from);
  try {
    (void)network_library().layout(from);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Networks, HyperparametersThatDoNotGoTogetherAreErrorsThatSaySo) {
  using testing::HasSubstr;
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.kind = "rnn"; }), HasSubstr("unknown kind of network 'rnn'; there are"));
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.layers = 0; }), HasSubstr("layers is 0"));
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.layers = 1 << 15; }), HasSubstr("more than 1024"));
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.width = 0; }), HasSubstr("width is 0"));
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.width = 1 << 20; }), HasSubstr("parameters"));
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.frequencies = 0; }), HasSubstr("frequencies is 0"));
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.input.channels = 0; }), HasSubstr("channels is 0"));
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.input = {1 << 20, 1 << 20, 1}; }), HasSubstr("values"));
  EXPECT_THAT(error_of(mlp(), [](auto& a) { a.classes = std::size_t{1} << 60; }), HasSubstr("classes"));

  EXPECT_THAT(error_of(unet(), [](auto& a) { a.groups = 3; }), HasSubstr("groups = 3 does not divide width * mult"));
  EXPECT_THAT(error_of(unet(), [](auto& a) { a.heads = 3; }),
              HasSubstr("heads = 3 does not divide the channels at 3x2"));
  EXPECT_THAT(error_of(unet(), [](auto& a) { a.multipliers = {}; }), HasSubstr("there are 0 multipliers"));
  EXPECT_THAT(error_of(unet(), [](auto& a) { a.multipliers = {1, 0}; }), HasSubstr("a multiplier is 0"));
  EXPECT_THAT(error_of(unet(), [](auto& a) { a.blocks = 0; }), HasSubstr("blocks is 0"));
  EXPECT_THAT(error_of(unet(), [](auto& a) { a.patch = 0; }), HasSubstr("patch is 0"));
  EXPECT_THAT(error_of(unet(), [](auto& a) { a.patch = 4; }), HasSubstr("patch = 4 does not divide images of 6x4"));
  EXPECT_THAT(error_of(unet(),
                       [](auto& a) {
                         a.multipliers = {1, 2, 2};
                       }),
              HasSubstr("images of 6x4 do not allow; 2 multipliers would do, or images of 8x4"));
  EXPECT_THAT(error_of(unet(), [](auto& a) { a.output.width = 2; }), HasSubstr("one height and width"));

  EXPECT_THAT(error_of(dit(), [](auto& a) { a.heads = 3; }), HasSubstr("heads = 3 does not divide width = 8"));
  EXPECT_THAT(error_of(dit(), [](auto& a) { a.patch = 4; }), HasSubstr("patch = 4 does not divide the image's height"));
  EXPECT_THAT(error_of(dit(), [](auto& a) { a = bare(a); }), HasSubstr("a noise label or a class"));
  EXPECT_THAT(error_of(encoder("classifier"), [](auto& a) { a.output.channels = 16; }), HasSubstr("16 features"));
  EXPECT_THAT(error_of(decoder(), [](auto& a) { a.multipliers = {1, 1, 1}; }), HasSubstr("6x4 do not allow"));
}

TEST(UNet, TakesOddSizesWhereTheyNeedNotBeHalved) {
  Architecture made = unet();
  for (const std::size_t levels : {1, 2, 3}) {
    const std::size_t side = std::size_t{7} << (levels - 1);
    made.input = made.output = {1, side, side};
    made.multipliers.assign(levels, 1);
    const std::vector<float> weights = weights_of(made);
    const Rows32 rows = rows_of(made, 2);
    std::vector<float> out(2 * side * side);
    const auto network = network_library().make(made, weights.data(), net::Arithmetic::kFloat32);
    network->evaluate(rows.batch(made), out.data());
    EXPECT_GT(dot(out, out), 0);
    EXPECT_TRUE(std::isfinite(dot(out, out)));
  }
}

}  // namespace
}  // namespace scorefield
