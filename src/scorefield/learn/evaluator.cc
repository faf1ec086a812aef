#include "scorefield/learn/evaluator.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/learn/library.h"

namespace scorefield {

/// A network for the time of one chunk: an idle one, or a new one.
class Evaluator::Lease {
 public:
  explicit Lease(const Evaluator& owner) : owner_(owner) {
    {
      const std::lock_guard lock(owner_.mutex_);
      if (!owner_.idle_.empty()) {
        network_ = std::move(owner_.idle_.back());
        owner_.idle_.pop_back();
      }
    }
    if (network_ == nullptr) network_ = owner_.make_();
  }
  ~Lease() {
    const std::lock_guard lock(owner_.mutex_);
    owner_.idle_.push_back(std::move(network_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  net::Network& operator*() const { return *network_; }

 private:
  const Evaluator& owner_;
  std::unique_ptr<net::Network> network_;
};

/// Rows first, first + 1, ... of a batch, padded to the number of slots by copies of the first.
struct Evaluator::Chunk {
  std::size_t first;
  std::size_t rows;  // without the padding
  std::vector<float> x;
  std::vector<float> label;
  std::vector<std::int32_t> classes;
  net::Batch batch;
};

Evaluator::Evaluator(Maker make, std::size_t input_size, std::size_t output_size, bool noise_label, double label)
    : make_(std::move(make)), input_size_(input_size), output_size_(output_size), noise_label_(noise_label) {
  if (!rows_bear_company(label)) slots_ = 1;
}

/// Whether eight rows keep their bits when each moves on by one slot, and when every second neighbour is replaced.
bool Evaluator::rows_bear_company(double label) const {
  const std::size_t n = slots_;
  std::vector<double> drawn(2 * n * input_size_);
  RandomStream(0, Purpose::kProbe).normals(drawn);
  const std::vector<float> rows(drawn.begin(), drawn.end());
  const std::vector<float> labels(n, static_cast<float>(label));
  const Lease network(*this);
  const auto answers = [&](const std::vector<std::size_t>& chosen) {
    std::vector<float> x(n * input_size_);
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(&rows[chosen[i] * input_size_], input_size_, &x[i * input_size_]);
    }
    std::vector<float> out(n * output_size_);
    (*network).evaluate({n, x.data(), noise_label_ ? labels.data() : nullptr, nullptr}, out.data());
    return out;
  };
  std::vector<std::size_t> plain(n);
  std::vector<std::size_t> moved(n);
  std::vector<std::size_t> others(n);
  for (std::size_t i = 0; i < n; ++i) {
    plain[i] = i;
    moved[i] = (i + n - 1) % n;
    others[i] = i % 2 == 0 ? i : n + i;
  }
  const std::vector<float> first = answers(plain);
  const std::vector<float> second = answers(moved);
  const std::vector<float> third = answers(others);
  const auto same = [&](const std::vector<float>& a, std::size_t i, const std::vector<float>& b, std::size_t j) {
    return std::memcmp(&a[i * output_size_], &b[j * output_size_], output_size_ * sizeof(float)) == 0;
  };
  for (std::size_t i = 0; i < n; ++i) {
    if (!same(first, i, second, (i + 1) % n)) return false;
    if (i % 2 == 0 && !same(first, i, third, i)) return false;
  }
  return true;
}

void Evaluator::for_chunks(const net::Batch& batch, const Context& context,
                           const std::function<void(net::Network&, const Chunk&)>& work) const {
  const std::size_t chunks = (batch.rows + slots_ - 1) / slots_;
  run_tasks(context.pool, chunks, [&](std::size_t index, int /*worker*/) {
    context.check_cancelled();
    Chunk chunk{index * slots_, std::min(slots_, batch.rows - index * slots_), {}, {}, {}, {}};
    chunk.x.resize(slots_ * input_size_);
    if (batch.noise_label != nullptr) chunk.label.resize(slots_);
    if (batch.classes != nullptr) chunk.classes.resize(slots_);
    for (std::size_t i = 0; i < slots_; ++i) {
      const std::size_t row = chunk.first + (i < chunk.rows ? i : 0);
      std::copy_n(batch.x + row * input_size_, input_size_, &chunk.x[i * input_size_]);
      if (batch.noise_label != nullptr) chunk.label[i] = batch.noise_label[row];
      if (batch.classes != nullptr) chunk.classes[i] = batch.classes[row];
    }
    chunk.batch = {slots_, chunk.x.data(), batch.noise_label != nullptr ? chunk.label.data() : nullptr,
                   batch.classes != nullptr ? chunk.classes.data() : nullptr};
    const Lease network(*this);
    work(*network, chunk);
  });
}

void Evaluator::evaluate(const net::Batch& batch, float* out, const Context& context) const {
  for_chunks(batch, context, [&](net::Network& network, const Chunk& chunk) {
    std::vector<float> values(slots_ * output_size_);
    network.evaluate(chunk.batch, values.data());
    std::copy_n(values.data(), chunk.rows * output_size_, out + chunk.first * output_size_);
  });
}

void Evaluator::pull_back(const net::Batch& batch, const Cotangent& cotangent, float* out, float* x_gradient,
                          const Context& context) const {
  for_chunks(batch, context, [&](net::Network& network, const Chunk& chunk) {
    std::vector<float> values(slots_ * output_size_);
    std::vector<float> cotangents(slots_ * output_size_);
    std::vector<float> gradients(slots_ * input_size_);
    network.forward(chunk.batch, values.data());
    for (std::size_t i = 0; i < slots_; ++i) {
      cotangent(chunk.first + (i < chunk.rows ? i : 0), &values[i * output_size_], &cotangents[i * output_size_]);
    }
    network.pull_back(cotangents.data(), nullptr, gradients.data());
    if (out != nullptr) std::copy_n(values.data(), chunk.rows * output_size_, out + chunk.first * output_size_);
    std::copy_n(gradients.data(), chunk.rows * input_size_, x_gradient + chunk.first * input_size_);
  });
}

std::shared_ptr<const Evaluator> make_evaluator(const net::Architecture& architecture, std::vector<float> weights,
                                                double label) {
  const auto kept = std::make_shared<const std::vector<float>>(std::move(weights));
  return std::make_shared<const Evaluator>(
      [kept, architecture] { return network_library().make(architecture, kept->data(), net::Arithmetic::kFloat32); },
      architecture.input.size(), architecture.output.size(), architecture.noise_label, label);
}

}  // namespace scorefield
