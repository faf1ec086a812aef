#include "scorefield/sample/linear_step.h"

#include <array>

#include "scorefield/base/error.h"

namespace scorefield {

LinearStep linear_step(const SamplerEntry& sampler, const Process& process, double t_from, double t_to,
                       const SamplerOptions& options) {
  const std::array<TimePoint, 2> ends = {point_at_time(process, t_from), point_at_time(process, t_to)};
  const std::array<double, 2> levels = {ends[0].sigma, ends[1].sigma};
  Evaluation now{ends[0], Rows(3, 1), Rows(3, 1)};
  now.x(0, 0) = 1 / ends[0].law.scale;
  now.denoised(1, 0) = 1;
  const std::vector<Rows> draws = [] {
    Rows z(3, 1);
    z(2, 0) = 1;
    return std::vector<Rows>{z};
  }();
  const auto noise = recorded_noise(draws);
  Rows next(3, 1);
  sampler.make(options)->step(
      {.from = ends[0],
       .to = ends[1],
       .levels = levels,
       .process = process,
       .past = {&now, 1},
       .next = next.view(),
       .ask = [](RowsView<const double>, std::span<const double>, std::span<const std::size_t>) -> Rows {
         throw Bug("linear_step() of a sampler that asks for D at a second point");
       },
       .noise = noise.get()});
  const double scale = ends[1].law.scale;
  return {scale * next(0, 0), scale * next(1, 0), scale * next(2, 0)};
}

}  // namespace scorefield
