#include "scorefield/metrics/feature_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/base/pca.h"
#include "scorefield/base/subset.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/metrics/spectrum.h"

namespace scorefield {
namespace {

class Identity final : public FeatureMap {
 public:
  explicit Identity(std::size_t dimension) : dimension_(dimension) {}
  std::string name() const override { return "identity"; }
  std::size_t input_dimension() const override { return dimension_; }
  std::size_t dimension() const override { return dimension_; }
  FeatureRows features(RowsView<const double> x, const Context& /*context*/) const override {
    FeatureRows result{Rows(x.rows, x.cols), {}};
    for (std::size_t i = 0; i < x.rows; ++i) std::ranges::copy(x[i], result.features[i].begin());
    return result;
  }

 private:
  std::size_t dimension_;
};

class Components final : public FeatureMap {
 public:
  explicit Components(PrincipalComponents components) : components_(std::move(components)) {}
  std::string name() const override { return fmt::format("pca:{}", dimension()); }
  std::size_t input_dimension() const override { return components_.mean.size(); }
  std::size_t dimension() const override { return components_.vectors.rows(); }
  FeatureRows features(RowsView<const double> x, const Context& context) const override {
    FeatureRows result{Rows(x.rows, dimension()), {}};
    run_tasks(context.pool, x.rows, [&](std::size_t i, int /*worker*/) {
      std::vector<double> u(x[i].begin(), x[i].end());
      for (std::size_t c = 0; c < u.size(); ++c) u[c] -= components_.mean[c];
      for (std::size_t k = 0; k < dimension(); ++k) {
        const auto vector = components_.vectors[k];
        result.features(i, k) = std::inner_product(u.begin(), u.end(), vector.begin(), 0.0);
      }
    });
    return result;
  }

 private:
  PrincipalComponents components_;
};

}  // namespace

std::unique_ptr<FeatureMap> identity_features(std::size_t dimension) {
  return std::make_unique<Identity>(dimension);
}

std::unique_ptr<FeatureMap> pca_features(const Dataset& data, std::size_t components, std::uint64_t seed,
                                         const Context& context) {
  if (components == 0) throw Error("no principal components were asked for; ask for one or more");
  constexpr double kMultiplyAdds = 2e11;
  const std::size_t rows =
      std::max(std::min(data.size(), components), affordable_rows(data.size(), data.dimension(), kMultiplyAdds));
  const Dataset part = rows < data.size() ? data.select(random_subset(seed, data.size(), rows)) : data;
  return std::make_unique<Components>(principal_components(part.stored(), part.affine(), components, context));
}

std::unique_ptr<FeatureMap> make_feature_map(const std::string& spec, const Dataset& data, std::uint64_t seed,
                                             const Context& context) {
  if (spec == "identity") return identity_features(data.dimension());
  if (spec == "pca") {
    return pca_features(data, std::min({kDefaultComponents, data.size(), data.dimension()}), seed, context);
  }
  if (spec.starts_with("pca:")) {
    std::size_t components = 0;
    const char* end = spec.data() + spec.size();
    const auto [rest, failure] = std::from_chars(spec.data() + 4, end, components);
    if (failure != std::errc() || rest != end) {
      throw Error(fmt::format("features '{}': how many components? Write e.g. pca:{}", spec, kDefaultComponents));
    }
    return pca_features(data, components, seed, context);
  }
  throw Error(unknown_name("features", spec, {"identity", "pca", "pca:K"}));
}

FeatureRows features_of(const FeatureMap& map, const Dataset& data, std::span<const std::size_t> rows,
                        const std::optional<ValueRange>& clip, const Context& context) {
  constexpr std::size_t kBlock = 512;
  if (map.input_dimension() != data.dimension()) {
    throw Error(fmt::format("{}: rows of {} values, but the features {} are of rows of {}", data.name(),
                            data.dimension(), map.name(), map.input_dimension()));
  }
  context.check_memory(rows.size(), map.dimension() * sizeof(double), "features");
  FeatureRows result{Rows(rows.size(), map.dimension()), {}};
  Rows block(std::min(kBlock, rows.size()), data.dimension());
  for (std::size_t first = 0; first < rows.size(); first += kBlock) {
    context.check_cancelled();
    const RowsView<double> x = block.view().slice(0, std::min(kBlock, rows.size() - first));
    for (std::size_t i = 0; i < x.rows; ++i) {
      data.row(rows[first + i], x[i]);
      for (double& value : x[i]) {
        if (!std::isfinite(value)) {
          throw Error(fmt::format("{}: row {} holds a value that is not finite", data.name(), rows[first + i]));
        }
        if (clip) value = std::clamp(value, clip->low, clip->high);
      }
    }
    const FeatureRows part = map.features(x, context);
    ensure(part.features.rows() == x.rows && part.features.cols() == map.dimension(), "features of every row");
    std::ranges::copy(part.features.values(), result.features.data() + first * map.dimension());
    if (part.probabilities.empty()) continue;
    if (first == 0) result.probabilities = Rows(rows.size(), part.probabilities.cols());
    std::ranges::copy(part.probabilities.values(), result.probabilities.data() + first * part.probabilities.cols());
  }
  return result;
}

}  // namespace scorefield
