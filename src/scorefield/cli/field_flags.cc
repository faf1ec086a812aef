#include "scorefield/cli/field_flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "scorefield/base/error.h"
#include "scorefield/base/names.h"
#include "scorefield/base/sha256.h"
#include "scorefield/data/synthetic.h"
#include "scorefield/field/empirical.h"
#include "scorefield/field/synthetic_law.h"
#include "scorefield/learn/classifier.h"
#include "scorefield/learn/imported_model.h"
#include "scorefield/metrics/neighbours.h"

namespace scorefield {
namespace {

constexpr const char* kFieldGroup = "Field";
constexpr const char* kGuidanceGroup = "Guidance";

std::vector<double> class_probabilities(const Field& field) {
  if (const auto* rows = dynamic_cast<const Empirical*>(&field)) return rows->class_probabilities();
  if (const auto* law = dynamic_cast<const GaussianMixture*>(&field)) return law->class_probabilities();
  throw Error("--classifier exact: the class posteriors of this field are not known");
}

/// Null: the label of the query.
std::optional<int> guide_label(const FieldArguments& arguments, bool is_other, const Dataset& rows) {
  const std::string& text = arguments.guide_class;
  if (text == "same" || (text.empty() && is_other)) return std::nullopt;
  if (text == "none" || text.empty()) return -1;
  return class_number("--guide-class", text, rows);
}

/// The rows of --guide-data and --guide-subset.
Dataset open_guide(const FieldArguments& arguments, const DataArguments& data_arguments, const Dataset& data,
                   const Context& context) {
  if (arguments.law && arguments.guide_subset) throw Error("--guide-subset: with --law there are no rows to leave out");
  DataArguments other = data_arguments;
  if (!arguments.guide_data.empty()) {
    other.data = arguments.guide_data;
    other.classes.clear();
    other.subset.reset();
  }
  if (arguments.guide_subset) other.subset = arguments.guide_subset;
  Dataset rows = open_dataset(other, context);
  check_same_shape(data, rows);
  return rows;
}

/// The field of the rows, or with --law of the law that they were drawn from.
std::unique_ptr<const Field> data_field(const FieldArguments& arguments, const DataArguments& data_arguments,
                                        const Dataset& data, const Context& context) {
  if (!arguments.law) {
    return std::make_unique<Empirical>(
        data, EmpiricalOptions{.precision = arguments.precise ? Precision::kPrecise : Precision::kFast, .weights = {}},
        context);
  }
  if (!is_synthetic(data_arguments.data)) {
    throw Error(fmt::format("--law: the law of {} is not known; it is that of a synthetic set, such as mixture or ring",
                            data_arguments.data));
  }
  if (!data_arguments.classes.empty() || data.affine() != Affine{}) {
    throw Error(fmt::format("--law: the law is that of {} as it is; drop {}", data_arguments.data,
                            data_arguments.classes.empty() ? "--units" : "--classes"));
  }
  return std::make_unique<GaussianMixture>(synthetic_law(make_synthetic(data_arguments.data, context).truth));
}

/// Throws Error for flags about data that a model without them would not read.
void check_without_data(const FieldArguments& arguments, const DataArguments& data, bool other_rows) {
  if (arguments.model.model.empty()) throw Error("give --data, or --model, or both (--help shows the flags)");
  const bool no_rows = !other_rows && arguments.guide_data.empty();
  const std::pair<const char*, bool> about_rows[] = {
      {"--key", no_rows && !data.key.empty()},
      {"--classes", !data.classes.empty()},
      {"--subset", data.subset.has_value()},
      {"--units", no_rows && !data.units.empty()},
      {"--resolution", no_rows && data.resolution.has_value()},
      {"--guide-subset", arguments.guide_subset.has_value() && arguments.guide_data.empty()}};
  for (const auto& [flag, is_given] : about_rows) {
    if (is_given) throw no_rows_for(flag);
  }
}

std::string what_guides(std::optional<int> label, const Dataset& rows, bool has_own_data, bool law) {
  std::string of_rows;
  if (has_own_data) {
    of_rows = law ? " of the law of " + rows.name() : fmt::format(" of {} rows of {}", rows.size(), rows.name());
  }
  if (!label) return "the same field" + of_rows;
  return (*label < 0 ? std::string("the unconditional field") : "class " + class_text(*label, rows)) + of_rows;
}

}  // namespace

void add_field_arguments(CLI::App& command, FieldArguments& arguments) {
  command.add_flag("--law", arguments.law, "Of a synthetic set: the law that its rows are drawn from, not the rows")
      ->group(kFieldGroup);
  command.add_flag("--precise", arguments.precise, "The field in double precision (1e-12), slower")->group(kFieldGroup);
}

void add_label_argument(CLI::App& command, FieldArguments& arguments) {
  command
      .add_option("--label,--class", arguments.label,
                  "Condition on this class: its number or its name (none, or -1: on none)")
      ->capture_default_str()
      ->group(kFieldGroup);
}

void add_guide_arguments(CLI::App& command, FieldArguments& arguments, bool scale) {
  CLI::Option* guidance = nullptr;
  if (scale) {
    guidance = command
                   .add_option("--guidance", arguments.guidance,
                               "Guidance scale g: D = D_guide + g (D - D_guide); 1 is the class itself")
                   ->group(kGuidanceGroup);
  }
  const auto add = [&](const char* name, auto& value, const char* help) {
    CLI::Option* option = command.add_option(name, value, help)->group(kGuidanceGroup);
    return guidance == nullptr ? option : option->needs(guidance);
  };
  add("--guidance-interval", arguments.interval, "Guide between these noise levels only, e.g. 0.2,5; g is 1 elsewhere");
  CLI::Option* classifier =
      add("--classifier", arguments.classifier,
          "Guide by log p(class | x; sigma): exact (of the field itself), or the model of a classifier trained with "
          "--noisy");
  add("--guide-class,--negative-class", arguments.guide_class,
      "What to go away from: none (all classes; the default), a class, or same (the default of another guide)")
      ->excludes(classifier);
  add("--guide-data", arguments.guide_data, "The guide is the field of these rows: autoguidance by a worse one")
      ->excludes(classifier);
  add("--guide-subset", arguments.guide_subset,
      "The guide is the field of the first N rows (of --guide-data or --data)")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 48))
      ->excludes(classifier);
  add("--guide-model", arguments.guide_model,
      "The guide is this network, as --model: autoguidance by a smaller or less trained one")
      ->excludes(classifier)
      ->excludes("--guide-data")
      ->excludes("--guide-subset");
}

