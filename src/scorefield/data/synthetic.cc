#include "scorefield/data/synthetic.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/base/portable_math.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

struct Parameter {
  std::string name;
  double standard = 0.0;
  double least = 0.0;
  double most = 0.0;
  bool is_whole = false;
};

using Values = std::map<std::string, double, std::less<>>;

struct SyntheticSet {
  std::string name;
  std::string what;
  std::vector<Parameter> parameters;
  bool has_labels = false;
  SyntheticTruth (*truth)(const Values&, const Context&);
};

std::size_t whole(const Values& values, std::string_view name) {
  return static_cast<std::size_t>(values.find(name)->second);
}

double number(const Values& values, std::string_view name) {
  return values.find(name)->second;
}

SyntheticTruth equal_components(std::size_t count, std::size_t dimension) {
  SyntheticTruth truth;
  truth.weights.assign(count, 1.0 / static_cast<double>(count));
  truth.means = Rows(count, dimension);
  return truth;
}

SyntheticTruth two_modes(const Values& values, const Context& context) {
  context.check_memory(2 * whole(values, "d") * sizeof(double), "the means of two-modes");
  SyntheticTruth truth = equal_components(2, whole(values, "d"));
  truth.weights = {number(values, "weight"), 1.0 - number(values, "weight")};
  truth.means(0, 0) = -0.5 * number(values, "distance");
  truth.means(1, 0) = 0.5 * number(values, "distance");
  truth.noise_sd = number(values, "sd");
  return truth;
}

SyntheticTruth ring(const Values& values, const Context&) {
  const std::size_t modes = whole(values, "modes");
  SyntheticTruth truth = equal_components(modes, 2);
  for (std::size_t k = 0; k < modes; ++k) {
    const CosSin at = portable_cos_sin(static_cast<double>(k) / static_cast<double>(modes));
    truth.means(k, 0) = number(values, "radius") * at.cos;
    truth.means(k, 1) = number(values, "radius") * at.sin;
  }
  truth.noise_sd = number(values, "sd");
  return truth;
}

/// The curve of google-research/vdm's toy, theta = 3 pi sqrt(u), r = 2 theta + pi, u uniform, with noise of sd 0.25,
/// over pi sqrt(13.5): the rms of r / sqrt(2), so that coordinates have about unit variance. The curve is cut into 2048
/// nodes at equal steps of theta (so their weights grow like theta); they lie at most 0.4 noise_sd apart.
SyntheticTruth swirl(const Values& values, const Context&) {
  constexpr std::size_t kNodes = 2048;
  constexpr double kPi = 3.14159265358979323846;
  const double scale = kPi * std::sqrt(13.5);
  SyntheticTruth truth = equal_components(kNodes, 2);
  for (std::size_t k = 0; k < kNodes; ++k) {
    const double root = (static_cast<double>(k) + 0.5) / kNodes;  // sqrt(u)
    const CosSin at = portable_cos_sin(1.5 * root);
    const double radius = kPi * (6.0 * root + 1.0) / scale;
    truth.weights[k] = 2.0 * root / kNodes;
    truth.means(k, 0) = radius * at.cos;
    truth.means(k, 1) = radius * at.sin;
  }
  truth.noise_sd = number(values, "sd") / scale;
  return truth;
}

/// The black squares of a board of `squares` x `squares` squares of side 2 about the origin.
SyntheticTruth checkerboard(const Values& values, const Context&) {
  const std::size_t side = whole(values, "squares");
  std::vector<double> centres;
  for (std::size_t k = 0; k < side; ++k)
    centres.push_back(2.0 * static_cast<double>(k) + 1.0 - static_cast<double>(side));
  SyntheticTruth truth = equal_components((side * side + 1) / 2, 2);
  std::size_t component = 0;
  for (std::size_t i = 0; i < side; ++i) {
    for (std::size_t j = 0; j < side; ++j) {
      if ((i + j) % 2 != 0) continue;
      truth.means(component, 0) = centres[i];
      truth.means(component++, 1) = centres[j];
    }
  }
  truth.half_side = 1.0;
  return truth;
}

/// An arc, a small cluster and single points: a layout with ridges, gaps and a fork.
SyntheticTruth thirteen_points(const Values& values, const Context&) {
  constexpr std::pair<double, double> kPoints[] = {{-3.0, -1.0}, {-2.5, 0.4},  {-1.6, 1.5}, {-0.3, 2.1}, {1.1, 1.9},
                                                   {2.2, 1.1},   {2.8, -0.1},  {2.6, -1.5}, {0.2, 0.3},  {0.6, -0.2},
                                                   {-0.1, -0.4}, {-1.2, -2.0}, {0.9, -2.4}};
  SyntheticTruth truth = equal_components(std::size(kPoints), 2);
  for (std::size_t k = 0; k < std::size(kPoints); ++k) {
    truth.means(k, 0) = number(values, "scale") * kPoints[k].first;
    truth.means(k, 1) = number(values, "scale") * kPoints[k].second;
  }
  return truth;
}

