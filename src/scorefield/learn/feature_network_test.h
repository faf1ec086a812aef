// A network for tests: linear in its weights, so that losses are quadratic and every derivative is written by hand.
// Included by tests only.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "scorefield/learn/weights.h"

namespace scorefield::testing_support {

/// F = W phi(x, label), phi = [1, label, x, tanh(a_m . x + b_m label)] with fixed a and b: W is [d, features]. A class
/// k adds 0.1 (k + 1) to every feature's argument.
class FeatureNetwork final : public net::Network {
 public:
  static constexpr std::size_t kWaves = 3;
  static std::size_t features(std::size_t d) { return 2 + d + kWaves; }
  static std::vector<net::Tensor> layout(std::size_t d) {
    net::Tensor w;
    w.name = "w";
    w.shape = {d, features(d)};
    w.size = d * features(d);
    w.deviation = 0.5F;
    return {w};
  }

  FeatureNetwork(std::size_t d, const float* weights) : d_(d), weights_(weights) {}

  void evaluate(const net::Batch& batch, float* out) override {
    keep(batch);
    for (std::size_t i = 0; i < batch.rows; ++i) {
      for (std::size_t j = 0; j < d_; ++j) {
        double sum = 0;
        for (std::size_t f = 0; f < features(d_); ++f) sum += weight(j, f) * phi(i, f);
        out[i * d_ + j] = static_cast<float>(sum);
      }
    }
  }
  void forward(const net::Batch& batch, float* out) override { evaluate(batch, out); }
  void pull_back(const float* cotangent, float* gradient, float* /*x_gradient*/) override {
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t j = 0; j < d_; ++j) {
        for (std::size_t f = 0; f < features(d_); ++f) {
          gradient[j * features(d_) + f] += static_cast<float>(static_cast<double>(cotangent[i * d_ + j]) * phi(i, f));
        }
      }
    }
  }
  void forward_forms(const net::Batch& batch, const float* probes, std::size_t count, float* out,
                     float* forms) override {
    evaluate(batch, out);
    probes_.assign(probes, probes + batch.rows * count * d_);
    count_ = count;
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t k = 0; k < count; ++k) {
        double sum = 0;
        for (std::size_t j = 0; j < d_; ++j) {
          for (std::size_t f = 0; f < features(d_); ++f) sum += probe(i, k, j) * weight(j, f) * slope(i, k, f);
        }
        forms[i * count + k] = static_cast<float>(sum);
      }
    }
  }
  void pull_back_forms(const float* cotangent, const float* form_cotangent, float* gradient) override {
    pull_back(cotangent, gradient, nullptr);
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t k = 0; k < count_; ++k) {
        const auto c = static_cast<double>(form_cotangent[i * count_ + k]);
        for (std::size_t j = 0; j < d_; ++j) {
          for (std::size_t f = 0; f < features(d_); ++f) {
            gradient[j * features(d_) + f] += static_cast<float>(c * probe(i, k, j) * slope(i, k, f));
          }
        }
      }
    }
  }

 private:
  void keep(const net::Batch& batch) {
    rows_ = batch.rows;
    x_.assign(batch.x, batch.x + rows_ * d_);
    label_.assign(batch.noise_label, batch.noise_label + rows_);
    shift_.assign(rows_, 0);
    for (std::size_t i = 0; i < rows_ && batch.classes != nullptr; ++i) shift_[i] = 0.1 * (batch.classes[i] + 1);
  }
  double weight(std::size_t j, std::size_t f) const { return static_cast<double>(weights_[j * features(d_) + f]); }
  double probe(std::size_t i, std::size_t k, std::size_t j) const {
    return static_cast<double>(probes_[(i * count_ + k) * d_ + j]);
  }
  static double direction(std::size_t wave, std::size_t k) {
    return std::sin(1 + 2.3 * static_cast<double>(wave) + 1.7 * static_cast<double>(k));
  }
  double argument(std::size_t i, std::size_t wave) const {
    const auto m = static_cast<double>(wave);
    double sum = shift_[i] + (0.5 * m - 0.4) * static_cast<double>(label_[i]) + 0.3 * m;
    for (std::size_t k = 0; k < d_; ++k) sum += direction(wave, k) * static_cast<double>(x_[i * d_ + k]);
    return sum;
  }
  double phi(std::size_t i, std::size_t f) const {
    if (f == 0) return 1;
    if (f == 1) return static_cast<double>(label_[i]);
    if (f < 2 + d_) return static_cast<double>(x_[i * d_ + f - 2]);
    return std::tanh(argument(i, f - 2 - d_));
  }
  /// dphi_f/dx . probe
  double slope(std::size_t i, std::size_t k, std::size_t f) const {
    if (f < 2) return 0;
    if (f < 2 + d_) return probe(i, k, f - 2);
    double along = 0;
    for (std::size_t j = 0; j < d_; ++j) along += direction(f - 2 - d_, j) * probe(i, k, j);
    const double value = phi(i, f);
    return (1 - value * value) * along;
  }

  std::size_t d_;
  const float* weights_;
  std::size_t rows_ = 0;
  std::size_t count_ = 0;
  std::vector<float> x_;
  std::vector<float> label_;
  std::vector<double> shift_;
  std::vector<float> probes_;
};

}  // namespace scorefield::testing_support
