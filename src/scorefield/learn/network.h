// The seam between the library and LibTorch: what a network can do, on plain float32 arrays. C++17.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scorefield/learn/architecture.h"

namespace scorefield::net {

/// One tensor of a network, where it lies in the flat weights, and how it starts.
struct Tensor {
  std::string name;
  std::vector<std::size_t> shape;
  std::size_t offset = 0;  // of its first value
  std::size_t size = 0;
  float deviation = 0;  // it starts as N(0, deviation^2), or, where that is 0,
  float value = 0;      // as this
  bool decays = true;   // weight decay is for matrices and kernels, not for biases, norms and embeddings
};

/// Rows for a network, row-major. Pointers are not owned.
struct Batch {
  std::size_t rows = 0;
  const float* x = nullptr;               // [rows, input size]
  const float* noise_label = nullptr;     // [rows]; null where the network has none
  const std::int32_t* classes = nullptr;  // [rows], -1: no class; null: none has one
};

/// A function F(x, noise label, class) of float32 rows, and its derivatives. For one thread at a time; several may
/// share their weights. Not bit-equal across batch sizes: see learn/evaluator.h.
class Network {
 public:
  virtual ~Network() = default;

  /// out: [rows, output size].
  virtual void evaluate(const Batch& batch, float* out) = 0;

  /// The same, and keeps what pull_back() needs, which may be pointers into the batch: it has to live until then.
  virtual void forward(const Batch& batch, float* out) = 0;
  /// Of the last forward(): adds d<cotangent, F>/d weights to `gradient` ([weights], flat; or null), and writes
  /// d<cotangent, F>/dx to x_gradient ([rows, input size]; or null). cotangent: [rows, output size]. Once a forward().
  virtual void pull_back(const float* cotangent, float* gradient, float* x_gradient) = 0;

  /// forward() and the quadratic forms v^T (dF/dx) v, for which input and output have one size.
  /// probes: [rows, count, size] -> forms: [rows, count].
  virtual void forward_forms(const Batch& batch, const float* probes, std::size_t count, float* out, float* forms) = 0;
  /// Of the last forward_forms(): adds the gradient of <cotangent, F> + <form_cotangent, forms> to `gradient`.
  virtual void pull_back_forms(const float* cotangent, const float* form_cotangent, float* gradient) = 0;
};

/// Numbers that the multiplications of a network are done in; its sums, norms and weights stay float32.
enum class Arithmetic { kFloat32, kBfloat16 };

/// How a TorchScript file is called: net(x[, noise label][, class]).
struct ScriptCall {
  Shape input;  // of no channels: not known yet; the program is opened and not called
  Shape output;
  bool noise_label = true;    // a second argument: [rows] float32
  bool class_label = false;   // a third: [rows] int64
  std::int64_t no_class = 0;  // the number for "no class"
  bool flat = false;          // x is [rows, size], not [rows, channels, height, width]
};

/// What the plugin offers.
class Library {
 public:
  virtual ~Library() = default;
  /// "LibTorch 1.13.1", for the run folder.
  virtual std::string version() const = 0;
  /// The tensors of a network in the order of the flat weights. Throws Error for hyperparameters that do not go
  /// together.
  virtual std::vector<Tensor> layout(const Architecture& architecture) const = 0;
  /// A network whose weights are read from `weights` at every call, so that a training step shows at once. `weights`
  /// must outlive it.
  virtual std::unique_ptr<Network> make(const Architecture& architecture, const float* weights,
                                        Arithmetic arithmetic) const = 0;
  /// A network from a TorchScript file, in evaluation mode; it has no gradient in its weights. TorchScript is code:
  /// only load files that are trusted. Throws Error for a file that is no TorchScript or cannot be called as said.
  virtual std::unique_ptr<Network> load_script(const std::string& path, const ScriptCall& call) const = 0;
};

/// The symbol that the plugin exports (extern "C"): one for the process.
using LibraryFunction = const Library* (*)();
inline constexpr const char* kLibrarySymbol = "scorefield_network_library";
/// Rises with every change of this header; the plugin exports its own as `scorefield_network_interface`.
inline constexpr int kInterface = 2;

}  // namespace scorefield::net
