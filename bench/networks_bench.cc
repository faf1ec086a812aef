// Images a second of a network as training and sampling run it: training as micro-batches, forward and pulled back, one
// to a thread of ours; sampling as chunks of eight rows. Run by bench/networks.sh beside the same network in PyTorch.
//   networks_bench train|sample|dump key=value...
//   keys: kind width layers blocks multipliers=1,2 attention patch heads groups classes side channels; threads, batch,
//   micro, seconds, bf16=1, to=DIR (dump: weights, inputs, outputs and a gradient as raw float32)
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/cli/keep_memory.h"
#include "scorefield/cli/prepare_libtorch.h"
#include "scorefield/learn/library.h"

namespace scorefield {
namespace {

using Keys = std::map<std::string, std::string>;

std::size_t number(const Keys& keys, const std::string& key, std::size_t otherwise) {
  const auto found = keys.find(key);
  return found == keys.end() ? otherwise : std::stoul(found->second);
}

net::Architecture architecture_of(const Keys& keys) {
  net::Architecture made;
  made.kind = keys.count("kind") > 0 ? keys.at("kind") : "unet";
  const std::size_t side = number(keys, "side", 28);
  made.input = made.output = {number(keys, "channels", 1), side, side};
  made.classes = number(keys, "classes", 0);
  made.width = number(keys, "width", 32);
  made.layers = number(keys, "layers", 6);
  made.blocks = number(keys, "blocks", 1);
  made.attention_below = number(keys, "attention", 8);
  made.heads = number(keys, "heads", 4);
  made.groups = number(keys, "groups", 8);
  made.patch = number(keys, "patch", 1);
  if (keys.count("multipliers") > 0) {
    made.multipliers.clear();
    std::istringstream list(keys.at("multipliers"));
    for (std::string item; std::getline(list, item, ',');) made.multipliers.push_back(std::stoul(item));
  }
  return made;
}

std::vector<float> normals(std::uint64_t seed, std::size_t count) {
  std::vector<double> drawn(count);
  RandomStream(seed, Purpose::kTest).normals(drawn);
  return {drawn.begin(), drawn.end()};
}

struct Rows32 {
  std::vector<float> x;
  std::vector<float> label;
  std::vector<std::int32_t> classes;

  Rows32(const net::Architecture& architecture, std::size_t rows)
      : x(normals(2, rows * architecture.input.size())), label(normals(3, rows)), classes(rows) {
    for (std::size_t i = 0; i < rows; ++i) {
      label[i] *= 0.3F;
      classes[i] = static_cast<std::int32_t>(i % (architecture.classes + 1)) - 1;
    }
  }
  net::Batch batch(const net::Architecture& architecture, std::size_t first, std::size_t rows) const {
    return {rows, &x[first * architecture.input.size()], &label[first], &classes[first]};
  }
};

/// Weights away from their start, so that nothing is multiplied by zeros.
std::vector<float> weights_of(const std::vector<net::Tensor>& layout) {
  std::vector<float> weights = normals(1, layout.back().offset + layout.back().size);
  for (const net::Tensor& tensor : layout) {
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      weights[i] = tensor.value + weights[i] * (tensor.deviation > 0 ? tensor.deviation : 0.02F);
    }
  }
  return weights;
}

void write(const std::string& path, const std::vector<float>& values) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
}

/// What the network makes of eight rows, for another system to make it too.
void dump(const net::Architecture& architecture, const std::string& to) {
  const auto layout = network_library().layout(architecture);
  const std::vector<float> weights = weights_of(layout);
  const Rows32 rows(architecture, 8);
  const std::vector<float> cotangent = normals(4, 8 * architecture.output.size());
  std::vector<float> out(cotangent.size());
  std::vector<float> gradient(weights.size());
  const auto network = network_library().make(architecture, weights.data(), net::Arithmetic::kFloat32);
  network->forward(rows.batch(architecture, 0, 8), out.data());
  network->pull_back(cotangent.data(), gradient.data(), nullptr);
  network->evaluate(rows.batch(architecture, 0, 8), out.data());
  nlohmann::json tensors;
  for (const net::Tensor& tensor : layout) {
    tensors.push_back({{"name", tensor.name}, {"shape", tensor.shape}, {"offset", tensor.offset}});
  }
  std::ofstream(to + "/layout.json") << tensors;
  write(to + "/weights", weights);
  write(to + "/x", rows.x);
  write(to + "/label", rows.label);
  write(to + "/out", out);
  write(to + "/cotangent", cotangent);
  write(to + "/gradient", gradient);
}

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double images_a_second(const net::Architecture& architecture, bool training, const Keys& keys) {
  const std::size_t threads = number(keys, "threads", 1);
  const std::size_t micro = training ? number(keys, "micro", 16) : 8;
  const std::size_t batch = number(keys, "batch", 64);
  const auto arithmetic = number(keys, "bf16", 0) != 0 ? net::Arithmetic::kBfloat16 : net::Arithmetic::kFloat32;
  const auto layout = network_library().layout(architecture);
  const std::vector<float> weights = weights_of(layout);
  const Rows32 rows(architecture, batch);
  const std::vector<float> cotangent = normals(4, batch * architecture.output.size());
  std::vector<float> out(cotangent.size());
  std::vector<std::unique_ptr<net::Network>> networks;
  std::vector<std::vector<float>> gradients;
  for (std::size_t i = 0; i < threads; ++i) {
    networks.push_back(network_library().make(architecture, weights.data(), arithmetic));
    gradients.emplace_back(weights.size());
  }
  ThreadPool pool(static_cast<int>(threads));
  const auto step = [&] {
    pool.run(batch / micro, [&](std::size_t i, int worker) {
      net::Network& network = *networks[static_cast<std::size_t>(worker)];
      const std::size_t at = i * micro * architecture.output.size();
      if (!training) return network.evaluate(rows.batch(architecture, i * micro, micro), &out[at]);
      network.forward(rows.batch(architecture, i * micro, micro), &out[at]);
      network.pull_back(&cotangent[at], gradients[static_cast<std::size_t>(worker)].data(), nullptr);
    });
  };
  step();
  step();
  const double start = seconds();
  const auto least = static_cast<double>(number(keys, "seconds", 3));
  std::size_t done = 0;
  while (seconds() - start < least) {
    step();
    done += batch;
  }
  return static_cast<double>(done) / (seconds() - start);
}

int run(int count, char** arguments) {
  const std::string job = count > 1 ? arguments[1] : "";
  Keys keys;
  for (int i = 2; i < count; ++i) {
    const std::string argument = arguments[i];
    keys[argument.substr(0, argument.find('='))] = argument.substr(argument.find('=') + 1);
  }
  keep_freed_memory();
  prepare_libtorch();
  const net::Architecture architecture = architecture_of(keys);
  if (job == "dump") {
    dump(architecture, keys.at("to"));
  } else if (job == "train" || job == "sample") {
    const auto layout = network_library().layout(architecture);
    fmt::print("{:.1f} images/s, {} parameters\n", images_a_second(architecture, job == "train", keys),
               layout.back().offset + layout.back().size);
  } else {
    throw Error("train, sample or dump");
  }
  return 0;
}

}  // namespace
}  // namespace scorefield

int main(int count, char** arguments) {
  try {
    return scorefield::run(count, arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "networks_bench: {}\n", error.what());
    return 1;
  }
}
