#include "scorefield/metrics/sample_metrics_json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "scorefield/metrics/intervals.h"

namespace scorefield {
namespace {

using nlohmann::json;

json set_json(const SetMetrics& set) {
  json result = {{"name", set.name}};
  for (const MetricEntry& entry : metric_entries()) result[std::string(entry.key)] = entry.of(set);
  if (set.frechet_to_reference) result["frechet_to_reference"] = *set.frechet_to_reference;
  json nearest = json::array();
  for (const double p : {0.0, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0}) {
    nearest.push_back({{"p", p}, {"value", quantile_of_sample(set.nearest, p, 0).value}});
  }
  result["nearest_distance_quantiles"] = nearest;
  if (!set.classes) return result;
  const ClassMetrics& classes = *set.classes;
  result["classes"] = {{"entropy", classes.entropy},
                       {"entropy_of_mean", classes.entropy_of_mean},
                       {"inception_score", classes.inception_score},
                       {"total_variation", classes.total_variation},
                       {"shares", classes.shares},
                       {"data_shares", classes.data_shares}};
  return result;
}

}  // namespace

json sample_metrics_json(const SampleMetrics& metrics) {
  json result = {{"features", metrics.features},
                 {"dimension", metrics.dimension},
                 {"rows", metrics.rows},
                 {"k", metrics.k},
                 {"bandwidth", metrics.bandwidth},
                 {"held_out", metrics.held_out},
                 {"clip", nullptr},
                 {"sets", {{"samples", set_json(metrics.samples)}, {"data", set_json(metrics.data)}}}};
  if (metrics.clip) result["clip"] = {metrics.clip->low, metrics.clip->high};
  if (metrics.baseline) result["sets"]["gaussian"] = set_json(*metrics.baseline);
  return result;
}

}  // namespace scorefield
