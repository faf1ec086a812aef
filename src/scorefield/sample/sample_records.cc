#include "scorefield/sample/sample_records.h"

#include <vector>

namespace scorefield {
namespace {

constexpr std::size_t kNumbers = 5;  // behind the posterior

}  // namespace

SampleRecords::SampleRecords(const std::filesystem::path& path, std::size_t dimension, std::size_t levels)
    : dimension_(dimension), levels_(levels), file_(path, (dimension + 3 * levels + kNumbers) * sizeof(double)) {}

void SampleRecords::append(const Samples& samples, const Rows& posterior, const NearestTwo& nearest) {
  std::vector<double> record;
  for (std::size_t i = 0; i < samples.x.rows(); ++i) {
    record.insert(record.end(), samples.x[i].begin(), samples.x[i].end());
    record.insert(record.end(), posterior[i].begin(), posterior[i].end());
    record.insert(record.end(), {nearest.d1[i], nearest.d2[i], static_cast<double>(nearest.index1[i]),
                                 static_cast<double>(nearest.index2[i]), static_cast<double>(samples.evaluations[i])});
  }
  file_.append(std::as_bytes(std::span(record)));
}

void SampleRecords::for_each(const std::function<void(std::size_t, const SampleRecord&)>& use) const {
  const std::size_t length = dimension_ + 3 * levels_ + kNumbers;
  std::size_t index = 0;
  file_.read([&](std::span<const std::byte> bytes) {
    // RecordFile reads into fresh storage, aligned for any number.
    const std::span<const double> values(reinterpret_cast<const double*>(bytes.data()), bytes.size() / sizeof(double));
    for (std::size_t first = 0; first < values.size(); first += length) {
      const auto record = values.subspan(first, length);
      const auto posterior = record.subspan(dimension_, 3 * levels_);
      const auto numbers = record.last(kNumbers);
      use(index++, {.x = record.first(dimension_),
                    .entropy = posterior.first(levels_),
                    .effective_sample_size = posterior.subspan(levels_, levels_),
                    .largest_weight = posterior.last(levels_),
                    .d1 = numbers[0],
                    .d2 = numbers[1],
                    .row1 = static_cast<std::uint32_t>(numbers[2]),
                    .row2 = static_cast<std::uint32_t>(numbers[3]),
                    .evaluations = static_cast<std::size_t>(numbers[4])});
    }
  });
}

}  // namespace scorefield
