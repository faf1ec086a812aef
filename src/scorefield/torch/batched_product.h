// Many small matrix products at once, as attention has them: a BLAS call a product costs more than the product.
#pragma once

#include <ATen/ATen.h>

namespace scorefield::net {

/// a[i] b[i] for every i, each factor first transposed where told. float32; a: [n, rows, inner] ([n, inner, rows] where
/// transposed), b: [n, inner, columns] ([n, columns, inner]) -> [n, rows, columns]. Differentiable any number of times.
/// A product's bits depend on its two factors alone.
at::Tensor batched_product(const at::Tensor& a, bool transpose_a, const at::Tensor& b, bool transpose_b);

}  // namespace scorefield::net
