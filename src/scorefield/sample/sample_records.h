// What a sampling run keeps of every finished sample, on disk until the run is complete.
#pragma once

#include <filesystem>
#include <functional>
#include <span>

#include "scorefield/base/rows.h"
#include "scorefield/metrics/neighbours.h"
#include "scorefield/run/record_file.h"
#include "scorefield/sample/sample.h"

namespace scorefield {

struct SampleRecord {
  std::span<const double> x;                      // [d], data units
  std::span<const double> entropy;                // [S], nats
  std::span<const double> effective_sample_size;  // [S]
  std::span<const double> largest_weight;         // [S]
  double d1 = 0;                                  // to the nearest and the second training row, data units
  double d2 = 0;
  std::uint32_t row1 = 0;
  std::uint32_t row2 = 0;
  std::size_t evaluations = 0;  // of the field
};

/// One record a sample, all doubles: x [d], the posterior at each of S levels [S, 3] (NaN where the field was not
/// asked), d1, d2, row1, row2, evaluations.
class SampleRecords {
 public:
  SampleRecords(const std::filesystem::path& path, std::size_t dimension, std::size_t levels);

  std::size_t size() const { return file_.size(); }
  void truncate(std::size_t count) { file_.truncate(count); }
  /// posterior: [B, 3 S]: entropies, effective sample sizes, largest weights.
  void append(const Samples& samples, const Rows& posterior, const NearestTwo& nearest);
  /// Calls `use` with every record in order; the spans live during the call.
  void for_each(const std::function<void(std::size_t index, const SampleRecord& record)>& use) const;

 private:
  std::size_t dimension_;
  std::size_t levels_;
  RecordFile file_;
};

}  // namespace scorefield
