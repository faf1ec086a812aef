#include "scorefield/sample/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/data/npy.h"
#include "scorefield/data/npz_writer.h"
#include "scorefield/metrics/intervals.h"
#include "scorefield/run/record_file.h"
#include "scorefield/sample/encoding_pictures.h"
#include "scorefield/sample/given_noise.h"

namespace scorefield {
namespace {

/// What is kept of a row, all doubles: latent [d], returned [d] unless one_way, evaluations up and down.
struct EncodedRow {
  std::span<const double> latent;
  std::span<const double> returned;  // empty when one_way
  double evaluations_up = 0;
  double evaluations_down = 0;
};

class EncodedRows {
 public:
  EncodedRows(const std::filesystem::path& path, std::size_t dimension, bool one_way)
      : dimension_(dimension), length_((one_way ? 1 : 2) * dimension + 2), file_(path, length_ * sizeof(double)) {}

  std::size_t size() const { return file_.size(); }
  void append(const Rows& latents, std::span<const std::size_t> up, const Samples& back) {
    std::vector<double> record;
    for (std::size_t i = 0; i < latents.rows(); ++i) {
      record.insert(record.end(), latents[i].begin(), latents[i].end());
      if (back.x.rows() > 0) record.insert(record.end(), back.x[i].begin(), back.x[i].end());
      record.push_back(static_cast<double>(up[i]));
      record.push_back(back.x.rows() > 0 ? static_cast<double>(back.evaluations[i]) : 0);
    }
    file_.append(std::as_bytes(std::span(record)));
  }
  void for_each(const std::function<void(std::size_t, const EncodedRow&)>& use) const {
    std::size_t index = 0;
    file_.read([&](std::span<const std::byte> bytes) {
      // RecordFile reads into fresh storage, aligned for any number.
      const std::span<const double> values(reinterpret_cast<const double*>(bytes.data()),
                                           bytes.size() / sizeof(double));
      for (std::size_t first = 0; first < values.size(); first += length_) {
        const auto record = values.subspan(first, length_);
        use(index++, {.latent = record.first(dimension_),
                      .returned = record.subspan(dimension_, length_ - dimension_ - 2),
                      .evaluations_up = record[length_ - 2],
                      .evaluations_down = record[length_ - 1]});
      }
    });
  }

