#include "scorefield/learn/import_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "scorefield/base/error.h"
#include "scorefield/base/random.h"
#include "scorefield/metrics/intervals.h"

namespace scorefield {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

/// Rows with noise at every level.
class Probe {
 public:
  Probe(const CheckRows& rows, std::vector<double> levels, std::uint64_t seed)
      : rows_(rows), sigmas_(std::move(levels)), noise_(rows.x0.rows(), rows.x0.cols()) {
    for (std::size_t i = 0; i < noise_.rows(); ++i) RandomStream(seed, Purpose::kProbe, i).normals(noise_[i]);
  }

  const CheckRows& rows() const { return rows_; }
  const std::vector<double>& sigmas() const { return sigmas_; }
  std::size_t count() const { return noise_.rows(); }
  std::size_t dimension() const { return noise_.cols(); }
  double x0(std::size_t i, std::size_t k) const { return rows_.x0(i, k); }
  double noise(std::size_t i, std::size_t k) const { return noise_(i, k); }
  double x(std::size_t level, std::size_t i, std::size_t k) const { return x0(i, k) + sigmas_[level] * noise_(i, k); }

 private:
  const CheckRows& rows_;
  std::vector<double> sigmas_;
  Rows noise_;  // [N, d], the same at every level
};

/// What the network returns under a declaration, at those levels that it knows.
struct Outputs {
  std::vector<std::size_t> levels;  // which of the probe's
  std::vector<float> values;        // [levels, N, d]
};

Outputs ask(const Evaluator& network, const Declaration& declaration, const Probe& probe, const Context& context) {
  const auto preconditioner = make_declared_preconditioner(declaration);
  const SigmaRange range = sigma_range(declaration);
  const std::size_t d = probe.dimension();
  Outputs outputs;
  std::vector<float> inputs;
  std::vector<float> labels;
  std::vector<std::int32_t> classes;
  for (std::size_t l = 0; l < probe.sigmas().size(); ++l) {
    const double sigma = probe.sigmas()[l];
    if (sigma < range.least || sigma > range.most) continue;
    const Preconditioning at = preconditioner->at(sigma * declaration.scale());
    if (!std::isfinite(static_cast<float>(at.label))) continue;
    outputs.levels.push_back(l);
    for (std::size_t i = 0; i < probe.count(); ++i) {
      labels.push_back(static_cast<float>(at.label));
      if (declaration.classes > 0) {
        classes.push_back(!probe.rows().labels.empty() ? probe.rows().labels[i] : declaration.no_class ? -1 : 0);
      }
      for (std::size_t k = 0; k < d; ++k) {
        const double y = (probe.x(l, i, k) - declaration.centre()) * declaration.scale();
        inputs.push_back(static_cast<float>(at.in * y));
      }
    }
  }
  outputs.values.resize(inputs.size());
  network.evaluate({labels.size(), inputs.data(), labels.data(), classes.empty() ? nullptr : classes.data()},
                   outputs.values.data(), context);
  return outputs;
}

/// Calls use(level, row, value, D) with what the outputs mean under the declaration.
void for_denoised(const Outputs& outputs, const Declaration& declaration, const Probe& probe,
                  const std::function<void(std::size_t level, std::size_t i, std::size_t k, double denoised)>& use) {
  const auto preconditioner = make_declared_preconditioner(declaration);
  std::size_t next = 0;
  for (const std::size_t l : outputs.levels) {
    const Preconditioning at = preconditioner->at(probe.sigmas()[l] * declaration.scale());
    for (std::size_t i = 0; i < probe.count(); ++i) {
      for (std::size_t k = 0; k < probe.dimension(); ++k) {
        const double y = (probe.x(l, i, k) - declaration.centre()) * declaration.scale();
        use(l, i, k, declaration.centre() + (at.skip * y + at.out * outputs.values[next++]) / declaration.scale());
      }
    }
  }
}

std::vector<double> errors_of(const Outputs& outputs, const Declaration& declaration, const Probe& probe) {
  std::vector<double> errors(probe.sigmas().size(), kNaN);
  for (const std::size_t l : outputs.levels) errors[l] = 0;
  const double share = 1 / static_cast<double>(probe.count() * probe.dimension());
  for_denoised(outputs, declaration, probe, [&](std::size_t l, std::size_t i, std::size_t k, double denoised) {
    const double off = denoised - probe.x0(i, k);
    errors[l] += share * off * off;
  });
  for (const std::size_t l : outputs.levels) {
    if (!std::isfinite(errors[l])) errors[l] = kInf;
  }
  return errors;
}

double ratio_of(const std::vector<double>& errors, const std::vector<double>& declared) {
  double sum = 0;
  double count = 0;
  for (std::size_t l = 0; l < errors.size(); ++l) {
    if (std::isnan(errors[l]) || std::isnan(declared[l])) continue;
    sum += std::log(errors[l] / declared[l]);
    ++count;
  }
  return count == 0 ? kNaN : std::exp(sum / count);
}

/// A value that a part of the declaration may have.
struct Change {
  std::string part;
  std::string text;
  std::function<void(Declaration&)> apply;
};

std::vector<Change> named(const std::string& part, std::string Declaration::*member,
                          const std::vector<std::string>& values) {
  std::vector<Change> changes;
  for (const std::string& value : values) {
    changes.push_back({part, part + " " + value, [=](Declaration& to) { to.*member = value; }});
  }
  return changes;
}

std::vector<Change> ranges(const CheckRows& rows) {
  double mean = 0;
  for (const double value : rows.x0.values()) mean += value;
  mean /= static_cast<double>(rows.x0.values().size());
  double square = 0;
  for (const double value : rows.x0.values()) square += (value - mean) * (value - mean);
  const double deviation = std::sqrt(square / static_cast<double>(rows.x0.values().size()));
  std::vector<std::pair<double, double>> bounds = {{-1, 1}, {-0.5, 0.5}, {0, 1}, {0, 255}};
  // Values of mean 0 and deviation 1, to three digits.
  const auto rounded = [](double value) { return std::round(value * 1e3) / 1e3; };
  if (deviation > 0) bounds.emplace_back(rounded((-1 - mean) / deviation), rounded((1 - mean) / deviation));
  std::vector<Change> changes;
  for (const auto& [low, high] : bounds) {
    changes.push_back({"range", fmt::format("range {},{}", low, high), [low = low, high = high](Declaration& to) {
                         to.low = low;
                         to.high = high;
                       }});
  }
  return changes;
}

struct Choices {
  std::vector<Change> predicts;
  std::vector<Change> process;
  std::vector<Change> time;
  std::vector<Change> range;
};

Choices choices_for(const Declaration& declaration, const CheckRows& rows) {
  Choices choices;
  choices.predicts =
      named("predicts", &Declaration::predicts, {"denoised", "noise", "v", "score", "velocity", "reversed-velocity"});
  choices.process = named("process", &Declaration::process,
                          {"edm", "ve", "ddpm", "ddpm:1001,1e-4,0.02", "ldm", "vp", "sub-vp", "cosine", "flow"});
  if (declaration.time != "none") {
    choices.time = named("time", &Declaration::time,
                         {"t", "1-t", "step", "step/1000", "index", "index/1000", "t*999", "sigma", "log-sigma",
                          "log-sigma/4", "log-snr"});
  }
  choices.range = ranges(rows);
  return choices;
}

/// Whether two declarations are the same function of x and sigma.
bool same(const Declaration& a, const Declaration& b) {
  const auto process = [](const Declaration& of) {
    if (of.process == "ddpm-linear") return std::string("ddpm");
    return of.process == "scaled-linear" ? std::string("ldm") : of.process;
  };
  const auto predicts = [](const Declaration& of) {
    return of.predicts == "reversed-velocity" ? of.predicts : target_name(of.predicts);
  };
  return predicts(a) == predicts(b) && process(a) == process(b) && a.time == b.time && a.low == b.low &&
         a.high == b.high;
}

std::string why_refused(const Declaration& declaration) {
  try {
    (void)make_declared_preconditioner(declaration);
  } catch (const Error& error) {
    return error.what();
  }
  // t counts steps there, and 1 - t and t*999 would be no label that anybody uses.
  const auto process = make_process(declaration.process);
  if (process->t_max() != 1 && (declaration.time == "1-t" || declaration.time == "t*999")) {
    return fmt::format("time {} is for processes that run from 0 to 1", declaration.time);
  }
  return "";
}

void sort_trials(std::vector<Trial>& trials) {
  std::ranges::stable_sort(trials, [](const Trial& a, const Trial& b) {
    if (a.refused.empty() != b.refused.empty()) return a.refused.empty();
    return a.refused.empty() && a.ratio < b.ratio;
  });
}

/// A trial with its errors; outputs are kept by what the network is given, as `predicts` does not change it.
class Judge {
 public:
  Judge(const Evaluator& network, const Declaration& declared, const Probe& probe, const Context& context)
      : network_(network), probe_(probe), context_(context), declared_(errors_under(declared)) {}

