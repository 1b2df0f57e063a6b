// Brings a dataset file to the service, unless it is there already.
#pragma once

#include <filesystem>

#include "absl/status/statusor.h"
#include "cli/session.h"
#include "limbeck/v1/dataset_service.pb.h"

namespace limbeck::cli {

// JSONL, CSV or TSV by the file's extension, which .gz or .zst may follow; INVALID_ARGUMENT for any
// other.
absl::StatusOr<v1::DatasetFormat> DatasetFormatOf(const std::filesystem::path& path);

struct UploadResult {
  v1::Dataset dataset;
  // The service already knew this content; nothing was sent.
  bool known = false;
};

// Reads the file twice, never as a whole. NOT_FOUND where there is no such file; the service's
// errors, with every malformed row, as they are.
absl::StatusOr<UploadResult> UploadDataset(Session& session, const std::filesystem::path& path);

}  // namespace limbeck::cli
