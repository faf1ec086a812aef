// Plain arrays as tensors, and back.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace scorefield::net {

inline std::int64_t number(std::size_t n) {
  return static_cast<std::int64_t>(n);
}

/// A tensor of an array that lives as long as the call.
inline at::Tensor view(const float* data, const std::vector<std::int64_t>& shape) {
  return at::from_blob(const_cast<float*>(data), shape, at::kFloat);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

/// from: float32 values, as many as `to` takes.
inline void copy(const at::Tensor& from, float* to) {
  const at::Tensor whole = from.contiguous();
  std::memcpy(to, whole.data_ptr<float>(), static_cast<std::size_t>(whole.numel()) * sizeof(float));
}

}  // namespace scorefield::net
