#include "cli/job_file.h"

#include <vector>

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

}  // namespace

std::filesystem::path ResolveBeside(const std::filesystem::path& job_file,
                                    const std::string& dataset_path) {
  return (job_file.parent_path() / dataset_path).lexically_normal();
}

absl::StatusOr<v1::JobSpec> LoadJobFile(const std::filesystem::path& path) {
  v1::JobSpec spec;
  const absl::Status read = config::ReadYamlFile(path.string(), &spec);
  // A file that is not there is the caller's input too.
  if (absl::IsNotFound(read)) return absl::InvalidArgumentError(read.message());
  LIMBECK_RETURN_IF_ERROR(read);
  std::vector<FieldViolation> violations;
  CheckDataset(path, spec.data().train(), "data.train", &violations);
  if (spec.data().has_held_out()) {
    CheckDataset(path, spec.data().held_out(), "data.held_out", &violations);
  }
  if (!spec.noise().prompt().synonyms_path().empty()) {
    ReadSynonyms(path, spec.mutable_noise()->mutable_prompt(), &violations);
  }
  if (spec.data().prompt().user().empty()) {
    violations.push_back({"data.prompt.user", "is required: the template of the question"});
  }
  if (spec.teachers().empty()) {
    violations.push_back({"teachers", "is required; `limbeck teachers list` names them"});
  }
  if (spec.task().kind_case() == v1::TaskSpec::KIND_NOT_SET) {
    violations.push_back({"task", "is required; for now `classify` with its labels"});
  }
  LIMBECK_RETURN_IF_ERROR(InvalidFields(path.string(), violations));
  return spec;
}

}  // namespace limbeck::cli
