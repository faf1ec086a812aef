// A linear network for tests, with which an autoencoder is probabilistic principal components. Included by tests only.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scorefield/learn/weights.h"

namespace scorefield::testing_support {

/// y = W x + b: W is [outputs, inputs], b [outputs].
class LinearNetwork final : public net::Network {
 public:
  static std::vector<net::Tensor> layout(std::size_t inputs, std::size_t outputs) {
    net::Tensor w;
    w.name = "w";
    w.shape = {outputs, inputs};
    w.size = outputs * inputs;
    w.deviation = 0.3F;
    net::Tensor b;
    b.name = "b";
    b.shape = {outputs};
    b.offset = w.size;
    b.size = outputs;
    b.decays = false;
    return {w, b};
  }

  LinearNetwork(std::size_t inputs, std::size_t outputs, const float* weights)
      : inputs_(inputs), outputs_(outputs), weights_(weights) {}

  void evaluate(const net::Batch& batch, float* out) override {
    rows_ = batch.rows;
    x_.assign(batch.x, batch.x + rows_ * inputs_);
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t j = 0; j < outputs_; ++j) {
        double sum = static_cast<double>(weights_[inputs_ * outputs_ + j]);
        for (std::size_t k = 0; k < inputs_; ++k) sum += weight(j, k) * static_cast<double>(x_[i * inputs_ + k]);
        out[i * outputs_ + j] = static_cast<float>(sum);
      }
    }
  }
  void forward(const net::Batch& batch, float* out) override { evaluate(batch, out); }
  void pull_back(const float* cotangent, float* gradient, float* x_gradient) override {
    for (std::size_t i = 0; i < rows_; ++i) {
      for (std::size_t k = 0; k < inputs_ && x_gradient != nullptr; ++k) {
        double sum = 0;
        for (std::size_t j = 0; j < outputs_; ++j) {
          sum += weight(j, k) * static_cast<double>(cotangent[i * outputs_ + j]);
        }
        x_gradient[i * inputs_ + k] = static_cast<float>(sum);
      }
      for (std::size_t j = 0; j < outputs_ && gradient != nullptr; ++j) {
        const float c = cotangent[i * outputs_ + j];
        for (std::size_t k = 0; k < inputs_; ++k) gradient[j * inputs_ + k] += c * x_[i * inputs_ + k];
        gradient[inputs_ * outputs_ + j] += c;
      }
    }
  }
  void forward_forms(const net::Batch&, const float*, std::size_t, float*, float*) override {}
  void pull_back_forms(const float*, const float*, float*) override {}

 private:
  double weight(std::size_t j, std::size_t k) const { return static_cast<double>(weights_[j * inputs_ + k]); }

  std::size_t inputs_;
  std::size_t outputs_;
  const float* weights_;
  std::size_t rows_ = 0;
  std::vector<float> x_;
};

}  // namespace scorefield::testing_support
