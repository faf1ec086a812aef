#include "scorefield/torch/batched_product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scorefield/torch/batched_product.cc"
#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace scorefield::net::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::ScalableTag<float>;

/// A matrix, element (row, column) at data[row * row_stride + column * column_stride].
struct Matrix {
  const float* data;
  std::size_t row_stride;
  std::size_t column_stride;
};

constexpr std::size_t kRows = 4;
constexpr std::size_t kMostVectors = 4;  // kRows * kMostVectors sums stay in registers

/// kRows rows of a times V vectors of columns of b. b: rows of `width` values. Of the result `rows` rows and `columns`
/// columns are stored.
template <std::size_t V>
HWY_INLINE void block(const Matrix& a, const float* HWY_RESTRICT b, std::size_t width, std::size_t inner,
                      std::size_t rows, std::size_t columns, float* HWY_RESTRICT out, std::size_t out_stride) {
  const F f;
  const std::size_t lanes = hn::Lanes(f);
  hn::Vec<F> sums[kRows][V];
  const float* row[kRows];
  for (std::size_t r = 0; r < kRows; ++r) {
    row[r] = a.data + std::min(r, rows - 1) * a.row_stride;
    for (std::size_t v = 0; v < V; ++v) sums[r][v] = hn::Zero(f);
  }
  for (std::size_t k = 0; k < inner; ++k) {
    hn::Vec<F> of_b[V];
    for (std::size_t v = 0; v < V; ++v) of_b[v] = hn::LoadU(f, b + k * width + v * lanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto of_a = hn::Set(f, row[r][k * a.column_stride]);
      for (std::size_t v = 0; v < V; ++v) sums[r][v] = hn::MulAdd(of_a, of_b[v], sums[r][v]);
    }
  }
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t v = 0; v < V; ++v) {
      float* const to = out + r * out_stride + v * lanes;
      if ((v + 1) * lanes <= columns) {
        hn::StoreU(sums[r][v], f, to);
      } else {
        hn::BlendedStore(sums[r][v], hn::FirstN(f, columns - v * lanes), f, to);
      }
    }
  }
}

/// out [rows, columns] = a b. b is copied to rows that are padded to whole vectors.
void Product(const Matrix& a, const Matrix& b, std::size_t rows, std::size_t inner, std::size_t columns, float* out,
             std::vector<float>& copy) {
  const std::size_t lanes = hn::Lanes(F());
  const std::size_t width = (columns + lanes - 1) / lanes * lanes;
  copy.resize(inner * width);
  for (std::size_t k = 0; k < inner; ++k) {
    const float* const from = b.data + k * b.row_stride;
    if (b.column_stride == 1) {
      std::copy(from, from + columns, &copy[k * width]);
    } else {
      for (std::size_t j = 0; j < columns; ++j) copy[k * width + j] = from[j * b.column_stride];
    }
    std::fill(&copy[k * width] + columns, &copy[k * width] + width, 0.0F);
  }
  for (std::size_t j = 0; j < columns; j += kMostVectors * lanes) {
    const std::size_t left = columns - j;
    for (std::size_t i = 0; i < rows; i += kRows) {
      const Matrix from{a.data + i * a.row_stride, a.row_stride, a.column_stride};
      const std::size_t count = std::min(kRows, rows - i);
      float* const to = out + i * columns + j;
      switch (std::min(kMostVectors, (left + lanes - 1) / lanes)) {
        case 1:
          block<1>(from, &copy[j], width, inner, count, left, to, columns);
          break;
        case 2:
          block<2>(from, &copy[j], width, inner, count, left, to, columns);
          break;
        case 3:
          block<3>(from, &copy[j], width, inner, count, left, to, columns);
          break;
        default:
          block<4>(from, &copy[j], width, inner, count, left, to, columns);
      }
    }
  }
}

/// `count` products one after the other. a, b: the matrices, contiguous, as they stand before they are transposed.
void Products(std::size_t count, const float* a, bool transpose_a, const float* b, bool transpose_b, std::size_t rows,
              std::size_t inner, std::size_t columns, float* out) {
  std::vector<float> copy;
  for (std::size_t n = 0; n < count; ++n) {
    const Matrix of_a{a + n * rows * inner, transpose_a ? 1 : inner, transpose_a ? rows : 1};
    const Matrix of_b{b + n * inner * columns, transpose_b ? 1 : columns, transpose_b ? inner : 1};
    Product(of_a, of_b, rows, inner, columns, out + n * rows * columns, copy);
  }
}

}  // namespace scorefield::net::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <torch/csrc/autograd/custom_function.h>

namespace scorefield::net {
namespace {

HWY_EXPORT(Products);

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Its derivatives are products again, so that it has derivatives of every order.
struct BatchedProduct : torch::autograd::Function<BatchedProduct> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& a, bool transpose_a, const at::Tensor& b,
                            bool transpose_b) {
    context->save_for_backward({a, b});
    context->saved_data["transpose_a"] = transpose_a;
    context->saved_data["transpose_b"] = transpose_b;
    const at::Tensor of_a = a.contiguous();
    const at::Tensor of_b = b.contiguous();
    const std::int64_t rows = a.size(transpose_a ? 2 : 1);
    const std::int64_t inner = a.size(transpose_a ? 1 : 2);
    const std::int64_t columns = b.size(transpose_b ? 1 : 2);
    at::Tensor out = at::empty({a.size(0), rows, columns}, a.options());
    const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
    HWY_DYNAMIC_DISPATCH(Products)
    (size(a.size(0)), of_a.data_ptr<float>(), transpose_a, of_b.data_ptr<float>(), transpose_b, size(rows), size(inner),
     size(columns), out.data_ptr<float>());
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& a = saved[0];
    const at::Tensor& b = saved[1];
    const at::Tensor& g = gradients[0];
    const bool transpose_a = context->saved_data["transpose_a"].toBool();
    const bool transpose_b = context->saved_data["transpose_b"].toBool();
    const at::Tensor of_a =
        transpose_a ? batched_product(b, transpose_b, g, true) : batched_product(g, false, b, !transpose_b);
    const at::Tensor of_b =
        transpose_b ? batched_product(g, true, a, transpose_a) : batched_product(a, !transpose_a, g, false);
    return {of_a, at::Tensor(), of_b, at::Tensor()};
  }
};

}  // namespace

at::Tensor batched_product(const at::Tensor& a, bool transpose_a, const at::Tensor& b, bool transpose_b) {
  return BatchedProduct::apply(a, transpose_a, b, transpose_b);
}

}  // namespace scorefield::net
#endif  // HWY_ONCE
