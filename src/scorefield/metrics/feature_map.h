// What samples are compared in: their values, their principal components, or what a network makes of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "scorefield/base/context.h"
#include "scorefield/base/rows.h"
#include "scorefield/data/dataset.h"

namespace scorefield {

struct FeatureRows {
  Rows features;       // [N, p]
  Rows probabilities;  // [N, K] of classes, where the map is a classifier's; else empty
};

/// A map from rows to features; what it answers for a row depends on that row alone. Const and thread-safe.
class FeatureMap {
 public:
  virtual ~FeatureMap() = default;
  /// For people and for config files, e.g. "pca:64".
  virtual std::string name() const = 0;
  virtual std::size_t input_dimension() const = 0;  // d
  virtual std::size_t dimension() const = 0;        // p
  /// x: [N, d], data units.
  virtual FeatureRows features(RowsView<const double> x, const Context& context) const = 0;
};

/// The values themselves, d of them.
std::unique_ptr<FeatureMap> identity_features(std::size_t dimension);

/// The leading principal components of `data`, from its mean, in data units: distances within their span are kept. From
/// all rows, or as many, drawn at random by `seed`, as 2e11 multiply-adds pay for. Throws Error for none, or more than
/// the smaller of rows and row length.
std::unique_ptr<FeatureMap> pca_features(const Dataset& data, std::size_t components, std::uint64_t seed,
                                         const Context& context);

inline constexpr std::size_t kDefaultComponents = 64;

/// `spec`: "identity", "pca" (64 components, fewer where there are fewer) or "pca:K". Throws Error for anything else.
std::unique_ptr<FeatureMap> make_feature_map(const std::string& spec, const Dataset& data, std::uint64_t seed,
                                             const Context& context);

/// Values outside are set to the nearer end. Data units.
struct ValueRange {
  double low = 0;
  double high = 0;
};

/// Features of the chosen rows, clipped before where a range is given. Works in blocks.
/// Throws Error when the map takes rows of another length, or a value is not finite (with its row).
FeatureRows features_of(const FeatureMap& map, const Dataset& data, std::span<const std::size_t> rows,
                        const std::optional<ValueRange>& clip, const Context& context);

}  // namespace scorefield
