// What is in training: a model with all of its state in memory, as the loop over steps sees it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "scorefield/base/context.h"
#include "scorefield/learn/trainer.h"

namespace scorefield {

class Training {
 public:
  Training() = default;
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;
  virtual ~Training() = default;

  virtual Trainer& trainer() = 0;
  /// Writes the model with the averaged weights. training: what it says of how it was trained.
  virtual void write(const std::filesystem::path& path, const nlohmann::json& training) const = 0;

  /// What the loss is, for figures.
  virtual std::string loss_label() const = 0;
  /// What else the record of a checkpoint says, by the averaged weights: an object.
  virtual nlohmann::json figures(const Context& /*context*/) const { return nlohmann::json::object(); }

  /// Evaluations of a row of the network that a picture of what has been learnt takes; 0: there is no picture.
  virtual std::size_t picture_evaluations() const { return 0; }
  /// stem.png (and what belongs to it), by the averaged weights.
  virtual void write_picture(const std::filesystem::path& /*stem*/, const Context& /*context*/) const {}
};

}  // namespace scorefield
