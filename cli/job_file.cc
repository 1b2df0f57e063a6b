#include "cli/job_file.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/config/yaml.h"
#include "base/error_details.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/dataset_upload.h"

namespace limbeck::cli {
namespace {

// As the service accepts.
constexpr size_t kMaxSynonymBytes = 128u << 10;

void CheckDataset(const std::filesystem::path& job_file, const v1::DatasetRef& dataset,
                  const std::string& field, std::vector<FieldViolation>* violations) {
  if (dataset.path().empty()) {
    if (dataset.id().empty()) {
      violations->push_back({field, "name a file with `path`, or an uploaded dataset with `id`"});
    }
    return;
  }
  const std::filesystem::path path = ResolveBeside(job_file, dataset.path());
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    violations->push_back({field + ".path", absl::StrCat("there is no file ", path.string(),
                                                         " (paths are relative to the job file)")});
    return;
  }
  if (const auto format = DatasetFormatOf(path); !format.ok()) {
    violations->push_back({field + ".path", std::string(format.status().message())});
  }
}

// Puts the text of noise.prompt.synonyms_path into the spec, so that the service needs no file.
void ReadSynonyms(const std::filesystem::path& job_file, v1::PromptNoise* noise,
                  std::vector<FieldViolation>* violations) {
  const std::string field = "noise.prompt.synonyms_path";
  if (!noise->synonyms().empty()) {
    violations->push_back({field, "is set together with synonyms; leave one of them out"});
    return;
  }
  const std::filesystem::path path = ResolveBeside(job_file, noise->synonyms_path());
  std::error_code error;
  if (std::filesystem::file_size(path, error) > kMaxSynonymBytes && !error) {
    violations->push_back(
        {field, absl::StrCat(path.string(), " has more than ", kMaxSynonymBytes, " bytes")});
    return;
  }
  auto text = ReadFile(path);
  if (!text.ok()) {
    violations->push_back({field, std::string(text.status().message())});
    return;
  }
  noise->set_synonyms(*std::move(text));
}

// What is missing for a job, as far as that can be told here.
std::vector<FieldViolation> OwnFaults(const std::filesystem::path& path, const v1::JobSpec& spec) {
  std::vector<FieldViolation> violations;
  const v1::DataSpec& data = spec.data();
  CheckDataset(path, data.train(), "data.train", &violations);
  if (data.has_held_out()) CheckDataset(path, data.held_out(), "data.held_out", &violations);
  if (data.expansion().few_shot().has_pool()) {
    CheckDataset(path, data.expansion().few_shot().pool(), "data.expansion.few_shot.pool",
                 &violations);
  }
  if (data.expansion().templates().empty() && data.prompt().user().empty() &&
      data.prompt().turns().empty()) {
    violations.push_back({"data.prompt.user", "is required: the template of the question"});
  }
  if (spec.teachers().empty()) {
    violations.push_back({"teachers", "is required; `limbeck teachers list` names them"});
  }
  if (spec.task().kind_case() == v1::TaskSpec::KIND_NOT_SET) {
    violations.push_back({"task", "is required; for now `classify` with its labels"});
  }
  return violations;
}

// Whether a field is missing only because the YAML is at fault there: at the field, or in a part of
// the file that holds it.
bool SaidAlready(const std::string& field, const std::vector<FieldViolation>& known) {
  return std::any_of(known.begin(), known.end(), [&](const FieldViolation& fault) {
    return fault.field == field || absl::StartsWith(field, fault.field + ".") ||
           absl::StartsWith(fault.field, field + ".");
  });
}

}  // namespace

std::filesystem::path ResolveBeside(const std::filesystem::path& job_file,
                                    const std::string& dataset_path) {
  return (job_file.parent_path() / dataset_path).lexically_normal();
}

absl::StatusOr<v1::JobSpec> LoadJobFile(const std::filesystem::path& path) {
  const absl::StatusOr<std::string> text = ReadFile(path);
  // A file that is not there is the caller's input too.
  if (absl::IsNotFound(text.status())) {
    return absl::InvalidArgumentError(text.status().message());
  }
  LIMBECK_RETURN_IF_ERROR(text.status());
  v1::JobSpec spec;
  const absl::Status read = config::ParseYamlPartly(*text, path.string(), &spec);
  std::vector<FieldViolation> violations = GetFieldViolations(read);
  // A file that is no YAML, or too large, has nothing to be checked further.
  if (!read.ok() && violations.empty()) return read;
  std::vector<FieldViolation> own = OwnFaults(path, spec);
  if (!spec.noise().prompt().synonyms_path().empty()) {
    ReadSynonyms(path, spec.mutable_noise()->mutable_prompt(), &own);
  }
  for (FieldViolation& fault : own) {
    if (!SaidAlready(fault.field, violations)) violations.push_back(std::move(fault));
  }
  LIMBECK_RETURN_IF_ERROR(InvalidFields(path.string(), violations));
  return spec;
}

}  // namespace limbeck::cli
