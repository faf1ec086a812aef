// Row-major matrices, one sample a row: the shape that every floor passes around.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace scorefield {

/// A view of `rows` x `cols` values; row i starts at data + i * stride. Does not own.
template <class T>
struct RowsView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;

  RowsView() = default;
  RowsView(T* data_, std::size_t rows_, std::size_t cols_) : RowsView(data_, rows_, cols_, cols_) {}
  RowsView(T* data_, std::size_t rows_, std::size_t cols_, std::size_t stride_)
      : data(data_), rows(rows_), cols(cols_), stride(stride_) {}
  /// A mutable view reads as a const one.
  template <class U>
  requires std::is_same_v<const U, T> RowsView(const RowsView<U>& other)  // NOLINT(google-explicit-constructor)
      : RowsView(other.data, other.rows, other.cols, other.stride) {}

  std::span<T> operator[](std::size_t i) const { return {data + i * stride, cols}; }
  T& operator()(std::size_t i, std::size_t j) const { return data[i * stride + j]; }
  RowsView slice(std::size_t first, std::size_t count) const { return {data + first * stride, count, cols, stride}; }
};

/// An owned matrix of double, contiguous: states, samples, denoised means. Zero when made.
class Rows {
 public:
  Rows() = default;
  Rows(std::size_t rows, std::size_t cols) : rows_(rows), cols_(cols), values_(rows * cols) {}

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  bool empty() const { return values_.empty(); }
  double* data() { return values_.data(); }
  const double* data() const { return values_.data(); }
  std::span<double> values() { return values_; }
  std::span<const double> values() const { return values_; }
  std::span<double> operator[](std::size_t i) { return {values_.data() + i * cols_, cols_}; }
  std::span<const double> operator[](std::size_t i) const { return {values_.data() + i * cols_, cols_}; }
  double& operator()(std::size_t i, std::size_t j) { return values_[i * cols_ + j]; }
  double operator()(std::size_t i, std::size_t j) const { return values_[i * cols_ + j]; }

  RowsView<double> view() { return {values_.data(), rows_, cols_}; }
  RowsView<const double> view() const { return {values_.data(), rows_, cols_}; }

 private:
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::vector<double> values_;
};

}  // namespace scorefield
