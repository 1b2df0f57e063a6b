// The fake teacher's batches, in OpenAI's shape: files, batches, results. In memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "tests/support/loopback_server.h"

namespace limbeck::testing {

// How batches go; "batch" of a script.
struct BatchScript {
  // Looks at a batch before it has ended. Negative: it never ends by itself.
  int polls = 1;
  // How the first `times` batches end: completed, expired, failed or no_room. Later ones complete.
  std::string end = "completed";
  int times = 1;
  // Lines of which an expired or cancelled batch has no answer, and then lines of which a batch
  // that ended as scripted has no result at all, counted from the file's first.
  size_t unanswered = 0;
  size_t missing = 0;
  // Results also hold a line twice, one that nobody asked and one that is no JSON.
  bool messy = false;
  // Creations that are carried out and whose answer is lost.
  int lost_creations = 0;
  // Downloads that break in the middle.
  int broken_downloads = 0;
  // Step at whose first time nothing is answered, though it is carried out: upload, create, look or
  // download. Said on standard error, for tests that wait for the moment.
  std::string hang_at;

  friend bool operator==(const BatchScript&, const BatchScript&) = default;
};

// INVALID_ARGUMENT names the unknown key.
absl::Status ReadBatchScript(const nlohmann::json& from, BatchScript* script);

// One thread.
class FakeBatches {
 public:
  // Answers the body of one line as a call of its own; called once per line, when its batch ends.
  using AnswerLine = std::function<HttpReply(const std::string& body)>;

  FakeBatches(BatchScript script, AnswerLine answer)
      : script_(std::move(script)), answer_(std::move(answer)) {}

  // nullopt where the path is none of theirs.
  std::optional<HttpReply> Handle(const HttpRequest& request);
  // Batches that were created and not refused.
  size_t created() const { return created_; }

 private:
  struct Batch {
    std::string status = "validating";
    std::string input_file;
    nlohmann::json metadata;
    nlohmann::json errors;
    int polls = 0;
    size_t lines = 0;
    size_t completed = 0;
    std::string output;
    std::string failures;
  };

  HttpReply MaybeHang(const char* step, HttpReply reply);
  HttpReply Upload(const HttpRequest& request);
  HttpReply Create(const HttpRequest& request);
  HttpReply List() const;
  HttpReply Look(const std::string& id);
  HttpReply Cancel(const std::string& id);
  HttpReply Content(std::string_view file);
  void End(Batch* batch, const std::string& how);
  void AnswerLines(Batch* batch, const std::string& how);
  nlohmann::json Show(const std::string& id, const Batch& batch) const;

  BatchScript script_;
  const AnswerLine answer_;
  std::map<std::string, std::string> files_;
  std::map<std::string, Batch> batches_;
  size_t created_ = 0;
};

}  // namespace limbeck::testing
