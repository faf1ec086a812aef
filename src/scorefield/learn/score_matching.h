// Score matching: four losses with the same gradient on average (docs/theory/losses.md).
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "scorefield/field/field.h"
#include "scorefield/learn/denoising.h"

namespace scorefield {

/// With s = (D - x)/sigma^2 the model's score of p_sigma, each times w sigma^4/d:
enum class Objective {
  kDenoising,  // |s + n/sigma|^2 (Vincent 2011): DenoisingTask
  kExplicit,   // |s - grad log p_sigma|^2, of a field that knows it
  kImplicit,   // |s|^2 + 2 div s (Hyvarinen 2005)
  kSliced,     // mean over probes v of (v . s)^2 + 2 v^T (ds/dx) v (Song et al. 2019, eq. 8, times 2)
};

/// "denoising", "explicit", "implicit" or "sliced". Throws Error for anything else.
Objective objective_of(std::string_view name);

/// Losses w/d c sum_k ((v_k . r)^2 + 2 sigma^2 (v_k^T (dD/dx) v_k - |v_k|^2)) of each row, r = D - x: the bracket is
/// sigma^4 times (v . s)^2 + 2 v^T (ds/dx) v. Adds the gradient of `share` times their sum to `gradient`, unless that
/// is empty. probes: [rows, count, d]; c: probe_weight.
LossSum form_losses(const NoisedBatch& batch, std::span<const float> probes, std::size_t count, double probe_weight,
                    double share, net::Network& network, std::span<float> gradient);

/// The field's answers at the states of a batch, about the centre. centre: [d], data units.
Rows denoised_by(const Field& field, std::span<const double> centre, const NoisedBatch& batch);

/// The other three. Implicit is sliced with the d unit vectors for probes, summed: it takes d derivatives a row, so it
/// is for few dimensions. The loss of implicit and sliced score matching has no floor at 0.
class ScoreMatchingTask final : public NoisedTask {
 public:
  struct Options {
    Objective objective = Objective::kImplicit;
    std::size_t probes = 1;              // a row, of kSliced: of independent +1 and -1
    std::uint64_t seed = 0;              // of the probes
    std::shared_ptr<const Field> field;  // of kExplicit: the law of the rows, in data units
    std::vector<double> centre;          // [d]: rows are seen about it
  };

  ScoreMatchingTask(NoisedRows training, std::optional<NoisedRows> held_out, std::size_t micro_batch,
                    WorkerNetworks networks, Options options);

 protected:
  LossSum losses(const NoisedBatch& batch, double share, int worker, std::span<float> gradient) override;

 private:
  /// [rows, count, d]
  std::vector<float> probes_of(const NoisedBatch& batch, std::size_t count) const;

  WorkerNetworks networks_;
  Options options_;
};

}  // namespace scorefield
