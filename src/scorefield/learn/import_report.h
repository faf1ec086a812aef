// What a check of an imported network found, for people and for machines.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "scorefield/learn/import_check.h"

namespace scorefield {

enum class ImportVerdict {
  kOwnSamples,  // it denoises what it makes itself: all that can be said without data
  kFits,        // it denoises, and no other declaration does so markedly better
  kBetter,      // another does
  kPoor,        // it errs more than a denoiser that sees each value alone, and no other declaration is better
};
ImportVerdict verdict_of(const ImportCheck& check);
std::string_view verdict_name(ImportVerdict verdict);  // "fits", "another fits better", "does not denoise"

nlohmann::json import_json(const ImportCheck& check);
/// Tables of lines of at most 120 characters, and the verdict.
std::string import_text(const ImportCheck& check);

/// Clean rows, then for each level from the least the noisy rows (shrunk to the spread of the data) above the denoised.
/// Only for grey and RGB images.
void write_import_picture(const ImportCheck& check, const CheckRows& rows, const std::filesystem::path& path);

}  // namespace scorefield