  const std::vector<double>& declared() const { return declared_; }

  Trial judge(std::string change, const Declaration& declaration) {
    Trial trial{std::move(change), declaration, {}, kNaN, why_refused(declaration)};
    if (!trial.refused.empty()) return trial;
    trial.errors = errors_under(declaration);
    trial.ratio = ratio_of(trial.errors, declared_);
    const auto known = std::ranges::count_if(trial.errors, [](double error) { return !std::isnan(error); });
    const auto wanted = std::ranges::count_if(declared_, [](double error) { return !std::isnan(error); });
    if (2 * known <= wanted) {
      const SigmaRange range = sigma_range(declaration);
      trial.refused = fmt::format("knows noise levels from {:.3g} to {:.3g} only", range.least, range.most);
    }
    return trial;
  }

 private:
  std::vector<double> errors_under(const Declaration& declaration) {
    const std::string key =
        fmt::format("{} {} {} {}", declaration.process, declaration.time, declaration.low, declaration.high);
    if (key != key_) {
      outputs_ = ask(network_, declaration, probe_, context_);
      key_ = key;
    }
    return errors_of(outputs_, declaration, probe_);
  }

  const Evaluator& network_;
  const Probe& probe_;
  const Context& context_;
  std::string key_;
  Outputs outputs_;
  std::vector<double> declared_;
};

CheckRows first_rows(const CheckRows& rows, std::size_t count) {
  CheckRows few{Rows(std::min(count, rows.x0.rows()), rows.x0.cols()), {}};
  std::copy_n(rows.x0.values().begin(), few.x0.values().size(), few.x0.values().begin());
  if (!rows.labels.empty()) few.labels.assign(rows.labels.begin(), rows.labels.begin() + few.x0.rows());
  return few;
}

/// All combinations of the choices on few rows and every second level; the best are tried on all.
void search_combinations(const Evaluator& network, const Choices& choices, Judge& judge, const CheckRows& rows,
                         const std::vector<double>& levels, const CheckOptions& options, const Context& context,
                         ImportCheck& check) {
  constexpr std::size_t kRows = 8;
  constexpr std::size_t kBest = 10;
  const CheckRows few = first_rows(rows, kRows);
  std::vector<double> some;
  for (std::size_t l = 0; l < levels.size(); l += 2) some.push_back(levels[l]);
  const Probe probe(few, some, options.seed);
  Judge quick(network, check.declaration, probe, context);
  const std::vector<Change> as_it_is = {{"time", "", [](Declaration&) {}}};
  const std::vector<Change>& times = choices.time.empty() ? as_it_is : choices.time;
  std::vector<Trial> trials;
  const double total = static_cast<double>(choices.process.size() * times.size() * choices.range.size());
  double done = 0;
  for (const Change& process : choices.process) {
    for (const Change& time : times) {
      for (const Change& range : choices.range) {
        context.report("combinations", done++, total);
        for (const Change& predicts : choices.predicts) {
          Declaration declaration = check.declaration;
          process.apply(declaration);
          time.apply(declaration);
          range.apply(declaration);
          predicts.apply(declaration);
          if (same(declaration, check.declaration)) continue;
          std::string text =
              predicts.text + ", " + process.text + ", " + (time.text.empty() ? "" : time.text + ", ") + range.text;
          Trial trial = quick.judge(std::move(text), declaration);
          if (!trial.refused.empty()) continue;
          ++check.combinations_tried;
          trials.push_back(std::move(trial));
          sort_trials(trials);
          if (trials.size() > kBest) trials.pop_back();
        }
      }
    }
  }
  for (const Trial& trial : trials) check.combinations.push_back(judge.judge(trial.change, trial.declaration));
  sort_trials(check.combinations);
}

/// Of each value over the rows.
struct Moments {
  std::vector<double> mean;
  std::vector<double> variance;  // the mean square about the mean
};

Moments moments(const Rows& rows) {
  Moments result{std::vector<double>(rows.cols()), std::vector<double>(rows.cols())};
  const auto n = static_cast<double>(rows.rows());
  for (std::size_t k = 0; k < rows.cols(); ++k) {
    double& mean = result.mean[k];
    for (std::size_t i = 0; i < rows.rows(); ++i) mean += rows(i, k) / n;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      result.variance[k] += (rows(i, k) - mean) * (rows(i, k) - mean) / n;
    }
  }
  return result;
}