 private:
  std::size_t dimension_;
  std::size_t length_;
  RecordFile file_;
};

double norm_per_coordinate(std::span<const double> values) {
  const double sum = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

std::vector<double> difference(const EncodedRow& row, std::span<const double> input) {
  std::vector<double> away(input.size());
  std::ranges::transform(row.returned, input, away.begin(), std::minus<>());
  return away;
}

/// One batch up, and down again.
void encode_batch(const Encoding& encoding, std::size_t first, std::size_t count, EncodedRows& done,
                  const Context& context) {
  const double sigma_max = encoding.sampling.levels.front();
  std::vector<std::uint64_t> seeds(count);  // an ODE draws nothing
  std::iota(seeds.begin(), seeds.end(), first);
  const std::vector<int> label = {encoding.label};
  Sampling up = encoding.sampling;
  std::ranges::reverse(up.levels);
  const Rows data = rows_of(encoding.rows, first, count);
  Samples above = sample_from(up, {&data, 1}, seeds, label, nullptr, context);
  Rows& latents = above.x;
  for (double& value : latents.values()) value /= sigma_max;
  Samples back;
  if (!encoding.one_way) {
    const Rows start = states_from_noise(encoding.sampling, latents);
    back = sample_from(encoding.sampling, {&start, 1}, seeds, label, nullptr, context);
  }
  done.append(latents, above.evaluations, back);
}

void write_arrays(const Encoding& encoding, const EncodedRows& done, const RunFolder& folder) {
  const std::vector<std::size_t> shape = {done.size(), encoding.rows.dimension()};
  AtomicFile latents(folder / "latents.npy");
  latents.write(npy_header(ScalarType::kF64, shape));
  done.for_each([&](std::size_t, const EncodedRow& row) { latents.write(std::as_bytes(row.latent)); });
  latents.commit();

  NpzWriter npz(folder / "encoding.npz");
  std::vector<double> input(encoding.rows.dimension());
  npz.begin_array("input", ScalarType::kF64, shape);
  for (std::size_t i = 0; i < done.size(); ++i) {
    encoding.rows.row(i, input);
    npz.append<double>(input);
  }
  if (!encoding.one_way) {
    npz.begin_array("returned", ScalarType::kF64, shape);
    done.for_each([&](std::size_t, const EncodedRow& row) { npz.append(row.returned); });
    npz.begin_array("error", ScalarType::kF64, std::vector<std::size_t>{done.size()});
    done.for_each([&](std::size_t i, const EncodedRow& row) {
      encoding.rows.row(i, input);
      const double error = norm_per_coordinate(difference(row, input));
      npz.append<double>(std::span(&error, 1));
    });
  }
  npz.finish();
}

void measure(const Encoding& encoding, const EncodedRows& done, EncodingReport& report) {
  const auto n = static_cast<double>(done.size());
  RoundTrip& trip = report.round_trip;
  std::vector<double> errors;
  std::vector<double> input(encoding.rows.dimension());
  report.least_latent_norm = std::numeric_limits<double>::infinity();
  done.for_each([&](std::size_t i, const EncodedRow& row) {
    const double norm = norm_per_coordinate(row.latent);
    report.mean_latent_norm += norm / n;
    report.least_latent_norm = std::min(report.least_latent_norm, norm);
    report.most_latent_norm = std::max(report.most_latent_norm, norm);
    report.evaluations_up += row.evaluations_up / n;
    report.evaluations_down += row.evaluations_down / n;
    if (encoding.one_way) return;
    encoding.rows.row(i, input);
    const std::vector<double> away = difference(row, input);
    errors.push_back(norm_per_coordinate(away));
    for (const double value : away) trip.largest_coordinate = std::max(trip.largest_coordinate, std::abs(value));
  });
  if (encoding.one_way) return;
  trip.rms = norm_per_coordinate(errors);
  std::ranges::sort(errors);
  const auto quantile = [&](double p) { return quantile_of_sample(errors, p, errors.size()).value; };
  trip.median = quantile(0.5);
  trip.q90 = quantile(0.9);
  trip.q99 = quantile(0.99);
  trip.largest = errors.back();
}

void write_report(const Encoding& encoding, const EncodingReport& report, const RunFolder& folder) {
  nlohmann::json json = {
      {"rows", report.finished},
      {"sigma_min", encoding.sampling.levels.back()},
      {"sigma_max", encoding.sampling.levels.front()},
      {"nfe_up", report.evaluations_up},
      {"nfe_down", nullptr},
      {"latent_norm_per_coordinate",
       {{"mean", report.mean_latent_norm}, {"least", report.least_latent_norm}, {"most", report.most_latent_norm}}},
      {"round_trip_error", nullptr}};
  if (!encoding.one_way) {
    const RoundTrip& trip = report.round_trip;
    json["nfe_down"] = report.evaluations_down;
    json["round_trip_error"] = {{"rms", trip.rms},         {"median", trip.median},
                                {"q90", trip.q90},         {"q99", trip.q99},
                                {"largest", trip.largest}, {"largest_coordinate", trip.largest_coordinate}};
  }
  write_json(folder / "report.json", json);
}

void write_pictures(const Encoding& encoding, const EncodedRows& done, const RunFolder& folder) {
  EncodingPictures pictures(encoding.data, encoding.sampling.field);
  std::vector<double> input(encoding.rows.dimension());
  done.for_each([&](std::size_t i, const EncodedRow& row) {
    if (!pictures.wants_more()) return;
    encoding.rows.row(i, input);
    pictures.add(input, row.latent, row.returned);
  });
  pictures.write(folder.path());
}

}  // namespace

void check_encoding(const Encoding& encoding, const Context& context) {
  const Sampling& sampling = encoding.sampling;
  if (sampling.sampler.kind != SamplerKind::kOde) {
    throw Error(fmt::format("{} adds noise on its way; encoding needs a solver of the ODE, which can run upward",
                            sampling.sampler.name));
  }
  if (!std::isfinite(sampling.levels.front()) || !(sampling.levels.back() > 0)) {
    throw Error(fmt::format("encoding goes between finite noise levels above 0, not from {} to {}",
                            sampling.levels.back(), sampling.levels.front()));
  }
  Sampling up = sampling;
  std::ranges::reverse(up.levels);
  (void)evaluations_of(up);
  (void)evaluations_of(sampling);
  // A step holds the states, what the field answered, and a solver's own few copies of them.
  const std::size_t batch = std::min(encoding.batch, encoding.rows.size());
  context.check_memory(10 * sizeof(double) * batch, encoding.data.dimension(), "a batch of rows (--batch)");
}

EncodingReport run_encoding(const Encoding& encoding, RunFolder& folder, const Context& context) {
  check_encoding(encoding, context);
  EncodingReport report;
  report.requested = encoding.rows.size();
  std::filesystem::create_directories(folder / "partial");
  EncodedRows done(folder / "partial/rows.f64", encoding.data.dimension(), encoding.one_way);
  const auto began = std::chrono::steady_clock::now();
  try {
    while (done.size() < report.requested) {
      context.report("rows", static_cast<double>(done.size()), static_cast<double>(report.requested));
      encode_batch(encoding, done.size(), std::min(encoding.batch, report.requested - done.size()), done, context);
    }
  } catch (const Cancelled&) {
    report.finished = done.size();
    return report;
  }
  report.finished = done.size();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  measure(encoding, done, report);
  write_arrays(encoding, done, folder);
  write_report(encoding, report, folder);
  write_pictures(encoding, done, folder);
  folder.mark_done(kEncodingDone);
  std::filesystem::remove_all(folder / "partial");
  return report;
}

}  // namespace scorefield
