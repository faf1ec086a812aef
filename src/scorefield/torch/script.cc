#include "scorefield/torch/script.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/version.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <utility>

#include "scorefield/base/error.h"
#include "scorefield/torch/arrays.h"

namespace scorefield::net {
namespace {

/// What a failure of LibTorch says, without its pages of stack: of an error inside a program the line of the operation
/// that failed, else the first line.
std::string reason_of(const std::exception& failure) {
  const auto* const known = dynamic_cast<const c10::Error*>(&failure);
  std::string text = known != nullptr ? known->what_without_backtrace() : failure.what();
  for (const char* const mark : {"RuntimeError: ", "torch.jit.Error: "}) {
    if (const std::size_t at = text.rfind(mark); at != std::string::npos) text = text.substr(at + std::strlen(mark));
  }
  const std::size_t first = text.find_first_not_of(" \n");
  if (first == std::string::npos) return "it does not say why";
  text = text.substr(first);
  text = text.substr(0, text.find('\n'));
  constexpr std::size_t kMost = 240;
  return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

constexpr const char* kHowToSave = "save the network with torch.jit.script(net).save(...) or torch.jit.trace";

/// Of a file that LibTorch refused: what it is instead, where that can be told.
std::string fault_of(const std::string& path, const std::string& reason) {
  std::array<char, 16> begin{};
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), begin.size());
  const auto read = static_cast<std::size_t>(file.gcount());
  if (read == 0) return "the file is empty";
  if (begin[0] == 'P' && begin[1] == 'K') {
    if (reason.find("constants.pkl") != std::string::npos) {
      return std::string("holds weights (torch.save), not the program that uses them; ") + kHowToSave;
    }
    if (reason.find("central directory") != std::string::npos) return "the file is cut short or damaged";
    return "cannot be read as TorchScript by LibTorch " TORCH_VERSION " (" + reason +
           "); a newer PyTorch may have written it";
  }
  if (begin[0] == '\x80' && begin[1] >= 2 && begin[1] <= 5) {
    return std::string("a Python pickle holds weights, not the program that uses them; ") + kHowToSave;
  }
  if (read > 9 && begin[8] == '{') {
    return std::string("a safetensors file holds weights, not the program that uses them; ") + kHowToSave;
  }
  return std::string("not a TorchScript file; ") + kHowToSave;
}

torch::jit::Module open_module(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) throw Error(path + ": no such file");
  try {
    return torch::jit::load(path, at::kCPU);
  } catch (const std::exception& failure) {
    throw Error(path + ": " + fault_of(path, reason_of(failure)));
  }
}

/// "(Tensor x, Tensor t)"
std::string arguments_text(const std::vector<c10::Argument>& arguments) {
  std::string text;
  for (std::size_t i = 1; i < arguments.size(); ++i) {  // the first is the module itself
    text += (text.empty() ? "" : ", ") + arguments[i].type()->str() + " " + arguments[i].name();
  }
  return "(" + text + ")";
}

class Script final : public Network {
 public:
  Script(const std::string& path, const ScriptCall& call) : path_(path), call_(call), module_(open_module(path)) {
    const auto method = module_.find_method("forward");
    if (!method) throw Error(path_ + ": the program has no forward()");
    check_arguments(method->function().getSchema().arguments());
    module_.eval();
    for (const at::Tensor& weight : module_.parameters()) {
      weight.set_requires_grad(false);
      if (!at::isFloatingType(weight.scalar_type())) continue;
      type_ = weight.scalar_type();
      if (type_ != at::kFloat && type_ != at::kDouble) {
        throw Error(path_ + ": its weights are " + c10::toString(type_) + "; save it after net.float()");
      }
    }
    if (call_.input.channels > 0) try_call();
  }

  void evaluate(const Batch& batch, float* out) override {
    const at::NoGradGuard no_gradient;
    copy(call(inputs_of(batch), batch.rows).to(at::kFloat), out);
  }

  void forward(const Batch& batch, float* out) override {
    Inputs inputs = inputs_of(batch);
    x_ = inputs[0].toTensor().set_requires_grad(true);
    out_ = call(std::move(inputs), batch.rows);
    copy(out_.detach().to(at::kFloat), out);
  }

  void pull_back(const float* cotangent, float* gradient, float* x_gradient) override {
    ensure(out_.defined(), "forward() before pull_back()");
    ensure(gradient == nullptr, "no gradient in the weights of a TorchScript file");
    if (x_gradient != nullptr) copy_x_gradient(cotangent, x_gradient);
    out_ = at::Tensor();
    x_ = at::Tensor();
  }

  void forward_forms(const Batch&, const float*, std::size_t, float*, float*) override { refuse_forms(); }
  void pull_back_forms(const float*, const float*, float*) override { refuse_forms(); }

 private:
  using Inputs = std::vector<c10::IValue>;

  [[noreturn]] static void refuse_forms() {
    throw_bug("no training of a network from a TorchScript file", __FILE__, __LINE__);
  }

