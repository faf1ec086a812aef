#include "scorefield/torch/bound_network.h"

#include <torch/csrc/autograd/autograd.h>

#include "scorefield/base/error.h"
#include "scorefield/torch/arrays.h"

namespace scorefield::net {
BoundNetwork::BoundNetwork(const Architecture& architecture, const float* weights, Arithmetic arithmetic)
    : architecture_(architecture),
      parameters_(weights, arithmetic),
      function_(make_function(parameters_, architecture)) {}

Inputs BoundNetwork::inputs_of(const Batch& batch) const {
  const std::int64_t rows = number(batch.rows);
  const Shape& shape = architecture_.input;
  Inputs inputs;
  inputs.x = shape.height * shape.width == 1
                 ? view(batch.x, {rows, number(shape.channels)})
                 : view(batch.x, {rows, number(shape.channels), number(shape.height), number(shape.width)});
  if (architecture_.noise_label) {
    ensure(batch.noise_label != nullptr, "a noise label for a network that takes one");
    inputs.label = view(batch.noise_label, {rows});
  }
  if (architecture_.classes > 0) {
    const std::int64_t none = number(architecture_.classes);
    inputs.classes = at::full({rows}, none, at::kLong);
    auto* const classes = inputs.classes.data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < batch.rows && batch.classes != nullptr; ++i) {
      ensure(batch.classes[i] < none, "a class that the network has");
      if (batch.classes[i] >= 0) classes[i] = batch.classes[i];
    }
  }
  return inputs;
}

void BoundNetwork::evaluate(const Batch& batch, float* out) {
  const at::NoGradGuard no_gradient;
  copy((*function_)(inputs_of(batch)), out);
}

void BoundNetwork::forward(const Batch& batch, float* out) {
  Inputs inputs = inputs_of(batch);
  inputs.x.set_requires_grad(true);
  x_ = inputs.x;
  out_ = (*function_)(inputs).reshape({number(batch.rows), -1});
  copy(out_.detach(), out);
}

void BoundNetwork::add_gradients(const std::vector<at::Tensor>& gradients, float* gradient) const {
  const at::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < parameters_.layout().size(); ++i) {
    if (!gradients[i].defined()) continue;
    at::from_blob(gradient + parameters_.layout()[i].offset, gradients[i].sizes(), at::kFloat).add_(gradients[i]);
  }
}

void BoundNetwork::pull_back(const float* cotangent, float* gradient, float* x_gradient) {
  ensure(out_.defined(), "forward() before pull_back()");
  const std::size_t weights = gradient == nullptr ? 0 : parameters_.tensors().size();
  std::vector<at::Tensor> wanted;
  if (gradient != nullptr) wanted = parameters_.tensors();
  if (x_gradient != nullptr) wanted.push_back(x_);
  std::vector<at::Tensor> gradients = torch::autograd::grad(
      {out_}, wanted, {view(cotangent, {out_.size(0), out_.size(1)})}, false, false, /*allow_unused=*/true);
  if (gradient != nullptr) add_gradients(gradients, gradient);
  if (x_gradient != nullptr) copy(gradients[weights], x_gradient);
  out_ = at::Tensor();
  x_ = at::Tensor();
}

void BoundNetwork::forward_forms(const Batch& batch, const float* probes, std::size_t count, float* out, float* forms) {
  forward(batch, out);
  const std::int64_t rows = out_.size(0);
  const std::int64_t size = out_.size(1);
  ensure(architecture_.input.size() == architecture_.output.size(), "quadratic forms of a square Jacobian");
  const at::Tensor all = view(probes, {rows, number(count), size});
  std::vector<at::Tensor> columns;
  for (std::int64_t k = 0; k < number(count); ++k) {
    const at::Tensor probe = all.select(1, k);
    const at::Tensor product = torch::autograd::grad({out_}, {x_}, {probe}, true, /*create_graph=*/true)[0];
    columns.push_back((product.reshape({rows, -1}) * probe).sum(1));
  }
  forms_ = at::stack(columns, 1);
  copy(forms_.detach(), forms);
}

void BoundNetwork::pull_back_forms(const float* cotangent, const float* form_cotangent, float* gradient) {
  ensure(forms_.defined(), "forward_forms() before pull_back_forms()");
  add_gradients(torch::autograd::grad({out_, forms_}, parameters_.tensors(),
                                      {view(cotangent, {out_.size(0), out_.size(1)}),
                                       view(form_cotangent, {forms_.size(0), forms_.size(1)})},
                                      false, false, /*allow_unused=*/true),
                gradient);
  out_ = at::Tensor();
  x_ = at::Tensor();
  forms_ = at::Tensor();
}

}  // namespace scorefield::net
