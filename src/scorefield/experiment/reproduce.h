// Measuring claims, and what is written and shown of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scorefield/experiment/claim.h"

namespace scorefield {

struct ClaimResult {
  Claim claim;
  Findings findings;
  Verdict verdict = Verdict::kFail;
  double seconds = 0;
  std::string error;  // what ended the measurement, which then fails; empty: it came to its end
};

/// Measures one claim and writes folder/NAME.json and its figures. An Error of the measurement becomes a failure with
/// its text; throws Error when the folder cannot be written, and Cancelled.
ClaimResult reproduce(const Claim& claim, const std::filesystem::path& folder, const Context& context);

/// Not for claims that are not testable here.
bool any_failed(const std::vector<ClaimResult>& results);

/// folder/claims.json: every claim given with its verdict; folder/claims.txt: the texts below, one after the other.
void write_results(const std::vector<ClaimResult>& results, const std::filesystem::path& folder);

/// The statement, where it is from, and a line a check: plain text, lines of at most 120 characters.
std::string result_text(const ClaimResult& result);
/// A line a claim: name, verdict, checks that hold, seconds.
std::string summary_text(const std::vector<ClaimResult>& results);

}  // namespace scorefield