  void check_arguments(const std::vector<c10::Argument>& arguments) const {
    const std::size_t given = 1 + 1 + (call_.noise_label ? 1U : 0U) + (call_.class_label ? 1U : 0U);
    std::size_t needed = 0;
    for (const c10::Argument& argument : arguments) needed += argument.default_value() ? 0U : 1U;
    if (given >= needed && given <= arguments.size()) return;
    throw Error(path_ + ": it is called as forward" + arguments_text(arguments) + ", and by its declaration as (x" +
                (call_.noise_label ? ", time" : "") + (call_.class_label ? ", class" : "") + ")");
  }

  std::vector<std::int64_t> shape_of(std::size_t rows, const Shape& shape) const {
    if (call_.flat) return {number(rows), number(shape.size())};
    return {number(rows), number(shape.channels), number(shape.height), number(shape.width)};
  }

  Inputs inputs_of(const Batch& batch) const {
    Inputs inputs;
    inputs.emplace_back(view(batch.x, shape_of(batch.rows, call_.input)).to(type_));
    if (call_.noise_label) {
      ensure(batch.noise_label != nullptr, "a noise label for a network that takes one");
      inputs.emplace_back(view(batch.noise_label, {number(batch.rows)}).to(type_));
    }
    if (call_.class_label) {
      const at::Tensor classes = at::full({number(batch.rows)}, call_.no_class, at::kLong);
      for (std::size_t i = 0; i < batch.rows && batch.classes != nullptr; ++i) {
        if (batch.classes[i] >= 0) classes.data_ptr<std::int64_t>()[i] = batch.classes[i];
      }
      inputs.emplace_back(classes);
    }
    return inputs;
  }

  /// The result as [rows, ...] in any type. Throws Error for what fails in the program, and for other results.
  at::Tensor call(Inputs inputs, std::size_t rows) {
    // The executors that optimise change the program after its first calls, and the last bits of its results with it.
    const torch::jit::GraphOptimizerEnabledGuard no_optimisation(false);
    c10::IValue result;
    try {
      result = module_.forward(std::move(inputs));
    } catch (const std::exception& failure) {
      throw Error(path_ + ": called with x of shape " + text_of(shape_of(rows, call_.input)) +
                  " it fails: " + reason_of(failure));
    }
    const at::Tensor out = tensor_of(result);
    const std::vector<std::int64_t> wanted = shape_of(rows, call_.output);
    if (out.sizes() != at::IntArrayRef(wanted)) {
      throw Error(path_ + ": for x of shape " + text_of(shape_of(rows, call_.input)) + " it gives " +
                  text_of(out.sizes().vec()) + ", not " + text_of(wanted) +
                  (out.dim() == 4 && out.size(1) == 2 * wanted[1]
                       ? "; where half of the channels are a variance, save a network that drops them"
                       : ""));
    }
    return out;
  }

  /// "[2, 1, 28, 28]"
  static std::string text_of(const std::vector<std::int64_t>& shape) {
    std::string text;
    for (const std::int64_t n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
    return "[" + text + "]";
  }

  /// The tensor in what the program returned: itself, the first of a tuple, `sample` of a dictionary (diffusers).
  at::Tensor tensor_of(const c10::IValue& result) const {
    if (result.isTensor()) return result.toTensor();
    if (result.isTuple() && !result.toTupleRef().elements().empty() && result.toTupleRef().elements()[0].isTensor()) {
      return result.toTupleRef().elements()[0].toTensor();
    }
    if (result.isGenericDict()) {
      for (const auto& entry : result.toGenericDict()) {
        if (entry.key().isString() && entry.key().toStringRef() == "sample" && entry.value().isTensor()) {
          return entry.value().toTensor();
        }
      }
    }
    throw Error(path_ + ": it returns " + result.type()->str() +
                ", which is neither a tensor, a tuple that begins with one, nor a dictionary with a tensor 'sample'");
  }

  /// Fails where a file cannot be called as said, before any work is done with it.
  void try_call() {
    const std::vector<float> zeros(2 * call_.input.size());
    const std::vector<float> ones(2, 1);
    const std::vector<std::int32_t> classes(2);
    std::vector<float> out(2 * call_.output.size());
    evaluate({2, zeros.data(), ones.data(), classes.data()}, out.data());
  }

  void copy_x_gradient(const float* cotangent, float* x_gradient) const {
    const at::Tensor weight = view(cotangent, out_.sizes().vec()).to(out_.scalar_type());
    at::Tensor gradient;
    if (out_.requires_grad()) gradient = torch::autograd::grad({out_}, {x_}, {weight}, false, false, true)[0];
    if (!gradient.defined()) gradient = at::zeros_like(x_);  // the result does not depend on x
    copy(gradient.to(at::kFloat), x_gradient);
  }

  std::string path_;
  ScriptCall call_;
  torch::jit::Module module_;
  at::ScalarType type_ = at::kFloat;  // of the weights, and so of what goes in
  at::Tensor x_;
  at::Tensor out_;
};

}  // namespace

std::unique_ptr<Network> load_script(const std::string& path, const ScriptCall& call) {
  // Before the first program is loaded, once for the process.
  torch::jit::getExecutorMode() = false;
  torch::jit::getProfilingMode() = false;
  return std::make_unique<Script>(path, call);
}

}  // namespace scorefield::net
