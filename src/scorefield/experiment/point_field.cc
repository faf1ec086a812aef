#include "scorefield/experiment/point_field.h"

#include <vector>

#include "scorefield/base/random.h"
#include "scorefield/field/empirical.h"

namespace scorefield {

std::unique_ptr<const Field> point_field(std::span<const double> points, std::size_t dimension,
                                         const Context& context) {
  EmpiricalOptions options;
  options.precision = Precision::kPrecise;
  std::vector<double> values(points.begin(), points.end());
  return std::make_unique<const Empirical>(make_dataset("points", std::move(values), {dimension}), options, context);
}

void UnitNormalStart::draw(std::uint64_t seed, int /*label*/, std::span<double> out) const {
  RandomStream(seed, Purpose::kDataNoise).normals(out);
}

}  // namespace scorefield
