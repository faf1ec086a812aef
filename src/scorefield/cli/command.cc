#include "scorefield/cli/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <thread>

#include "scorefield/base/error.h"
#include "scorefield/base/thread_pool.h"
#include "scorefield/cli/progress.h"
#include "scorefield/data/npy.h"
#include "scorefield/metrics/neighbours.h"

namespace scorefield {
namespace {

std::atomic<bool> interrupted{false};

/// The first Ctrl-C asks long loops to stop and keep what is finished; the second ends the process.
void on_interrupt(int /*signal*/) {
  interrupted.store(true, std::memory_order_relaxed);
}

void watch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

std::size_t memory_limit(const std::string& text) {
  if (text.empty()) {
    const auto pages = static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES));
    return pages / 4 * 3 * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  }
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  constexpr std::string_view kUnits = "KMGT";
  std::size_t shift = 0;
  if (unit.size() == 1 && kUnits.find(unit[0]) != std::string_view::npos) shift = 10 * (kUnits.find(unit[0]) + 1);
  const double bytes = number * static_cast<double>(std::size_t{1} << shift);
  if (failure != std::errc() || (!unit.empty() && shift == 0) || !(bytes >= 1 && bytes < 0x1p62)) {
    throw Error(fmt::format("--memory-limit {}: give bytes, or a number with K, M, G or T (such as 8G)", text));
  }
  return static_cast<std::size_t>(bytes);
}

bool is_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
  return true;
}

/// The pieces of a comma-separated list.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> pieces;
  while (true) {
    const std::size_t comma = text.find(',');
    pieces.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return pieces;
    text.remove_prefix(comma + 1);
  }
}

template <class T>
bool parse_whole(std::string_view text, T& value) {
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc() && rest == text.data() + text.size();
}

}  // namespace

