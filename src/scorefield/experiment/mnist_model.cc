// A small trained denoiser of MNIST against the exact field of its training set: it errs alike on rows that it saw and
// on rows that it did not.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <filesystem>

#include "scorefield/base/file.h"
#include "scorefield/base/random.h"
#include "scorefield/data/open.h"
#include "scorefield/experiment/claims.h"
#include "scorefield/field/empirical.h"
#include "scorefield/learn/imported_model.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

// Where the command runs.
constexpr const char* kModel = "mnist-ddpm.pt";
constexpr const char* kData = "mnist";

constexpr std::size_t kRows = 400;

/// Of one noise level, in the model's units ([-0.5, 0.5]): what was published with the model.
struct Published {
  double sigma;
  double exact_train;
  double exact_test;
  double model_train;
  double model_test;
};

constexpr std::array kPublished = {
    Published{0.079, 0.00000, 0.02442, 0.00060, 0.00059},
    Published{0.342, 0.00000, 0.02415, 0.00504, 0.00504},
    Published{1.239, 0.01218, 0.03115, 0.03481, 0.03486},
    Published{3.438, 0.05625, 0.05674, 0.06346, 0.06417},
};

std::string what_is_missing() {
  if (const std::string why = why_no_networks(); !why.empty()) return why;
  if (!path_exists(kModel)) {
    return fmt::format("{} is not in the folder where the command runs (docs/reproduce.md)", kModel);
  }
  if (test_set_of(kData).empty()) {
    return fmt::format("{}/ with MNIST's four files is not in the folder where the command runs (docs/data.md)", kData);
  }
  return "";
}

struct MeanError {
  double mean = 0;  // square a value, the model's units
  double standard_error = 0;
};

/// Of D at one draw of noise a row.
MeanError error_of(const Field& field, const Dataset& data, double sigma, const Context& context) {
  const std::size_t d = data.dimension();
  Rows x0(kRows, d);
  Rows x(kRows, d);
  for (std::size_t i = 0; i < kRows; ++i) {
    data.row(i, x0[i]);
    RandomStream(i, Purpose::kProbe).normals(x[i]);
    for (std::size_t k = 0; k < d; ++k) x(i, k) = x0(i, k) + sigma * x(i, k);
  }
  const Answer answer = field.ask(x.view(), std::span(&sigma, 1), {}, {}, context);
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < kRows; ++i) {
    double error = 0;
    for (std::size_t k = 0; k < d; ++k) {
      const double off = (answer.denoised(i, k) - x0(i, k)) / 2;  // data units are twice as wide
      error += off * off / static_cast<double>(d);
    }
    sum += error;
    squares += error * error;
  }
  const double mean = sum / kRows;
  return {mean, std::sqrt((squares / kRows - mean * mean) / kRows)};
}

Findings measure(const Context& context) {
  Findings findings;
  findings.missing = what_is_missing();
  if (!findings.missing.empty()) return findings;
  Declaration declaration;
  declaration.predicts = "noise";
  declaration.process = "ddpm:1001,1e-4,0.02";
  declaration.time = "index/1000";
  declaration.low = -0.5;
  declaration.high = 0.5;
  declaration.shape = {1, 28, 28};
  const auto model = make_imported_field(open_network(kModel, declaration), declaration);
  const Dataset train = open_dataset(kData, {}, context);
  const Dataset test = open_dataset(test_set_of(kData), {}, context);
  const Empirical exact(train, {}, context);

  Table table{"Mean square error of D a value, [-0.5, 0.5]: exact field on train and test images, model on both",
              {"sigma", "exact train", "exact test", "model train", "model test"},
              {}};
  const auto add = [&](const std::string& what, const MeanError& measured, double expected) {
    // Both are means over 400 images, perhaps of other images: their errors add. And five digits are published.
    const double tolerance = 4 * std::sqrt(2.0) * measured.standard_error + 5e-6;
    findings.checks.push_back({what, measured.mean, measured.standard_error, expected, tolerance,
                               "published with the model; four standard errors of two means over 400 images"});
  };
  for (const Published& level : kPublished) {
    const double sigma = 2 * level.sigma;
    const MeanError exact_train = error_of(exact, train, sigma, context);
    const MeanError exact_test = error_of(exact, test, sigma, context);
    const MeanError model_train = error_of(*model, train, sigma, context);
    const MeanError model_test = error_of(*model, test, sigma, context);
    add(fmt::format("exact field, training images, sigma = {}", level.sigma), exact_train, level.exact_train);
    add(fmt::format("exact field, test images, sigma = {}", level.sigma), exact_test, level.exact_test);
    add(fmt::format("model, training images, sigma = {}", level.sigma), model_train, level.model_train);
    add(fmt::format("model, test images, sigma = {}", level.sigma), model_test, level.model_test);
    const double error = std::hypot(model_train.standard_error, model_test.standard_error);
    findings.checks.push_back({fmt::format("model, test less training images, sigma = {}", level.sigma),
                               model_test.mean - model_train.mean, error, 0, 4 * error,
                               "a model that generalises errs alike on both; four standard errors"});
    table.rows.push_back({level.sigma, exact_train.mean, exact_test.mean, model_train.mean, model_test.mean});
  }
  findings.tables.push_back(std::move(table));
  return findings;
}

}  // namespace

Claim mnist_model_claim() {
  return {
      "mnist-model",
      "A small denoiser trained on MNIST does not memorise: it errs alike on training and on test images, where the "
      "exact field of the training images errs far more on test images at low noise.",
      "the table published with the model; Karras et al. 2022, appendix B.3 (the ideal denoiser of a finite set)",
      "One noise draw on each of 400 training and 400 test images; mean square error of D at four noise levels.",
      measure};
}

}  // namespace scorefield