/// LevelCheck::bound's errors, row by row.
std::vector<double> affine_errors(const Probe& probe, const Moments& of, std::size_t level) {
  const auto n = static_cast<double>(probe.count());
  const double square = probe.sigmas()[level] * probe.sigmas()[level];
  std::vector<double> errors(probe.count());
  for (std::size_t i = 0; i < probe.count(); ++i) {
    for (std::size_t k = 0; k < probe.dimension(); ++k) {
      const double others = of.mean[k] - (probe.x0(i, k) - of.mean[k]) / (n - 1);
      const double variance = of.variance[k] * n / (n - 1);
      const double shrink = variance / (variance + square);
      const double off = others + shrink * (probe.x(level, i, k) - others) - probe.x0(i, k);
      errors[i] += off * off / static_cast<double>(probe.dimension());
    }
  }
  return errors;
}

void judge_declared(const Outputs& outputs, const Probe& probe, const CheckOptions& options, ImportCheck& check) {
  const std::vector<double> errors = errors_of(outputs, check.declaration, probe);
  const Moments of = moments(probe.rows().x0);
  const std::size_t levels = probe.sigmas().size();
  const std::size_t pictures = std::min(options.pictures, probe.count());
  std::vector<double> with_noise(levels);
  std::vector<double> with_itself(levels);
  Rows by_row(levels, probe.count());  // mean square errors
  check.noisy = Rows(levels * pictures, probe.dimension());
  check.denoised = Rows(levels * pictures, probe.dimension());
  for_denoised(outputs, check.declaration, probe, [&](std::size_t l, std::size_t i, std::size_t k, double denoised) {
    const double eps = (probe.x(l, i, k) - denoised) / probe.sigmas()[l];
    const double off = denoised - probe.x0(i, k);
    by_row(l, i) += off * off / static_cast<double>(probe.dimension());
    with_noise[l] += eps * probe.noise(i, k);
    with_itself[l] += eps * eps;
    if (i >= pictures) return;
    check.noisy(l * pictures + i, k) = probe.x(l, i, k);
    check.denoised(l * pictures + i, k) = denoised;
  });
  for (std::size_t l = 0; l < levels; ++l) {
    if (!std::isfinite(errors[l])) {
      throw Error(
          fmt::format("the network gives no finite numbers at sigma = {:.4g} as it is declared", probe.sigmas()[l]));
    }
    const std::vector<double> affine = affine_errors(probe, of, l);
    std::vector<double> excess(probe.count());
    for (std::size_t i = 0; i < excess.size(); ++i) excess[i] = by_row(l, i) - affine[i];
    check.levels.push_back({probe.sigmas()[l], errors[l], mean_of_sample(affine, 0).value,
                            mean_of_sample(excess, 0).standard_error, with_noise[l] / with_itself[l]});
  }
}

}  // namespace