/// Means N(0, spread^2 I); factors sd * N(0, 1) / sqrt(rank), so that a component's variance is about sd^2 a
/// coordinate.
SyntheticTruth random_mixture(const Values& values, const Context& context) {
  const std::size_t modes = whole(values, "modes");
  const std::size_t d = whole(values, "d");
  const std::size_t rank = whole(values, "rank");
  if (rank > d) throw Error(fmt::format("mixture: rank={} is over d={}", rank, d));
  context.check_memory(modes * d * (rank + 1) * sizeof(double), "the components of the mixture");
  SyntheticTruth truth = equal_components(modes, d);
  const auto seed = static_cast<std::uint64_t>(number(values, "truth"));
  // Rows take the nodes from 0 on; the truth's own numbers lie far beyond.
  constexpr std::uint64_t kFirstNode = std::uint64_t{1} << 40;
  truth.rank = rank;
  truth.factors.resize(modes * d * rank);
  const double factor_scale = rank == 0 ? 0.0 : number(values, "sd") / std::sqrt(static_cast<double>(rank));
  for (std::size_t k = 0; k < modes; ++k) {
    context.check_cancelled();
    const RandomStream stream(seed, Purpose::kDataNoise, kFirstNode + k);
    const std::span<double> factor(truth.factors.data() + k * d * rank, d * rank);
    stream.normals(truth.means[k]);
    stream.normals(factor, d);
    for (double& value : truth.means[k]) value *= number(values, "spread");
    for (double& value : factor) value *= factor_scale;
  }
  truth.noise_sd = number(values, "noise");
  if (const std::size_t classes = whole(values, "classes"); classes > 0) {
    for (std::size_t k = 0; k < modes; ++k) truth.labels.push_back(static_cast<std::int32_t>(k % classes));
  }
  return truth;
}

Parameter count_parameter(std::string name, double standard, double least, double most) {
  return {std::move(name), standard, least, most, true};
}

const std::vector<SyntheticSet>& sets() {
  constexpr double kLargest = 1e6;
  // 2^53: every whole number up to here is a double.
  const Parameter seed = count_parameter("seed", 0, 0, 9007199254740992.0);
  const auto rows = [](double standard) { return count_parameter("n", standard, 1, 1e9); };
  static const std::vector<SyntheticSet> all = {
      {"two-modes",
       "two Gaussians on the first axis; weight is the first one's",
       {rows(2000),
        count_parameter("d", 2, 1, kLargest),
        {"distance", 6, 0, kLargest},
        {"sd", 0.5, 0, kLargest},
        {"weight", 0.5, 0, 1},
        seed},
       true,
       two_modes},
      {"ring",
       "Gaussians on a circle",
       {rows(2000), count_parameter("modes", 8, 1, 10000), {"radius", 4, 0, kLargest}, {"sd", 0.2, 0, kLargest}, seed},
       true,
       ring},
      {"swirl",
       "a noisy spiral, about unit variance (sd in units of the spiral's 11.5)",
       {rows(1024), {"sd", 0.25, 0, kLargest}, seed},
       false,
       swirl},
      {"checkerboard",
       "uniform on the black squares (side 2) of a board",
       {rows(2000), count_parameter("squares", 4, 1, 100), seed},
       true,
       checkerboard},
      {"13-points", "13 fixed points in the plane, each once", {{"scale", 1, 1e-6, kLargest}}, false, thirteen_points},
      {"mixture",
       "a random Gaussian mixture: covariances of the given rank plus noise^2 I; component k is of class k % classes "
       "(0: "
       "each is a class); `truth` is its seed",
       {rows(2000),
        count_parameter("d", 64, 1, kLargest),
        count_parameter("modes", 10, 1, kLargest),
        count_parameter("rank", 8, 0, kLargest),
        {"spread", 1, 0, kLargest},
        {"sd", 0.5, 0, kLargest},
        {"noise", 0.05, 0, kLargest},
        count_parameter("classes", 0, 0, kLargest),
        seed,
        count_parameter("truth", 0, 0, 9007199254740992.0)},
       true,
       random_mixture},
  };
  return all;
}

std::string list_parameters(const SyntheticSet& set) {
  std::vector<std::string> parts;
  for (const Parameter& p : set.parameters) parts.push_back(fmt::format("{}={}", p.name, p.standard));
  return fmt::format("{}", fmt::join(parts, ","));
}

