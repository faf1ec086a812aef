// A field that need not be asked the same twice.
#pragma once

#include <deque>
#include <mutex>
#include <vector>

#include "scorefield/field/forwarding_field.h"

namespace scorefield {

/// Answers from memory when it is asked for the denoised means of the very same states at one noise level, under
/// the same labels, again: a search that moves the levels one by one runs into the same states up to the level it
/// moved. Bits are those of the field.
class RememberingField final : public ForwardingField {
 public:
  /// Keeps the last `most` answers, of at most `bytes` together. field must live as long.
  RememberingField(const Field& field, std::size_t most, std::size_t bytes)
      : ForwardingField(field), most_(most), most_bytes_(bytes) {}

  Answer ask(RowsView<const double> x, std::span<const double> sigma, std::span<const int> labels,
             const Request& request, const Context& context) const override;

  std::size_t remembered() const;  // answers that came from memory
  /// What those took when the field made them, wall time.
  double saved_seconds() const;

 private:
  struct Memory {
    double sigma;
    std::vector<int> labels;  // as they were given
    Rows x;
    Rows denoised;
    double seconds;
  };
  std::size_t most_;
  std::size_t most_bytes_;
  mutable std::mutex mutex_;
  mutable std::deque<Memory> memories_;  // newest first
  mutable std::size_t bytes_ = 0;
  mutable std::size_t remembered_ = 0;
  mutable double saved_seconds_ = 0;
};

}  // namespace scorefield
