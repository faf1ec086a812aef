#include "scorefield/experiment/mixture_field.h"

#include "scorefield/data/synthetic.h"
#include "scorefield/field/synthetic_law.h"

namespace scorefield {

GaussianMixture mixture_field(std::string_view spec, const Context& context) {
  return synthetic_law(make_synthetic(spec, context).truth);
}

}  // namespace scorefield
