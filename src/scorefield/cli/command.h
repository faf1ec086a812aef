// What every command shares: its place in the command line, its context, and its resolved configuration.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/data/dataset.h"
#include "scorefield/data/open.h"
#include "scorefield/run/run_folder.h"

namespace CLI {
class App;
}  // namespace CLI

namespace scorefield {

/// The flags that name a data set, as typed.
struct DataArguments {
  std::string data;
  std::string key;
  std::string classes;
  std::optional<std::size_t> subset;
  std::string units;
  std::optional<std::size_t> resolution;
};

/// The flags about how a command runs; none changes a result.
struct MachineArguments {
  int threads = 0;           // 0: as many as there are processors
  std::string memory_limit;  // "" (3/4 of RAM), or bytes with an optional K, M, G
};

/// The flags about what a run writes and prints, as typed.
struct RunArguments {
  std::string out;
  std::string config;
  std::string resume;
  bool dry_run = false;
  bool json = false;

  /// Of the run's folder; "" for a new one.
  const std::string& folder() const { return out.empty() ? resume : out; }
};

/// Which of them a command has, and what its help says of them.
struct RunFlags {
  const char* out = "Run folder (default: a new one under runs/)";
  bool repeats = true;            // --config
  bool resumes = false;           // --resume
  const char* dry_run = nullptr;  // null: there is none
  const char* json = "Print JSON in place of text";
};

/// Adds --data, --key, --classes, --subset, --units, --resolution.
void add_data_arguments(CLI::App& command, DataArguments& arguments);
/// Adds --threads and --memory-limit.
void add_machine_arguments(CLI::App& command, MachineArguments& arguments);

/// Adds --out (--outdir) and --json, and of --config, --resume and --dry-run what `flags` says.
void add_run_arguments(CLI::App& command, RunArguments& arguments, const RunFlags& flags = {});
/// Adds --batch: so many of `what` ("Samples") at a time.
void add_batch_argument(CLI::App& command, std::size_t& batch, std::string_view what);

/// The folder that the flags name, or a new one under runs/ with `name` in its name.
RunFolder run_folder(const RunArguments& arguments, std::string_view name);
/// "start again with: scorefield COMMAND --config ...", for a run that cannot be resumed.
std::string start_again_text(std::string_view command, const RunFolder& folder);

/// Threads, Ctrl-C, progress on a terminal and the memory limit of one command.
class Machine {
 public:
  explicit Machine(const MachineArguments& arguments);
  ~Machine();
  const Context& context() const { return context_; }

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  Context context_;
};

Dataset open_dataset(const DataArguments& arguments, const Context& context);

/// What --held-out says, or the test set that goes with a named training set, read as the training set is but whole.
/// Throws Error when its rows have another shape than `data`.
std::optional<Dataset> open_held_out(const std::string& held_out, const DataArguments& arguments, const Dataset& data,
                                     const Context& context);

/// Rows that a command is given beside its data (`flag` says by which flag, for errors). Floats are in data units
/// already; 8-bit values get the units of `data`. Rows of an .npy may be flat; else they have the shape of `data`.
Dataset open_rows(const std::string& spec, std::string_view flag, const DataArguments& arguments, const Dataset& data,
                  const Context& context);

/// What --data says without its folders: for the name of a run folder.
std::string short_name(const std::string& data);

/// The command's flags with the values they ended up with, defaults included: what --config reads back. Flags that
/// change no result (--out, --threads, ...) are left out. Throws Error for a value that is not UTF-8, as JSON must be.
nlohmann::json resolved_options(const CLI::App& command);

/// "0-63,100" -> 0, 1, ..., 63, 100. Throws Error for anything else, and for more than 2^26 numbers. `what` names the
/// flag in errors.
std::vector<std::uint64_t> parse_ranges(const std::string& text, std::string_view what);
/// The same of --seeds, where none may stand twice.
std::vector<std::uint64_t> parse_seeds(const std::string& text);
/// "80,10.98,0" -> numbers ("inf" allowed). `what` names the flag in errors.
std::vector<double> parse_numbers(const std::string& text, const std::string& what);

/// Checks for CLI11: what is wrong with a number that must be >= 0 (inf is taken), or finite and > 0; "" when nothing.
std::string not_negative(const std::string& text);
std::string above_zero(const std::string& text);

/// One line a command: adds itself to the application; `run` is called after parsing.
void add_sample_command(CLI::App& app);
void add_describe_command(CLI::App& app);
void add_schedule_command(CLI::App& app);
void add_reproduce_command(CLI::App& app);
void add_encode_command(CLI::App& app);
void add_solvers_command(CLI::App& app);
void add_metrics_command(CLI::App& app);
void add_train_command(CLI::App& app);
void add_latents_command(CLI::App& app);
void add_decode_command(CLI::App& app);
void add_elbo_command(CLI::App& app);
void add_compare_command(CLI::App& app);
void add_guidance_command(CLI::App& app);
void add_import_command(CLI::App& app);

}  // namespace scorefield