bool is_no_class(std::string_view text) {
  return text == "none" || text == "-1";
}

int class_number(std::string_view flag, const std::string& text, const Dataset& data) {
  if (is_no_class(text)) return -1;
  int label = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), label);
  if (failure != std::errc() || rest != text.data() + text.size() || label < -1) {
    const std::vector<std::string>& names = data.label_names();
    const auto found = std::ranges::find(names, text);
    if (found == names.end()) {
      throw Error(names.empty()
                      ? fmt::format("{} {}: not a number, and the classes of {} have no names", flag, text, data.name())
                      : fmt::format("{}: {}", flag, unknown_name("class", text, names)));
    }
    label = static_cast<int>(found - names.begin());
  }
  if (label < 0) return label;
  if (data.classes() == 0) throw Error(fmt::format("{} {}: {} has no labels", flag, text, data.name()));
  if (label >= static_cast<int>(data.classes())) {
    throw Error(fmt::format("{} {}: the labels of {} go from 0 to {}", flag, text, data.name(), data.classes() - 1));
  }
  if (std::ranges::find(data.labels(), label) == data.labels().end()) {
    throw Error(fmt::format("{} {}: {} has no rows of this class", flag, text, data.name()));
  }
  return label;
}

std::string class_text(int label, const Dataset& data) {
  const auto k = static_cast<std::size_t>(label);
  return k < data.label_names().size() ? fmt::format("{} ({})", label, data.label_names()[k])
                                       : fmt::format("{}", label);
}

