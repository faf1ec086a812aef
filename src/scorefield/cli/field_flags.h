// The flags that choose the field a command works with, and that field: of every command that asks one.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scorefield/base/context.h"
#include "scorefield/base/error.h"
#include "scorefield/cli/command.h"
#include "scorefield/cli/model_flags.h"
#include "scorefield/data/dataset.h"
#include "scorefield/field/class_likelihood.h"
#include "scorefield/field/field.h"
#include "scorefield/field/guidance.h"

namespace scorefield {

/// The flags as typed.
struct FieldArguments {
  ModelArguments model;
  bool law = false;
  bool precise = false;
  std::string label = "-1";  // a number, or a name that the data give one
  std::optional<double> guidance;
  std::string interval;
  std::string guide_class;  // "" (none, with a guide of its own: same), "none", "same", or as `label`
  std::string guide_data;
  std::optional<std::size_t> guide_subset;
  std::string guide_model;
  std::string classifier;
};

/// Adds --law and --precise.
void add_field_arguments(CLI::App& command, FieldArguments& arguments);
/// Adds --label (--class).
void add_label_argument(CLI::App& command, FieldArguments& arguments);
/// Adds --guidance and what guides: --guidance-interval, --guide-class (--negative-class), --guide-data,
/// --guide-subset, --guide-model, --classifier. `scale`: what --guidance is; false where the command has scales of its
/// own.
void add_guide_arguments(CLI::App& command, FieldArguments& arguments, bool scale = true);

/// A field with the fields that it is combined of, and the label under which it is asked.
class ChosenField {
 public:
  /// The one to ask: the last that was put in.
  const Field& field() const { return *fields_.back(); }
  /// The guided field at another scale than --guidance; this one must live as long.
  std::unique_ptr<const Field> at_scale(double scale) const;
  /// -1: unconditional.
  int label() const { return label_; }
  /// Asks the fields once at these noise levels, each under its label, so that what they refuse is said before a run is
  /// under way.
  void try_at(std::initializer_list<double> sigmas, const Context& context) const;
  /// The denoiser of no law: nothing says what its samples are distributed like.
  bool is_guided() const { return is_guided_; }
  /// The field before it was guided.
  const Field& own() const { return *fields_.front(); }
  /// In words, for people: how it is guided, and all together; "" where there is nothing to say.
  const std::string& guide_text() const { return guide_text_; }
  std::string text() const;
  /// Of the other files that went in, by the names that config.json has for them.
  const std::map<std::string, std::string>& digests() const { return digests_; }

 private:
  friend ChosenField choose_field(const FieldArguments&, const DataArguments&, const Dataset&, const Context&);
  friend ChosenField choose_field(OpenedModel, const FieldArguments&, const DataArguments&, const Dataset&,
                                  const Context&);
  /// Under the label that the flags name, guided if they say so.
  static ChosenField conditioned(std::unique_ptr<const Field> field, const FieldArguments& arguments,
                                 const DataArguments& data_arguments, const Dataset& data, const Context& context);
  /// A field may refer to those before it: they do not move.
  const Field& put(std::unique_ptr<const Field> field) {
    fields_.push_back(std::move(field));
    return *fields_.back();
  }
  void guide(const FieldArguments& arguments, const DataArguments& data_arguments, const Dataset& data,
             const Context& context);

  std::vector<std::unique_ptr<const Field>> fields_;
  std::unique_ptr<const ClassLikelihood> likelihood_;  // of --classifier
  std::optional<Guide> guide_;                         // or what to go away from
  GuidanceScale scale_;
  int label_ = -1;
  bool is_guided_ = false;
  std::string label_text_;
  std::string guide_text_;
  std::map<std::string, std::string> digests_;
};

/// Throws Error for flags that do not go together, or with the data.
ChosenField choose_field(const FieldArguments& arguments, const DataArguments& data_arguments, const Dataset& data,
                         const Context& context);
/// The same of an opened model. data: the rows whose labels are its classes, or rows_like().
ChosenField choose_field(OpenedModel model, const FieldArguments& arguments, const DataArguments& data_arguments,
                         const Dataset& data, const Context& context);

/// What a command works on: a field, and the rows that it is about.
struct Subject {
  std::string name;             // for that of a run's folder
  std::optional<Dataset> rows;  // of --data; none where a model is used without
  Dataset data;                 // those, or rows_like() the model's
  DataForm form;                // of both
  ChosenField chosen;
  std::optional<SigmaRange> range;      // the noise levels that --model has; none of the field of the data
  std::optional<Declaration> declared;  // of an imported model

  double least_sigma() const { return range ? range->least : 0; }
};

/// Opens --data, --model, or both, and chooses the field. other_rows: whether flags about how files are read may be
/// about other rows than those of --data. Throws Error without both, for flags about rows of --data where there are
/// none, and as the parts do.
Subject open_subject(const FieldArguments& arguments, const DataArguments& data_arguments, const Context& context,
                     bool other_rows = false);

/// That `flag` is about the rows of --data, and there are none.
Error no_rows_for(std::string_view flag);

/// Puts notes and digests of what was opened, and what is said of a model, into a run's record.
void put_subject(const Subject& subject, nlohmann::json& config);

/// The number of a class that `flag` names by its number, or by the name that the data give it; -1 is none.
/// Throws Error when the data have no rows of such a class (with near names).
int class_number(std::string_view flag, const std::string& text, const Dataset& data);

/// Whether a --class names none: "none" or "-1".
bool is_no_class(std::string_view text);

/// "3", or "3 (Dress)" where the data have a name for it.
std::string class_text(int label, const Dataset& data);

}  // namespace scorefield
