#include "scorefield/experiment/claim.h"

#include <algorithm>
#include <cmath>

namespace scorefield {

bool Check::holds() const {
  return std::abs(measured - expected) <= tolerance;
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kNotTestable:
      break;
  }
  return "not testable here";
}

Verdict verdict_of(const Findings& findings) {
  if (!findings.missing.empty()) return Verdict::kNotTestable;
  const bool all =
      std::all_of(findings.checks.begin(), findings.checks.end(), [](const Check& c) { return c.holds(); });
  return all && !findings.checks.empty() ? Verdict::kPass : Verdict::kFail;
}

}  // namespace scorefield