double CheckRows::deviation() const {
  const std::vector<double> variance = moments(x0).variance;
  return std::sqrt(std::accumulate(variance.begin(), variance.end(), 0.0) / static_cast<double>(variance.size()));
}

std::vector<double> check_levels(const Declaration& declaration, double deviation) {
  const SigmaRange range = sigma_range(declaration);
  std::vector<double> levels;
  for (const double times : {0.1, 0.3, 1.0, 3.0, 10.0}) {
    const double sigma = times * deviation;
    if (sigma >= range.least && sigma <= range.most) levels.push_back(sigma);
  }
  return levels;
}

ImportCheck check_import(const std::shared_ptr<const Evaluator>& network, const Declaration& declaration,
                         const CheckRows& rows, const CheckOptions& options, const Context& context) {
  ensure(rows.x0.cols() == declaration.dimension() && rows.x0.rows() > 1, "rows of the network's length");
  if (const std::string fault = why_refused(declaration); !fault.empty()) throw Error(fault);
  ImportCheck check;
  check.declaration = declaration;
  check.own_samples = options.own_samples;
  const std::vector<double> levels = check_levels(declaration, rows.deviation());
  if (levels.empty()) {
    const SigmaRange range = sigma_range(declaration);
    throw Error(
        fmt::format("the values of the rows deviate by {:.3g}, and the declared network knows noise levels from "
                    "{:.3g} to {:.3g}: there is none to check it at; are range and process right?",
                    rows.deviation(), range.least, range.most));
  }
  // The noise, and at every level what goes into the network and what comes out.
  context.check_memory(rows.x0.values().size(), sizeof(double) + 2 * levels.size() * sizeof(float),
                       "the rows of the check (--rows) at every noise level");
  const Probe probe(rows, levels, options.seed);
  judge_declared(ask(*network, declaration, probe, context), probe, options, check);

  Judge judge(*network, declaration, probe, context);
  Choices choices = choices_for(declaration, rows);
  if (options.own_samples) choices.range.clear();
  std::vector<const Change*> changes;
  for (const auto* part : {&choices.predicts, &choices.process, &choices.time, &choices.range}) {
    for (const Change& change : *part) changes.push_back(&change);
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    context.report("declarations", static_cast<double>(i), static_cast<double>(changes.size()));
    Declaration other = declaration;
    changes[i]->apply(other);
    if (!same(other, declaration)) check.singles.push_back(judge.judge(changes[i]->text, other));
  }
  sort_trials(check.singles);
  if (options.search) search_combinations(*network, choices, judge, rows, levels, options, context, check);
  return check;
}

const Trial* better_declaration(const ImportCheck& check) {
  const Trial* best = nullptr;
  for (const auto* trials : {&check.singles, &check.combinations}) {  // the fewest changes win a tie
    if (trials->empty() || !trials->front().refused.empty()) continue;
    const Trial& first = trials->front();
    if (first.ratio * kToldApart < 1 && (best == nullptr || first.ratio * kToldApart < best->ratio)) best = &first;
  }
  return best;
}

}  // namespace scorefield
