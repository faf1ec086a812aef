#include "scorefield/learn/classification.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/field/class_likelihood.h"

namespace scorefield {
namespace {

class NoNoise final : public NoiseLaw {
 public:
  double level(double /*u*/) const override { return 0; }
  double density(double /*sigma*/) const override { return 0; }
};

}  // namespace

ClassificationTask::ClassificationTask(NoisedRows training, std::optional<NoisedRows> held_out, std::size_t micro_batch,
                                       WorkerNetworks networks, std::size_t classes, std::size_t outputs,
                                       bool noise_label)
    : NoisedTask(std::move(training), std::move(held_out), micro_batch),
      networks_(std::move(networks)),
      classes_(classes),
      outputs_(outputs),
      noise_label_(noise_label) {
  ensure(classes_ > 0 && outputs_ >= classes_, "a logit for every class");
}

LossSum ClassificationTask::losses(const NoisedBatch& batch, double share, int worker, std::span<float> gradient) {
  net::Network& network = networks_.of(worker);
  const net::Batch rows{batch.rows(), batch.input.data(), noise_label_ ? batch.label.data() : nullptr, nullptr};
  std::vector<float> output(batch.rows() * outputs_);
  if (gradient.empty()) {
    network.evaluate(rows, output.data());
  } else {
    network.forward(rows, output.data());
  }
  LossSum sum;
  std::vector<double> log_p(classes_);
  for (std::size_t i = 0; i < batch.rows(); ++i) {
    float* const row = output.data() + i * outputs_;
    const std::int32_t label = batch.classes[i];
    ensure(label >= 0 && static_cast<std::size_t>(label) < classes_, "every row has a class");
    const auto y = static_cast<std::size_t>(label);
    std::copy_n(row, classes_, log_p.begin());
    log_softmax(log_p);
    sum.add(-batch.weight[i] * log_p[y]);
    // d(-log p_y)/d logit_c = p_c - [c = y]
    std::fill_n(row, outputs_, 0.0F);
    for (std::size_t c = 0; c < classes_; ++c) {
      const double slope = c == y ? std::expm1(log_p[c]) : std::exp(log_p[c]);
      row[c] = static_cast<float>(share * batch.weight[i] * slope);
    }
  }
  if (!gradient.empty()) network.pull_back(output.data(), gradient.data(), nullptr);
  return sum;
}

std::shared_ptr<const NoiseLaw> no_noise() {
  return std::make_shared<NoNoise>();
}

}  // namespace scorefield
