#include "scorefield/metrics/description_json.h"

#include <nlohmann/json.hpp>
#include <string>

namespace scorefield {
namespace {

using nlohmann::json;

/// JSON has no infinity: the library would write null too, but only when it writes, and comparisons would differ.
json to_json(const Proportion& p) {
  return {{"count", p.count}, {"of", p.total}, {"value", p.value}, {"low", p.low}, {"high", p.high}};
}

json to_json(const Spread& spread) {
  json quantiles = json::array();
  for (const Quantile& q : spread.quantiles) {
    quantiles.push_back({{"p", q.probability}, {"value", q.value}, {"low", q.low}, {"high", q.high}});
  }
  return {{"mean", spread.mean.value},
          {"standard_error", spread.mean.standard_error},
          {"low", spread.low},
          {"high", spread.high},
          {"quantiles", quantiles}};
}

json to_json(const NeighbourStatistics& s) {
  json closest = json::array();
  for (const std::size_t i : closest_rows(s, 10)) {
    json entry = {{"row", s.rows[i]}, {"nearest", s.nearest.index1[i]}, {"d1", s.nearest.d1[i]}};
    if (s.d2) {
      entry["second"] = s.nearest.index2[i];
      entry["d2"] = s.nearest.d2[i];
    }
    closest.push_back(std::move(entry));
  }
  json result = {{"population", s.population},
                 {"rows", s.rows.size()},
                 {"d1", to_json(s.d1)},
                 {"equal", to_json(s.equal)},
                 {"ratio_below_third", to_json(s.below_third)},
                 {"called_copies", to_json(s.called_copies)},
                 {"closest", closest}};
  if (s.d2) result["d2"] = to_json(*s.d2);
  if (s.ratio) result["ratio"] = to_json(*s.ratio);
  return result;
}

json to_json(const std::vector<RowPair>& pairs) {
  json result = json::array();
  for (const RowPair& p : pairs) result.push_back({{"rows", {p.first, p.second}}, {"distance", p.distance}});
  return result;
}

json to_json(const ValueStatistics& v) {
  json result = {{"low", v.low},
                 {"high", v.high},
                 {"share_low", v.share_low},
                 {"share_high", v.share_high},
                 {"mean", v.mean},
                 {"standard_deviation", v.standard_deviation},
                 {"variance", v.variance},
                 {"constant_coordinates", v.constant_coordinates}};
  // Of images these would be the mean picture as text.
  constexpr std::size_t kListed = 64;
  if (v.coordinate_mean.size() <= kListed) {
    result["coordinates"] = {{"low", v.coordinate_low},
                             {"high", v.coordinate_high},
                             {"mean", v.coordinate_mean},
                             {"variance", v.coordinate_variance}};
  }
  return result;
}

json to_json(const Spectrum& s) {
  json components = json::array();
  for (const double share : kExplainedShares) {
    components.push_back({{"share", share}, {"count", components_for(s, share)}});
  }
  return {
      {"rows", s.rows}, {"total_variance", s.total_variance}, {"components", components}, {"variances", s.variances}};
}

}  // namespace

json dataset_json(const Dataset& data) {
  return {{"name", data.name()},         {"rows", data.size()},
          {"shape", data.shape()},       {"stored", scalar_name(data)},
          {"bytes", stored_bytes(data)}, {"units", {{"scale", data.affine().scale}, {"offset", data.affine().offset}}},
          {"notes", data.notes()},       {"digest", data.digest()}};
}

json description_json(const DataDescription& description) {
  json labels = json::array();
  for (const LabelCount& l : description.labels) {
    labels.push_back({{"label", l.label}, {"name", l.name}, {"count", l.count}});
  }
  json result = {
      {"values", to_json(description.values)},
      {"labels", labels},
      {"exact_duplicates",
       {{"groups", description.exact_duplicates}, {"conflicting_labels", description.conflicting_duplicates}}},
      {"near_duplicates", to_json(description.near_duplicates)},
      {"closest_pairs", to_json(description.closest_pairs)},
      {"copy_rule",
       {{"ratio", description.rule.ratio},
        {"threshold", description.rule.threshold},
        {"median_distance", description.rule.median_distance}}},
      {"spectrum", to_json(description.spectrum)},
  };
  if (description.within) result["within"] = to_json(*description.within);
  if (description.held_out) result["held_out"] = to_json(*description.held_out);
  return result;
}

}  // namespace scorefield
