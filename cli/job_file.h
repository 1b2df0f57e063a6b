// The job file: a JobSpec in YAML, checked as far as that is possible without the service.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "limbeck/v1/job.pb.h"

namespace limbeck::cli {

// Reads and checks a job file. INVALID_ARGUMENT lists every fault in one round: of the YAML with
// its line, of fields that are missing, of dataset files that are not there (paths are relative to
// the job file). The same where there is no such file.
absl::StatusOr<v1::JobSpec> LoadJobFile(const std::filesystem::path& path);

// Where a dataset path of a job file points to.
std::filesystem::path ResolveBeside(const std::filesystem::path& job_file,
                                    const std::string& dataset_path);

// A commented job file that loads without faults once its dataset exists.
std::string_view ExampleJobFile();

}  // namespace limbeck::cli
