// Batches: many queries handed to a provider in one file, answered within a day at a lower price.
// What differs between providers stands here; what becomes of a batch is gateway/batches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/http/transport.h"

namespace limbeck::gateway {

struct TeacherConfig;
struct TeacherQuery;

// Of the lines of a batch, as the provider counts them.
struct BatchCounts {
  uint64_t total = 0;
  uint64_t completed = 0;
  uint64_t failed = 0;
};

// What is wrong with a batch or with one of its lines.
struct BatchFault {
  std::string code;
  std::string message;
  uint64_t line = 0;  // From 1; 0 where it is about the whole.
};

struct BatchStatus {
  enum class Phase {
    kUnderWay,
    kCompleted,
    kExpired,    // Its time ran out: what was answered by then is there.
    kCancelled,  // The same, on request.
    kFailed      // Refused as a whole: no line was asked.
  };
  std::string id;   // The provider's; safe within a URL.
  std::string tag;  // Ours, as it was created with; empty where it has none.
  absl::Time created;
  Phase phase = Phase::kUnderWay;
  std::string raw;  // The provider's word for the phase.
  std::optional<BatchCounts> counts;
  std::vector<std::string> results;  // Files that hold lines; safe within a URL.
  std::vector<BatchFault> faults;
};

// Newest first. Of a batch that cannot be read, perhaps a stranger's, only the tag is there.
struct BatchPage {
  std::vector<BatchStatus> batches;
  std::string after;  // What the next page begins after; empty on the last.
};

// One line of a result file.
struct BatchAnswer {
  std::string custom_id;
  // The answer, as a call of its own would have had it, or why the line was not asked.
  std::variant<http::Response, BatchFault> result;
};

// How one provider shape speaks of batches. Stateless; const methods are thread-safe. Requests
// carry the key and the teacher's connect and idle timeouts; those that read take answers with
// status 200 and give INVALID_ARGUMENT for what cannot be read: the writer is not trusted.
class BatchApi {
 public:
  virtual ~BatchApi() = default;

  // One line of the file, with its newline: `query` under a name. INVALID_ARGUMENT as in
  // Provider::BuildRequest.
  virtual absl::StatusOr<std::string> Line(const TeacherConfig& config, const TeacherQuery& query,
                                           std::string_view custom_id) const = 0;

  // Stores the file `lines` under `name`; the answer names it.
  virtual http::Request UploadRequest(const TeacherConfig& config, std::string_view name,
                                      std::string_view lines) const = 0;
  virtual absl::StatusOr<std::string> ReadUpload(std::string_view body) const = 0;

  // Starts the batch of a stored file. `tag` is found again by ListRequest.
  virtual http::Request CreateRequest(const TeacherConfig& config, std::string_view input_file,
                                      std::string_view tag) const = 0;
  virtual http::Request StatusRequest(const TeacherConfig& config, std::string_view id) const = 0;
  virtual http::Request CancelRequest(const TeacherConfig& config, std::string_view id) const = 0;
  // The answer of each of the three above.
  virtual absl::StatusOr<BatchStatus> ReadBatch(std::string_view body) const = 0;

  // The account's batches, newest first; `after` is empty for the first page.
  virtual http::Request ListRequest(const TeacherConfig& config, std::string_view after) const = 0;
  virtual absl::StatusOr<BatchPage> ReadPage(std::string_view body) const = 0;

  // Gives one of BatchStatus::results: lines for ReadAnswer, in any order.
  virtual http::Request ResultRequest(const TeacherConfig& config, std::string_view file) const = 0;
  virtual absl::StatusOr<BatchAnswer> ReadAnswer(std::string_view line) const = 0;

  // Whether a failed batch only found no room: the account has too many tokens waiting.
  virtual bool HadNoRoom(const BatchStatus& status) const = 0;
  // Whether the provider says of a line without an answer that it was not asked, and so not billed.
  virtual bool WasNotAsked(const BatchFault& fault) const = 0;
};

}  // namespace limbeck::gateway
