// The pictures of a sampling run.
#pragma once

#include <cstddef>

#include "scorefield/run/record_file.h"
#include "scorefield/run/run_folder.h"
#include "scorefield/sample/sample_records.h"
#include "scorefield/sample/sampling_run.h"

namespace scorefield {

/// How many samples have their whole path kept and shown.
inline constexpr std::size_t kPaths = 8;

/// Stored units of pictures: those of 8-bit data, [-1, 1] for other images.
Affine image_units(const Dataset& data);
Affine image_units(const DataForm& form);

/// Images: grid.png (the samples), with data nearest.png (each sample above its nearest training image), paths.png (x,
/// scaled to unit variance, above D(x) along the steps; then the sample and its nearest training image). Points in the
/// plane: samples.png over the data. Always: effective_sample_size.png/.svg/.csv against sigma. paths: records [S, 2,
/// d] of x and D of the first samples.
void write_sampling_pictures(const SamplingRun& run, const SamplingReport& report, const SampleRecords& records,
                             const RecordFile& paths, const RunFolder& folder);

}  // namespace scorefield