void ChosenField::guide(const FieldArguments& arguments, const DataArguments& data_arguments, const Dataset& data,
                        const Context& context) {
  scale_.scale = *arguments.guidance;
  std::string interval;
  if (!arguments.interval.empty()) {
    const std::vector<double> ends = parse_numbers(arguments.interval, "--guidance-interval");
    if (ends.size() != 2) {
      throw Error(fmt::format("--guidance-interval {}: give two noise levels, e.g. 0.2,5", arguments.interval));
    }
    scale_.sigma_low = ends[0];
    scale_.sigma_high = ends[1];
    interval = fmt::format(" for sigma from {:g} to {:g}", ends[0], ends[1]);
  }
  is_guided_ = true;
  const Field& own = field();
  const bool has_own_data = !arguments.guide_data.empty() || arguments.guide_subset.has_value();
  const bool is_other = has_own_data || !arguments.guide_model.empty();
  const Dataset rows = has_own_data ? open_guide(arguments, data_arguments, data, context) : data;
  const std::optional<int> label = guide_label(arguments, is_other, rows);
  if (!is_other && label.value_or(label_) == label_) {
    throw Error(
        "--guidance: the guide is the field itself, so there is nothing to go away from; give --class, --guide-class, "
        "--guide-data or --guide-model");
  }
  if (!arguments.classifier.empty()) {
    if (arguments.classifier == "exact") {
      likelihood_ = std::make_unique<ExactClassLikelihood>(own, class_probabilities(own));
      guide_text_ = "by the exact class posteriors" + interval;
    } else {
      likelihood_ = open_guiding_classifier(model_path(arguments.classifier), data, context);
      digests_["classifier_digest"] = file_digest(model_path(arguments.classifier));
      guide_text_ = "by the classifier " + arguments.classifier + interval;
    }
    put(at_scale(scale_.scale));
    return;
  }
  const Field* other = &own;
  if (has_own_data) {
    if (!label) (void)class_number("--class", fmt::format("{}", label_), rows);
    DataArguments of_guide = data_arguments;
    if (!arguments.guide_data.empty()) of_guide.data = arguments.guide_data;
    other = &put(data_field(arguments, of_guide, rows, context));
    digests_["guide_digest"] = rows.digest();
  }
  if (!arguments.guide_model.empty()) {
    OpenedModel guide = open_model({arguments.guide_model, {}}, &data, context);
    digests_["guide_digest"] = guide.digest;
    other = &put(std::move(guide.field));
  }
  guide_.emplace(Guide{*other, label});
  put(at_scale(scale_.scale));
  guide_text_ = "away from ";
  if (arguments.guide_model.empty()) {
    guide_text_ += what_guides(label, rows, has_own_data, arguments.law);
  } else {
    if (label) guide_text_ += *label < 0 ? "no class of " : "class " + class_text(*label, rows) + " of ";
    guide_text_ += "the network of " + arguments.guide_model;
  }
  guide_text_ += interval;
}

std::string ChosenField::text() const {
  if (!is_guided_) return label_text_;
  return fmt::format("{}{}guidance {:g} {}", label_text_, label_text_.empty() ? "" : ", ", scale_.scale, guide_text_);
}

std::unique_ptr<const Field> ChosenField::at_scale(double scale) const {
  ensure(is_guided_, "only a guided field has a scale");
  GuidanceScale other = scale_;
  other.scale = scale;
  const Field& own = *fields_.front();
  if (likelihood_ != nullptr) return std::make_unique<ClassifierGuided>(own, *likelihood_, other);
  return std::make_unique<Guided>(own, *guide_, other);
}

