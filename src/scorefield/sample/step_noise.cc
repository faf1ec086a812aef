#include "scorefield/sample/step_noise.h"

#include <fmt/format.h>

#include "scorefield/base/brownian.h"
#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"

namespace scorefield {
namespace {

class SeededNoise final : public StepNoise {
 public:
  SeededNoise(std::span<const std::uint64_t> seeds, std::size_t dimension, const Context& context)
      : seeds_(seeds), dimension_(dimension), context_(context) {}

  Rows between(double from, double to) override {
    if (paths_.empty()) {
      for (const std::uint64_t seed : seeds_) paths_.emplace_back(seed, dimension_);
    }
    Rows z(seeds_.size(), dimension_);
    run_tasks(context_.pool, seeds_.size(), [&](std::size_t k, int) { paths_[k].increment(from, to, z[k]); });
    return z;
  }

  Rows fresh(double sigma, std::uint64_t number) override {
    ensure(number < (std::uint64_t{1} << 32), "draws at one noise level fit their address");
    const std::uint64_t node = (BrownianPath::leaf_of(sigma) << 32) | number;
    Rows z(seeds_.size(), dimension_);
    run_tasks(context_.pool, seeds_.size(),
              [&](std::size_t k, int) { RandomStream(seeds_[k], Purpose::kFreshNoise, node).normals(z[k]); });
    return z;
  }

 private:
  std::span<const std::uint64_t> seeds_;
  std::size_t dimension_;
  const Context& context_;
  std::vector<BrownianPath> paths_;  // made when first asked for
};

class RecordedNoise final : public StepNoise {
 public:
  explicit RecordedNoise(std::span<const Rows> draws) : draws_(draws) {}
  Rows between(double /*from*/, double /*to*/) override { return next(); }
  Rows fresh(double /*sigma*/, std::uint64_t /*number*/) override { return next(); }

 private:
  Rows next() {
    if (used_ == draws_.size()) {
      throw Error(fmt::format("the run asks for more noise than the {} draws that were recorded", draws_.size()));
    }
    return draws_[used_++];
  }
  std::span<const Rows> draws_;
  std::size_t used_ = 0;
};

}  // namespace

std::unique_ptr<StepNoise> seeded_noise(std::span<const std::uint64_t> seeds, std::size_t dimension,
                                        const Context& context) {
  return std::make_unique<SeededNoise>(seeds, dimension, context);
}

std::unique_ptr<StepNoise> recorded_noise(std::span<const Rows> draws) {
  return std::make_unique<RecordedNoise>(draws);
}

}  // namespace scorefield
