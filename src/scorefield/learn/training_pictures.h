// Pictures of a training: samples along the way, and the losses.
#pragma once

#include <filesystem>
#include <string>

#include "scorefield/data/dataset.h"
#include "scorefield/learn/denoiser.h"

namespace scorefield {

/// Draws samples of the denoiser (18 steps of Heun from the same seeds every time; with classes, column k is of class k
/// modulo their number) and writes them: stem.png of images, stem.png/.svg/.csv over the data of points in the plane.
void write_sample_grid(const Denoiser& denoiser, const Dataset& data, const std::filesystem::path& stem,
                       const Context& context);

/// Points in the plane, [N, 2], over those of the data, as stem.png/.svg/.csv.
void write_samples_over_data(const Rows& samples, const Dataset& data, const std::filesystem::path& stem);

/// Evaluations of a row of the network that such a grid takes.
std::size_t grid_evaluations(const Dataset& data);

/// The losses of a stats.jsonl, which are `label`, against the rows seen, as stem.png/.svg/.csv.
void write_loss_figure(const std::filesystem::path& stats, const std::string& label, const std::filesystem::path& stem,
                       const Context& context);

}  // namespace scorefield
