#include "scorefield/search/work_precision_json.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

using nlohmann::json;

double value_of(const json& object, const char* key) {
  const json& value = object.at(key);
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

json distance_json(const std::optional<Estimate>& distance) {
  return distance ? json(*distance) : json(nullptr);
}

json proportion_json(const std::optional<Proportion>& proportion) {
  if (!proportion) return nullptr;
  return {{"count", proportion->count},
          {"of", proportion->total},
          {"value", proportion->value},
          {"low95", proportion->low},
          {"high95", proportion->high}};
}

json errors_json(const EndPointErrors& errors) {
  return {{"mean", errors.error.value},
          {"standard_error", errors.error.standard_error},
          {"relative", errors.relative},
          {"quantile10", errors.low},
          {"median", errors.median},
          {"quantile90", errors.high},
          {"other_row", proportion_json(errors.other_row)}};
}

EndPointErrors errors_from_json(const json& line) {
  EndPointErrors errors;
  errors.error = {value_of(line, "mean"), value_of(line, "standard_error")};
  errors.relative = value_of(line, "relative");
  errors.low = value_of(line, "quantile10");
  errors.median = value_of(line, "median");
  errors.high = value_of(line, "quantile90");
  const json& other = line.at("other_row");
  if (!other.is_null()) {
    errors.other_row = binomial_interval(other.at("count").get<std::size_t>(), other.at("of").get<std::size_t>());
  }
  return errors;
}

std::string cell(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "";
}

}  // namespace

json result_json(const SolverResult& result) {
  json line = {{"solver", result.run.solver},   {"schedule", result.run.schedule},
               {"nfe", result.run.evaluations}, {"steps", result.run.steps()},
               {"end_point_error", nullptr},    {"sliced_wasserstein", distance_json(result.distance)},
               {"seconds", result.seconds}};
  if (result.errors) line["end_point_error"] = errors_json(*result.errors);
  return line;
}

bool is_line_of(const json& line, const SolverRun& run) {
  return line.is_object() && line.value("solver", "") == run.solver && line.value("schedule", "") == run.schedule &&
         line.value("steps", std::size_t{0}) == run.steps();
}

SolverResult result_from_json(const json& line, const SolverRun& run) {
  ensure(is_line_of(line, run), "the line of this run");
  try {
    SolverResult result{run, std::nullopt, std::nullopt, value_of(line, "seconds")};
    const json& distance = line.at("sliced_wasserstein");
    if (!distance.is_null()) {
      result.distance = Estimate{value_of(distance, "value"), value_of(distance, "standard_error")};
    }
    if (!line.at("end_point_error").is_null()) result.errors = errors_from_json(line.at("end_point_error"));
    return result;
  } catch (const json::exception& fault) {
    throw Error(fmt::format("stats.jsonl: the line of {} on {} with {} steps is damaged ({}); start in a new folder",
                            run.solver, run.schedule, run.steps(), fault.what()));
  }
}

json report_json(const SolverComparison& comparison, const SolverReport& report) {
  const ReferenceSummary& reference = report.reference;
  json results = json::array();
  for (const SolverResult& result : report.results) results.push_back(result_json(result));
  json front = json::array();
  for (const std::size_t i : front_of(report.results)) front.push_back(i);
  json sliced;
  if (reference.data_distance) {
    sliced = {
        {"projections", reference.projections},
        {"rows", reference.rows},
        {"data_against_data",
         {{"value", reference.data_distance->value}, {"standard_deviation", reference.data_distance->standard_error}}}};
  }
  return {{"samples", comparison.seeds.size()},
          {"requested", report.requested},
          {"finished", report.results.size()},
          {"reference",
           {{"solver", "rk45"},
            {"precision", comparison.is_double ? "float64" : "float32"},
            {"last_level", reference.last_level},
            {"tolerance", comparison.tolerance / 10},
            {"compared_with_tolerance", comparison.tolerance},
            {"nfe", reference.evaluations},
            {"median_difference", reference.median_difference},
            {"largest_difference", reference.largest_difference},
            {"mean_distance", reference.mean_distance},
            {"unsettled", reference.unsettled},
            {"scale", reference.scale},
            {"seconds", reference.seconds},
            {"sliced_wasserstein", distance_json(reference.distance)}}},
          {"sliced_wasserstein", sliced},
          {"left_out", comparison.plan.left_out},
          {"results", results},
          {"front", front}};
}

std::string results_csv(const std::vector<SolverResult>& results) {
  std::string text =
      "solver,schedule,nfe,steps,error_mean,error_standard_error,error_relative,error_quantile10,error_median,"
      "error_quantile90,other_row,other_row_low95,other_row_high95,sliced_wasserstein,sliced_wasserstein_standard_"
      "error,"
      "seconds\n";
  for (const SolverResult& result : results) {
    text +=
        fmt::format("{},{},{},{},", result.run.solver, result.run.schedule, result.run.evaluations, result.run.steps());
    if (result.errors) {
      const EndPointErrors& e = *result.errors;
      text += fmt::format("{},{},{},{},{},{},", e.error.value, cell(e.error.standard_error), cell(e.relative), e.low,
                          e.median, e.high);
    } else {
      text += ",,,,,,";
    }
    const std::optional<Proportion> other = result.errors ? result.errors->other_row : std::nullopt;
    text += other ? fmt::format("{},{},{},", other->value, other->low, other->high) : ",,,";
    if (result.distance) {
      text += fmt::format("{},{},", result.distance->value, cell(result.distance->standard_error));
    } else {
      text += ",,";
    }
    text += fmt::format("{:.4f}\n", result.seconds);
  }
  return text;
}

}  // namespace scorefield
