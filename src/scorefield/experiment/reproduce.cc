#include "scorefield/experiment/reproduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/file.h"
#include "scorefield/run/run_folder.h"

namespace scorefield {
namespace {

nlohmann::json to_json(const ClaimResult& result) {
  nlohmann::json checks = nlohmann::json::array();
  for (const Check& c : result.findings.checks) {
    checks.push_back({{"what", c.what},
                      {"measured", c.measured},
                      {"standard_error", c.standard_error},
                      {"expected", c.expected},
                      {"tolerance", c.tolerance},
                      {"reason", c.reason},
                      {"holds", c.holds()}});
  }
  nlohmann::json tables = nlohmann::json::array();
  for (const Table& t : result.findings.tables) {
    tables.push_back({{"title", t.title}, {"columns", t.columns}, {"rows", t.rows}});
  }
  nlohmann::json figures = nlohmann::json::array();
  for (const NamedFigure& f : result.findings.figures) figures.push_back(f.name);
  nlohmann::json json = {{"name", result.claim.name},
                         {"statement", result.claim.statement},
                         {"source", result.claim.source},
                         {"method", result.claim.method},
                         {"verdict", verdict_name(result.verdict)},
                         {"checks", checks},
                         {"tables", tables},
                         {"figures", figures}};
  if (!result.findings.missing.empty()) json["missing"] = result.findings.missing;
  if (!result.error.empty()) json["error"] = result.error;
  return json;
}

/// `text` in lines of at most 116 characters, indented by two.
std::string paragraph(std::string_view text) {
  constexpr std::size_t kWidth = 116;
  std::string out;
  while (!text.empty()) {
    std::size_t length = text.size();
    if (length > kWidth) {
      length = text.rfind(' ', kWidth);
      if (length == std::string_view::npos || length == 0) length = kWidth;
    }
    out += fmt::format("  {}\n", text.substr(0, length));
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ', length)));
  }
  return out;
}

std::size_t holding(const ClaimResult& result) {
  const auto& checks = result.findings.checks;
  return static_cast<std::size_t>(
      std::count_if(checks.begin(), checks.end(), [](const Check& c) { return c.holds(); }));
}

}  // namespace

ClaimResult reproduce(const Claim& claim, const std::filesystem::path& folder, const Context& context) {
  const auto begin = std::chrono::steady_clock::now();
  ClaimResult result{.claim = claim, .findings = {}, .error = {}};
  try {
    result.findings = claim.measure(context);
  } catch (const Error& error) {
    result.error = error.what();
  }
  result.verdict = verdict_of(result.findings);
  for (const NamedFigure& figure : result.findings.figures) write_figure(figure.figure, folder / figure.name);
  write_json(folder / fmt::format("{}.json", claim.name), to_json(result));
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

bool any_failed(const std::vector<ClaimResult>& results) {
  return std::any_of(results.begin(), results.end(), [](const ClaimResult& r) { return r.verdict == Verdict::kFail; });
}

void write_results(const std::vector<ClaimResult>& results, const std::filesystem::path& folder) {
  nlohmann::json all = nlohmann::json::array();
  std::string text;
  for (const ClaimResult& result : results) {
    all.push_back({{"name", result.claim.name},
                   {"verdict", verdict_name(result.verdict)},
                   {"checks", result.findings.checks.size()},
                   {"checks_that_hold", holding(result)}});
    text += result_text(result) + "\n";
  }
  write_json(folder / "claims.json", all);
  write_file_atomically(folder / "claims.txt", text + summary_text(results));
}

std::string result_text(const ClaimResult& result) {
  std::string text = fmt::format("{}: {}\n", result.claim.name, verdict_name(result.verdict));
  text += paragraph(result.claim.statement);
  text += paragraph(fmt::format("Source: {}", result.claim.source));
  text += paragraph(fmt::format("Method: {}", result.claim.method));
  if (!result.findings.missing.empty()) return text + paragraph(result.findings.missing);
  if (!result.error.empty()) return text + paragraph(fmt::format("Error: {}", result.error));
  text += fmt::format("  {:>12} {:>10} {:>12} {:>10}\n", "measured", "std error", "expected", "tolerance");
  for (const Check& c : result.findings.checks) {
    const std::string error = c.standard_error > 0 ? fmt::format("{:.2g}", c.standard_error) : "-";
    text += fmt::format("  {:>12.6g} {:>10} {:>12.6g} {:>10.2g}  {:4} {}\n", c.measured, error, c.expected, c.tolerance,
                        c.holds() ? "ok" : "OFF", c.what);
  }
  return text;
}

std::string summary_text(const std::vector<ClaimResult>& results) {
  std::string text;
  for (const ClaimResult& result : results) {
    text += fmt::format("{:<28} {:<18} {:>3} of {:>3} checks hold {:>8.1f} s\n", result.claim.name,
                        verdict_name(result.verdict), holding(result), result.findings.checks.size(), result.seconds);
  }
  return text;
}

}  // namespace scorefield
