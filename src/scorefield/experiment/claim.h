// A claim of a paper, and what measuring it gave.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/run/figure.h"

namespace scorefield {

/// One comparison: it holds when |measured - expected| <= tolerance.
struct Check {
  std::string what;
  double measured = 0;
  double standard_error = 0;  // of `measured`; 0 where nothing was sampled
  double expected = 0;
  double tolerance = 0;
  std::string reason;  // where the expected value and the tolerance come from

  bool holds() const;
};

/// Numbers behind the checks, one row a case.
struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<double>> rows;
};

struct NamedFigure {
  std::string name;  // of its files, without the ending
  Figure figure;
};

/// What a measurement gave.
struct Findings {
  std::vector<Check> checks;
  std::vector<Table> tables;
  std::vector<NamedFigure> figures;
  std::string missing;  // why the claim cannot be tested on this machine, and what to do; empty: it was tested
};

enum class Verdict { kPass, kFail, kNotTestable };
std::string_view verdict_name(Verdict verdict);  // "pass", "fail", "not testable here"

/// Fails when a check fails, and when there is none.
Verdict verdict_of(const Findings& findings);

struct Claim {
  std::string_view name;
  std::string_view statement;
  std::string_view source;  // paper and equation
  std::string_view method;
  Findings (*measure)(const Context& context);
};

}  // namespace scorefield