Values read_parameters(const SyntheticSet& set, std::string_view text) {
  Values values;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const auto parameter = std::find_if(set.parameters.begin(), set.parameters.end(),
                                        [name](const Parameter& p) { return p.name == name; });
    if (parameter == set.parameters.end()) {
      std::vector<std::string> names;
      for (const Parameter& p : set.parameters) names.push_back(p.name);
      throw Error(fmt::format("{}: {} (all with their defaults: {})", set.name, unknown_name("parameter", name, names),
                              list_parameters(set)));
    }
    const std::string_view digits = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    double value = 0.0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool is_number = error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
    if (!is_number || !(value >= parameter->least && value <= parameter->most) ||
        (parameter->is_whole && value != std::floor(value))) {
      throw Error(fmt::format("{}: {}: '{}' is not a {}number from {} to {}", set.name, name, digits,
                              parameter->is_whole ? "whole " : "", parameter->least, parameter->most));
    }
    if (!values.emplace(name, value).second) throw Error(fmt::format("{}: {} is given twice", set.name, name));
  }
  for (const Parameter& p : set.parameters) values.emplace(p.name, p.standard);
  return values;
}

/// Row i of the set: its component and its values.
std::size_t draw_row(const SyntheticTruth& truth, const std::vector<double>& cumulative, std::uint64_t seed,
                     std::size_t i, std::span<double> out) {
  const double u = RandomStream(seed, Purpose::kDataChoice).uniform(i) * cumulative.back();
  const auto at = std::upper_bound(cumulative.begin(), cumulative.end(), u);
  const auto component =
      std::min<std::size_t>(static_cast<std::size_t>(at - cumulative.begin()), cumulative.size() - 1);
  const RandomStream stream(seed, Purpose::kDataNoise, i);
  const std::size_t d = out.size();
  const auto mean = truth.means[component];
  if (truth.half_side != 0.0) {
    for (std::size_t j = 0; j < d; ++j) out[j] = mean[j] + truth.half_side * (2.0 * stream.uniform(j) - 1.0);
    return component;
  }
  std::vector<double> z(truth.rank);
  stream.normals(out);
  stream.normals(z, d);
  const RowsView<const double> factor = truth.factor(component);
  for (std::size_t j = 0; j < d; ++j) {
    double value = mean[j] + truth.noise_sd * out[j];
    for (std::size_t r = 0; r < truth.rank; ++r) value += factor(j, r) * z[r];
    out[j] = value;
  }
  return component;
}

const SyntheticSet* find_set(std::string_view spec) {
  const std::string_view name = spec.substr(0, spec.find(':'));
  const auto at = std::find_if(sets().begin(), sets().end(), [name](const SyntheticSet& s) { return s.name == name; });
  return at == sets().end() ? nullptr : &*at;
}

}  // namespace

std::vector<std::string> synthetic_names() {
  std::vector<std::string> names;
  for (const SyntheticSet& set : sets()) names.push_back(set.name);
  return names;
}

std::vector<std::string> synthetic_descriptions() {
  std::vector<std::string> lines;
  for (const SyntheticSet& set : sets())
    lines.push_back(fmt::format("{}:{}  {}", set.name, list_parameters(set), set.what));
  return lines;
}

bool is_synthetic(std::string_view spec) {
  return find_set(spec) != nullptr;
}

SyntheticData make_synthetic(std::string_view spec, const Context& context) {
  const SyntheticSet* const set = find_set(spec);
  if (set == nullptr)
    throw Error(unknown_name("synthetic data set", spec.substr(0, spec.find(':')), synthetic_names()));
  const std::size_t colon = std::min(spec.find(':'), spec.size());
  const Values values = read_parameters(*set, spec.substr(std::min(colon + 1, spec.size())));
  SyntheticTruth truth = set->truth(values, context);
  if (set->has_labels && truth.labels.empty()) {
    truth.labels.resize(truth.weights.size());
    std::iota(truth.labels.begin(), truth.labels.end(), 0);
  }
  const std::size_t d = truth.means.cols();
  // Without `n` the components are the rows.
  const bool is_drawn = values.contains("n");
  const std::size_t n = is_drawn ? whole(values, "n") : truth.means.rows();
  context.check_memory(n * d * sizeof(double), spec);
  std::vector<double> rows(truth.means.values().begin(), truth.means.values().end());
  std::vector<std::int32_t> labels(set->has_labels ? n : 0);
  if (is_drawn) {
    rows.resize(n * d);
    std::vector<double> cumulative(truth.weights.size());
    std::partial_sum(truth.weights.begin(), truth.weights.end(), cumulative.begin());
    const auto seed = static_cast<std::uint64_t>(number(values, "seed"));
    constexpr std::size_t kChunk = 256;
    run_tasks(context.pool, (n + kChunk - 1) / kChunk, [&](std::size_t chunk, int) {
      context.check_cancelled();
      for (std::size_t i = chunk * kChunk; i < std::min(n, (chunk + 1) * kChunk); ++i) {
        const std::size_t component = draw_row(truth, cumulative, seed, i, {rows.data() + i * d, d});
        if (set->has_labels) labels[i] = truth.labels[component];
      }
    });
  }
  return {make_dataset(std::string(spec), std::move(rows), {d}, {}, std::move(labels)), std::move(truth)};
}

}  // namespace scorefield