void ChosenField::try_at(std::initializer_list<double> sigmas, const Context& context) const {
  Rows x(1, own().dimension());
  std::ranges::copy(own().mean(), x[0].begin());
  const auto ask = [&](const Field& field, double sigma, int label) {
    (void)field.ask(x.view(), {&sigma, 1}, {&label, 1}, {}, context);
  };
  for (const double sigma : sigmas) {
    ask(own(), sigma, likelihood_ != nullptr ? -1 : label_);
    // It is asked nowhere else.
    const double guided = std::clamp(sigma, scale_.sigma_low, scale_.sigma_high);
    if (guide_) ask(guide_->field, guided, guide_->label.value_or(label_));
  }
}

ChosenField choose_field(const FieldArguments& arguments, const DataArguments& data_arguments, const Dataset& data,
                         const Context& context) {
  return ChosenField::conditioned(data_field(arguments, data_arguments, data, context), arguments, data_arguments, data,
                                  context);
}

ChosenField choose_field(OpenedModel model, const FieldArguments& arguments, const DataArguments& data_arguments,
                         const Dataset& data, const Context& context) {
  if (arguments.law || arguments.precise) {
    throw Error(fmt::format("{} is for the field of the data, not for that of --model; drop one",
                            arguments.law ? "--law" : "--precise"));
  }
  ChosenField chosen = ChosenField::conditioned(std::move(model.field), arguments, data_arguments, data, context);
  chosen.label_text_ =
      "the network of " + arguments.model.model + (chosen.label_text_.empty() ? "" : ", ") + chosen.label_text_;
  chosen.digests_["model_digest"] = model.digest;
  return chosen;
}

ChosenField ChosenField::conditioned(std::unique_ptr<const Field> field, const FieldArguments& arguments,
                                     const DataArguments& data_arguments, const Dataset& data, const Context& context) {
  ChosenField chosen;
  chosen.label_ = class_number("--class", arguments.label, data);
  chosen.put(std::move(field));
  if (chosen.label_ >= 0) chosen.label_text_ = "class " + class_text(chosen.label_, data);
  if (arguments.guidance) chosen.guide(arguments, data_arguments, data, context);
  return chosen;
}

Subject open_subject(const FieldArguments& arguments, const DataArguments& data_arguments, const Context& context,
                     bool other_rows) {
  std::optional<Dataset> rows;
  if (data_arguments.data.empty()) {
    check_without_data(arguments, data_arguments, other_rows);
  } else {
    rows = open_dataset(data_arguments, context);
  }
  if (arguments.model.model.empty()) {
    ChosenField chosen = choose_field(arguments, data_arguments, *rows, context);
    return {
        short_name(data_arguments.data), rows, *rows, form_of(*rows), std::move(chosen), std::nullopt, std::nullopt};
  }
  OpenedModel model = open_model(arguments.model, rows ? &*rows : nullptr, context);
  const DataForm trained = model.form;
  const SigmaRange range = model.range;
  const std::optional<Declaration> declared = model.declared;
  DataForm form = rows ? form_of(*rows) : model.form;
  Dataset data = rows ? *rows : rows_like(model.form, context);
  ChosenField chosen = choose_field(std::move(model), arguments, data_arguments, data, context);
  const std::string name = short_name(rows ? data_arguments.data : arguments.model.model);
  if (rows) note_other_data(arguments.model.model, trained, *rows);
  return {name, std::move(rows), std::move(data), std::move(form), std::move(chosen), range, declared};
}

Error no_rows_for(std::string_view flag) {
  return Error(fmt::format("{} is about the rows of --data, and there are none", flag));
}

void put_subject(const Subject& subject, nlohmann::json& config) {
  config["data_notes"] = subject.form.notes;  // also of a model's: decode finds there whose latents samples are
  if (subject.rows) config["data_digest"] = subject.rows->digest();
  if (subject.declared) config["model"] = declaration_json(*subject.declared);
  for (const auto& [name, digest] : subject.chosen.digests()) config[name] = digest;
}

}  // namespace scorefield
