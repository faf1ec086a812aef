// Figures of the metrics of samples.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scorefield/metrics/sample_metrics.h"

namespace scorefield {

/// How a set is called in tables and figures: "samples", "held out" or "other data", "Gaussian".
std::vector<std::string> set_labels(const SampleMetrics& metrics);

/// Writes metrics.png (every metric of every set with 95 % intervals) and nearest.png (how far rows are from the
/// nearest of the data's), each with .svg and .csv, into `folder`; returns the names of the pictures.
std::vector<std::string> write_sample_metrics_figures(const SampleMetrics& metrics,
                                                      const std::filesystem::path& folder);

}  // namespace scorefield
