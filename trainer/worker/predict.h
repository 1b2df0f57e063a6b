// Labels texts with a finished student.
#pragma once

#include <filesystem>
#include <istream>
#include <ostream>

#include "absl/status/status.h"

namespace limbeck::trainer {

// Reads one text a line from `in`; writes one line a text: label, probability and text, separated
// by tabs, or with `json` an object {"label", "probability", "probabilities": {…}, "text"}. Texts
// are answered in batches as they come; empty lines are texts too.
absl::Status Predict(const std::filesystem::path& student_folder, bool json, std::istream& in,
                     std::ostream& out);

}  // namespace limbeck::trainer
