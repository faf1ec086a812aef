#include "scorefield/learn/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "scorefield/base/error.h"
#include "scorefield/learn/library.h"
#include "scorefield/learn/safetensors.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {

namespace net {

void to_json(nlohmann::json& json, const Shape& shape) {
  json = {shape.channels, shape.height, shape.width};
}

void from_json(const nlohmann::json& json, Shape& shape) {
  const auto sizes = json.get<std::vector<std::size_t>>();
  constexpr std::size_t kMost = 1 << 24;
  if (sizes.size() != 3 || std::ranges::any_of(sizes, [](std::size_t n) { return n == 0 || n > kMost; })) {
    throw Error("a network's shape that is not [channels, height, width]");
  }
  shape = {sizes[0], sizes[1], sizes[2]};
}

}  // namespace net

namespace {

constexpr const char* kFormat = "scorefield";  // the metadata key
constexpr int kVersion = 1;

/// Calls visit(key, member) for everything that is saved: one list for reading and writing.
template <class Architecture, class Visit>
void visit_members(Architecture& a, const Visit& visit) {
  visit("kind", a.kind);
  visit("input", a.input);
  visit("output", a.output);
  visit("classes", a.classes);
  visit("noise_label", a.noise_label);
  visit("width", a.width);
  visit("layers", a.layers);
  visit("frequencies", a.frequencies);
  visit("multipliers", a.multipliers);
  visit("blocks", a.blocks);
  visit("attention_below", a.attention_below);
  visit("heads", a.heads);
  visit("groups", a.groups);
  visit("patch", a.patch);
}

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values, std::size_t first, std::size_t count) {
  return std::as_bytes(std::span(values).subspan(first, count));
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

SavedNetwork read_network(const SafetensorsFile& file, const std::string& part, const nlohmann::json& architecture,
                          const Context& context) {
  SavedNetwork network;
  network.architecture = architecture.get<net::Architecture>();
  const std::vector<net::Tensor> layout = network_library().layout(network.architecture);
  const std::size_t size = layout.empty() ? 0 : layout.back().offset + layout.back().size;
  context.check_memory(size, sizeof(float), "the weights of a network");
  network.weights.resize(size);
  for (const net::Tensor& tensor : layout) {
    const std::string name = part + "." + tensor.name;
    const Array array = file.read(name, context);
    if (array.type != ScalarType::kF32 || array.shape != tensor.shape) {
      throw Error(fmt::format("the tensor {} is {} {}, but its architecture has float32 {}", name, name_of(array.type),
                              shape_text(array.shape), shape_text(tensor.shape)));
    }
    const auto values = array.values<float>();
    if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) {
      throw Error(fmt::format("the tensor {} holds values that are not finite", name));
    }
    std::ranges::copy(values, network.weights.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
  }
  return network;
}

nlohmann::json parse_metadata(const std::string& text) {
  nlohmann::json config;
  try {
    config = parse_json(text);
  } catch (const nlohmann::json::parse_error&) {
    throw Error("the metadata \"scorefield\" are not JSON");
  }
  if (!config.is_object()) throw Error("the metadata \"scorefield\" are no JSON object");
  return config;
}

ModelFile read_parts(const SafetensorsFile& file, const Context& context) {
  const auto text = file.metadata().find(kFormat);
  if (text == file.metadata().end()) {
    throw Error(
        "no model of scorefield: its metadata have no \"scorefield\" (weights alone do not say what network they are "
        "for)");
  }
  const nlohmann::json config = parse_metadata(text->second);
  if (config.value("version", 0) != kVersion) {
    throw Error(
        fmt::format("a model of format {}, but this scorefield reads {}", config.value("version", 0), kVersion));
  }
  ModelFile model;
  model.kind = config.at("kind").get<std::string>();
  model.config = config.at("config");
  for (const auto& [part, architecture] : config.at("networks").items()) {
    model.networks[part] = read_network(file, part, architecture, context);
  }
  for (const auto& name : config.at("vectors")) {
    const Array array = file.read(name.get<std::string>(), context);
    if (array.type != ScalarType::kF64 || array.shape.size() != 1) {
      throw Error(fmt::format("the tensor {} is not a row of float64", name.get<std::string>()));
    }
    const auto values = array.values<double>();
    if (!std::ranges::all_of(values, [](double v) { return std::isfinite(v); })) {
      throw Error(fmt::format("the tensor {} holds values that are not finite", name.get<std::string>()));
    }
    model.vectors[name.get<std::string>()] = {values.begin(), values.end()};
  }
  return model;
}

}  // namespace

void net::to_json(nlohmann::json& json, const net::Architecture& architecture) {
  visit_members(architecture, [&](const char* key, const auto& member) { json[key] = member; });
}

void net::from_json(const nlohmann::json& json, net::Architecture& architecture) {
  std::set<std::string> known;
  try {
    visit_members(architecture, [&](const char* key, auto& member) {
      known.insert(key);
      json.at(key).get_to(member);
    });
  } catch (const nlohmann::json::exception& fault) {
    throw Error(fmt::format("an architecture that does not hold: {}", fault.what()));
  }
  for (const auto& [key, value] : json.items()) {
    if (!known.contains(key)) throw Error(fmt::format("an architecture with the unknown \"{}\"", key));
  }
}

void write_model(const std::filesystem::path& path, const ModelFile& model) {
  std::vector<TensorBytes> tensors;
  nlohmann::json networks = nlohmann::json::object();
  for (const auto& [part, network] : model.networks) {
    networks[part] = network.architecture;
    for (const net::Tensor& tensor : network_library().layout(network.architecture)) {
      tensors.push_back({part + "." + tensor.name, ScalarType::kF32, tensor.shape,
                         bytes_of(network.weights, tensor.offset, tensor.size)});
    }
  }
  nlohmann::json vectors = nlohmann::json::array();
  for (const auto& [name, values] : model.vectors) {
    vectors.push_back(name);
    tensors.push_back({name, ScalarType::kF64, {values.size()}, bytes_of(values, 0, values.size())});
  }
  const nlohmann::json config = {{"version", kVersion},
                                 {"kind", model.kind},
                                 {"config", model.config},
                                 {"networks", networks},
                                 {"vectors", vectors}};
  write_safetensors(path, std::move(tensors), {{kFormat, json_text(config)}});
}

ModelFile read_model(const std::filesystem::path& path, const Context& context) {
  const SafetensorsFile file = open_safetensors(path, context);
  try {
    return read_parts(file, context);
  } catch (const nlohmann::json::exception& fault) {
    throw Error(fmt::format("{}: its metadata do not describe a model: {}", path.string(), fault.what()));
  } catch (const Error& fault) {
    throw Error(fmt::format("{}: {}", path.string(), fault.what()));
  }
}

}  // namespace scorefield
