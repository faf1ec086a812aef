#include "scorefield/sample/linear_step.h"

#include "scorefield/base/error.h"

namespace scorefield {
namespace {

TimePoint time_point(const Process& process, double t) {
  const Marginal law = process.at(t);
  return {.sigma = law.sigma, .t = t, .law = law};
}

}  // namespace

LinearStep linear_step(const Sampler& sampler, const Process& process, double t_from, double t_to) {
  const TimePoint from = time_point(process, t_from);
  const TimePoint to = time_point(process, t_to);
  Rows x(3, 1);
  x(0, 0) = 1 / from.law.scale;
  Rows denoised(3, 1);
  denoised(1, 0) = 1;
  sampler.step({.from = from,
                .to = to,
                .x = x.view(),
                .denoised = denoised.view(),
                .denoise = [](RowsView<const double>, double) -> Rows {
                  throw Bug("linear_step() of a sampler that asks for D at a second point");
                },
                .noise =
                    [] {
                      Rows z(3, 1);
                      z(2, 0) = 1;
                      return z;
                    }});
  return {to.law.scale * x(0, 0), to.law.scale * x(1, 0), to.law.scale * x(2, 0)};
}

}  // namespace scorefield
