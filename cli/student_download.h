// Brings a student's files here.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "cli/session.h"

namespace limbeck::cli {

// Downloads the student of a SUCCEEDED job into `directory`, which must not exist yet; it appears
// only once every file has arrived and matches its SHA-256. DATA_LOSS when one does not.
absl::Status DownloadStudent(Session& session, const std::string& job_id,
                             const std::filesystem::path& directory);

}  // namespace limbeck::cli
