// UniPC: a multistep predictor, corrected by the answer at the node that it led to.
#include "scorefield/sample/exponential_step.h"
#include "scorefield/sample/multistep.h"
#include "scorefield/sample/samplers.h"

namespace scorefield {
namespace {

/// The field is asked once a step, at the predicted state; that answer corrects the state before the next step goes on
/// from it, so what is observed at a level is the predicted state, and the last one is not corrected.
class UniPc final : public Multistep {
 public:
  UniPc(Prediction prediction, UniPcVariant variant, int order, const SamplerOptions& options)
      : Multistep(order, options), prediction_(prediction), variant_(variant) {}
  /// The corrector goes through the new node and `order` before it.
  std::size_t memory() const override { return order() + 1; }
  bool keeps_states() const override { return true; }

  void step(const Step& step) override {
    if (from_.rows() == 0) {
      from_ = Rows(step.next.rows, step.next.cols);
      Combination().add_x(1, step.now()).into(from_.view(), step.pool);
    } else {
      // The last step's predictor again, with its end among the nodes.
      advance(step.past.subspan(1, last_order_), &step.now()).into(from_.view(), step.pool);
    }
    if (step.to.sigma == 0) return step.finish(Combination().add_denoised(1, step.now()));
    last_order_ = nodes_of(step);
    last_to_ = step.to.sigma;
    step.finish(advance(step.past.first(last_order_), nullptr));
  }

 private:
  /// From the first of `past` to last_to_, through `past` and, in the corrector, the answer found there.
  Combination advance(std::span<const Evaluation> past, const Evaluation* end) const {
    const ExponentialStep solver(prediction_, past[0].at.sigma, last_to_);
    std::vector<const Evaluation*> nodes;
    for (const Evaluation& e : past) nodes.push_back(&e);
    if (end != nullptr) nodes.push_back(end);
    std::vector<double> moments;
    for (std::size_t k = 0; k < nodes.size(); ++k) moments.push_back(solver.moment(static_cast<int>(k)));
    // B(h) drops out of the weights, as it multiplies what was divided by it; all but where their authors replace the
    // solution of the system by its limit 1/2.
    if (nodes.size() == 2) moments[1] = (variant_ == UniPcVariant::kBh1 ? solver.plain() : solver.moment(0)) / 2;
    return solver.combine(from_.view(), nodes, moments);
  }

  Prediction prediction_;
  UniPcVariant variant_;
  Rows from_;  // corrected states, where the last step began
  std::size_t last_order_ = 0;
  double last_to_ = 0;
};

}  // namespace

std::unique_ptr<Sampler> make_unipc(Prediction prediction, UniPcVariant variant, int order,
                                    const SamplerOptions& options) {
  return std::make_unique<UniPc>(prediction, variant, order, options);
}

}  // namespace scorefield