void add_data_arguments(CLI::App& command, DataArguments& arguments) {
  command.add_option("--data,-d", arguments.data, "Data set: a name (fashion-mnist, ring:n=500, ...) or a path")
      ->required()
      ->group("Data");
  command.add_option("--key", arguments.key, "The array inside an .npz")->group("Data");
  command.add_option("--classes", arguments.classes, "Keep these labels only, e.g. 0,3")->group("Data");
  command.add_option("--subset", arguments.subset, "Keep the first N rows (after --classes)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 48))
      ->group("Data");
  command
      .add_option("--units", arguments.units,
                  "Data units: stored, unit ([0,1]), image ([-1,1]), or A,B for A*stored+B; images: [-1,1]")
      ->group("Data");
  command.add_option("--resolution", arguments.resolution, "Centre-crop and area-resize images to this size")
      ->check(CLI::Range(1, 65535))
      ->group("Data");
}

void add_machine_arguments(CLI::App& command, MachineArguments& arguments) {
  command.add_option("--threads", arguments.threads, "Threads (default: all processors); never changes a result")
      ->check(CLI::Range(1, 1024))
      ->group("Machine");
  command
      .add_option("--memory-limit", arguments.memory_limit,
                  "Most bytes of one allocation, e.g. 8G (default: 3/4 of the memory)")
      ->group("Machine");
}

void add_run_arguments(CLI::App& command, RunArguments& arguments, const RunFlags& flags) {
  const char* const group = "Run";
  command.add_option("--out,--outdir", arguments.out, flags.out)->group(group);
  if (flags.repeats) {
    command.add_option("--config", arguments.config, "Repeat the run of this config.json; flags override it")
        ->group(group);
  }
  if (flags.resumes) {
    command.add_option("--resume", arguments.resume, "Go on with the interrupted run in this folder")
        ->excludes("--out")
        ->group(group);
  }
  if (flags.dry_run != nullptr) {
    CLI::Option* dry_run = command.add_flag("--dry-run", arguments.dry_run, flags.dry_run)->group(group);
    if (flags.resumes) dry_run->excludes("--resume");
  }
  if (flags.resumes && flags.repeats) command.get_option("--resume")->excludes("--config");
  command.add_flag("--json", arguments.json, flags.json)->group(group);
}

void add_batch_argument(CLI::App& command, std::size_t& batch, std::string_view what) {
  command.add_option("--batch", batch, fmt::format("{} at a time; never changes a result", what))
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group("Machine");
}

RunFolder run_folder(const RunArguments& arguments, std::string_view name) {
  const std::string& path = arguments.folder();
  return path.empty() ? RunFolder::make_numbered("runs", name) : RunFolder::take(path);
}

std::string start_again_text(std::string_view command, const RunFolder& folder) {
  const std::string path = folder.path().string();
  return fmt::format("start again with: scorefield {} --config {}/config.json --out {}", command, path, path);
}

struct Machine::Parts {
  explicit Parts(int threads) : pool(threads) {}
  ThreadPool pool;
  TerminalProgress progress;
};

Machine::Machine(const MachineArguments& arguments)
    : parts_(std::make_unique<Parts>(arguments.threads > 0
                                         ? arguments.threads
                                         : std::max(1, static_cast<int>(std::thread::hardware_concurrency())))) {
  watch_interrupts();
  context_.pool = &parts_->pool;
  context_.progress = &parts_->progress;
  context_.cancelled = &interrupted;
  context_.memory_limit = memory_limit(arguments.memory_limit);
}

Machine::~Machine() = default;

Dataset open_dataset(const DataArguments& arguments, const Context& context) {
  DatasetOptions options;
  options.key = arguments.key;
  options.subset = arguments.subset;
  options.units = arguments.units;
  options.resolution = arguments.resolution;
  if (!arguments.classes.empty()) {
    for (const std::string_view piece : split(arguments.classes)) {
      int label = 0;
      if (!parse_whole(piece, label) || label < 0) {
        throw Error(
            fmt::format("--classes {}: '{}' is not a label; give numbers such as 0,3", arguments.classes, piece));
      }
      options.classes.push_back(label);
    }
  }
  return open_dataset(arguments.data, options, context);
}

std::string short_name(const std::string& data) {
  const std::filesystem::path path(data);
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::optional<Dataset> open_held_out(const std::string& held_out, const DataArguments& arguments, const Dataset& data,
                                     const Context& context) {
  DataArguments other = arguments;
  other.data = held_out.empty() ? test_set_of(arguments.data) : held_out;
  other.subset.reset();
  if (other.data.empty()) return std::nullopt;
  Dataset rows = open_dataset(other, context);
  check_same_shape(data, rows);
  return rows;
}

Dataset open_rows(const std::string& spec, std::string_view flag, const DataArguments& arguments, const Dataset& data,
                  const Context& context) {
  DatasetOptions options;
  std::error_code unreadable;
  const bool is_array = std::filesystem::is_regular_file(spec, unreadable) && looks_like_npy(map_blob(spec).bytes);
  if (!is_array) options.resolution = arguments.resolution;
  Dataset rows = open_dataset(spec, options, context);
  if (rows.is_eight_bit() && data.is_eight_bit()) rows = rows.with_affine(data.affine());
  const bool flat = rows.shape().size() == 1 && rows.dimension() == data.dimension();
  if (rows.shape() != data.shape() && !flat) {
    throw Error(fmt::format("{} {}: rows of shape [{}], but those of {} have [{}]", flag, spec,
                            fmt::join(rows.shape(), ", "), data.name(), fmt::join(data.shape(), ", ")));
  }
  return rows;
}

nlohmann::json resolved_options(const CLI::App& command) {
  constexpr std::array<std::string_view, 9> kNoResult = {"help",  "out",          "config", "resume", "threads",
                                                         "batch", "memory-limit", "json",   "dry-run"};
  nlohmann::json options = nlohmann::json::object();
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_lnames().empty() ? "" : option->get_lnames().front();
    if (name.empty() || std::ranges::find(kNoResult, name) != kNoResult.end()) continue;
    if (option->get_expected_max() == 0) {
      options[name] = option->count() > 0 && option->as<bool>();  // --flag=false counts too
      continue;
    }
    // A default that a typed flag rules out (--steps beside --sigmas) played no part.
    const auto is_typed = [](const CLI::Option* other) { return other->count() > 0; };
    if (!is_typed(option) && std::ranges::any_of(option->get_excludes(), is_typed)) continue;
    const std::string text = option->count() > 0 ? option->results().back() : option->get_default_str();
    if (text.empty()) continue;
    if (!is_utf8(text)) {
      throw Error(fmt::format("--{} {}: not UTF-8, so the run's config could not name it; rename it", name, text));
    }
    const auto number = nlohmann::json::parse(text, nullptr, false);
    options[name] = number.is_number() && number.dump() == text ? number : nlohmann::json(text);
  }
  return options;
}

std::vector<std::uint64_t> parse_ranges(const std::string& text, std::string_view what) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 26;
  std::vector<std::uint64_t> seeds;
  for (const std::string_view piece : split(text)) {
    const std::size_t dash = piece.find('-');
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    const bool good = dash == std::string_view::npos
                          ? parse_whole(piece, first) && (last = first, true)
                          : parse_whole(piece.substr(0, dash), first) && parse_whole(piece.substr(dash + 1), last);
    if (!good || last < first) {
      throw Error(fmt::format("{} {}: '{}' is neither a number nor a range; write e.g. 0-63,100", what, text, piece));
    }
    if (last - first >= kMost - seeds.size()) throw Error(fmt::format("{} {}: more than 2^26 of them", what, text));
    for (std::uint64_t seed = first; seed < last; ++seed) seeds.push_back(seed);
    seeds.push_back(last);
  }
  return seeds;
}

std::vector<std::uint64_t> parse_seeds(const std::string& text) {
  std::vector<std::uint64_t> seeds = parse_ranges(text, "--seeds");
  std::vector<std::uint64_t> sorted = seeds;
  std::ranges::sort(sorted);
  if (const auto twice = std::ranges::adjacent_find(sorted); twice != sorted.end()) {
    throw Error(fmt::format("--seeds {}: {} stands there twice; a seed is a sample", text, *twice));
  }
  return seeds;
}

std::vector<double> parse_numbers(const std::string& text, const std::string& what) {
  std::vector<double> numbers;
  for (const std::string_view piece : split(text)) {
    double value = 0;
    if (!parse_whole(piece, value) || std::isnan(value)) {
      throw Error(fmt::format("{} {}: '{}' is not a number; write e.g. 80,10.98,0", what, text, piece));
    }
    numbers.push_back(value);
  }
  return numbers;
}

std::string not_negative(const std::string& text) {
  double value = -1;
  if (parse_whole(text, value) && value >= 0) return "";
  return fmt::format("'{}' is no number from 0 on", text);
}

std::string above_zero(const std::string& text) {
  double value = 0;
  if (parse_whole(text, value) && value > 0 && std::isfinite(value)) return "";
  return fmt::format("'{}' is no number above 0", text);
}

}  // namespace scorefield
