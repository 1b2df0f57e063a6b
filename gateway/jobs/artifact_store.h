// Students at rest: one folder per finished job, complete or absent.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/jobs/side_file.h"
#include "limbeck/v1/artifact.pb.h"

namespace limbeck::gateway {

struct ArtifactStoreOptions {
  std::filesystem::path directory;
  // Of all files of a student together.
  uint64_t max_bytes = uint64_t{16} << 30;
  size_t max_files = 64;
};

// Thread-safe; an Intake belongs to one thread.
class ArtifactStore {
 public:
  // Removes what interrupted deliveries left behind.
  static absl::StatusOr<std::unique_ptr<ArtifactStore>> Open(const ArtifactStoreOptions& options);

  // A student that arrives in pieces. Nothing is visible before Finish.
  class Intake {
   public:
    ~Intake();
    // Takes the next piece. INVALID_ARGUMENT for a name with folders, a gap, a wrong hash;
    // RESOURCE_EXHAUSTED past a limit or on a full disk.
    absl::Status Add(const v1::ArtifactChunk& chunk);
    // Whether a file of that name came whole.
    bool HasFile(const std::string& name) const;
    // Makes the student visible and durable, replacing an earlier one of the job.
    // FAILED_PRECONDITION while a file is incomplete.
    absl::Status Finish();

   private:
    friend class ArtifactStore;
    Intake(ArtifactStoreOptions options, std::filesystem::path side, std::filesystem::path target)
        : options_(std::move(options)), side_(std::move(side)), target_(std::move(target)) {}

    const ArtifactStoreOptions options_;
    const std::filesystem::path side_;
    const std::filesystem::path target_;
    std::unique_ptr<SideFile> open_;
    std::vector<std::string> finished_;
    uint64_t bytes_ = 0;
  };

  absl::StatusOr<std::unique_ptr<Intake>> Begin(const std::string& job_id);

  bool Has(const std::string& job_id) const;
  // Calls `take` with the student's files in pieces, by name. NOT_FOUND without one; an error of
  // `take` ends the reading and is returned.
  absl::Status Read(const std::string& job_id,
                    const std::function<absl::Status(const v1::ArtifactChunk&)>& take) const;

 private:
  explicit ArtifactStore(ArtifactStoreOptions options) : options_(std::move(options)) {}
  const ArtifactStoreOptions options_;
};

}  // namespace limbeck::gateway
