#include "gateway/teachers/openai/openai_batches.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/string_view.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/openai/json_fields.h"
#include "gateway/teachers/openai/openai_provider.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;
namespace ondemand = simdjson::ondemand;

constexpr std::string_view kEndpoint = "/v1/chat/completions";
constexpr std::string_view kTagField = "limbeck_batch";
constexpr int kPageSize = 100;
constexpr size_t kMaxIdBytes = 200;
constexpr size_t kMaxMessageBytes = 300;
constexpr size_t kMaxFaults = 50'000;
// Of answers about files and batches; a failed batch may list a fault for each line.
constexpr size_t kMaxResponseBytes = 32u << 20;

http::Request NewBatchRequest(const TeacherConfig& config, std::string method, std::string path) {
  http::Request request;
  request.method = std::move(method);
  request.url = config.base_url + path;
  request.connect_timeout = config.timeouts.connect;
  request.total_timeout = config.timeouts.total;
  request.idle_timeout = config.timeouts.idle;
  request.max_response_bytes = kMaxResponseBytes;
  AddBearer(config.api_key, &request);
  return request;
}

// Ids become part of URLs: what could change one is refused.
bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && id != "." && id != ".." &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.';
         });
}

absl::StatusOr<std::string> IdField(const json& object, const char* key) {
  std::string id = TextField(object, key);
  if (!IsId(id)) {
    return absl::InvalidArgumentError(absl::StrCat("the answer has no usable \"", key, "\""));
  }
  return id;
}

BatchStatus::Phase PhaseOf(std::string_view status) {
  if (status == "completed") return BatchStatus::Phase::kCompleted;
  if (status == "expired") return BatchStatus::Phase::kExpired;
  if (status == "cancelled") return BatchStatus::Phase::kCancelled;
  if (status == "failed") return BatchStatus::Phase::kFailed;
  // validating, in_progress, finalizing, cancelling, and what may be added.
  return BatchStatus::Phase::kUnderWay;
}

std::string TagOf(const json& object) {
  return TextField(Child(object, "metadata"), kTagField.data());
}

absl::StatusOr<BatchStatus> ReadObject(const json& object) {
  BatchStatus status;
  LIMBECK_ASSIGN_OR_RETURN(status.id, IdField(object, "id"));
  status.raw = TextField(object, "status");
  if (status.raw.empty()) return absl::InvalidArgumentError("the batch has no \"status\"");
  status.phase = PhaseOf(status.raw);
  status.created = absl::FromUnixSeconds(static_cast<int64_t>(CountField(object, "created_at")));
  status.tag = TagOf(object);
  const json& counts = Child(object, "request_counts");
  if (counts.is_object()) {
    status.counts = {CountField(counts, "total"), CountField(counts, "completed"),
                     CountField(counts, "failed")};
  }
  for (const char* key : {"output_file_id", "error_file_id"}) {
    if (Child(object, key).is_null()) continue;
    LIMBECK_ASSIGN_OR_RETURN(std::string file, IdField(object, key));
    status.results.push_back(std::move(file));
  }
  const json& faults = Child(Child(object, "errors"), "data");
  if (!faults.is_array()) return status;
  for (const json& fault : faults) {
    if (status.faults.size() == kMaxFaults) break;
    status.faults.push_back({TextField(fault, "code"),
                             TextField(fault, "message").substr(0, kMaxMessageBytes),
                             CountField(fault, "line")});
  }
  return status;
}

absl::StatusOr<json> Parse(std::string_view body) {
  json parsed = ParseAnswerJson(body);
  if (!parsed.is_object()) return absl::InvalidArgumentError("the answer is no JSON object");
  return parsed;
}

// The members of a result line's "response".
simdjson::error_code ReadResponse(ondemand::value value, http::Response* response) {
  return ForEachField(value, [&](std::string_view key, ondemand::value member) {
    if (key == "status_code") {
      uint64_t code = 0;
      const simdjson::error_code error = ReadCount(member, &code);
      response->status_code = static_cast<int>(std::min<uint64_t>(code, 999));
      return error;
    }
    if (key == "request_id") {
      response->headers.push_back({"x-request-id", ""});
      return AppendText(member, &response->headers.back().value);
    }
    if (key != "body" || !HasType(member, ondemand::json_type::object)) return simdjson::SUCCESS;
    // As it stands, so that the parser of calls reads the same bytes.
    std::string_view raw;
    const simdjson::error_code error = simdjson::to_json_string(member).get(raw);
    response->body = std::string(raw);
    return error;
  });
}

simdjson::error_code ReadFault(ondemand::value value, BatchFault* fault) {
  return ForEachField(value, [&](std::string_view key, ondemand::value member) {
    if (key == "code") return AppendText(member, &fault->code);
    if (key == "message") return AppendText(member, &fault->message);
    return simdjson::SUCCESS;
  });
}

}  // namespace

absl::StatusOr<std::string> OpenAiBatches::Line(const TeacherConfig& config,
                                                const TeacherQuery& query,
                                                std::string_view custom_id) const {
  TeacherConfig whole = config;
  whole.stream = false;
  LIMBECK_ASSIGN_OR_RETURN(const http::Request call, OpenAiProvider().BuildRequest(whole, query));
  return absl::StrCat(R"({"custom_id":")", ToAbsl(custom_id), R"(","method":"POST","url":")",
                      ToAbsl(kEndpoint), R"(","body":)", call.body, "}\n");
}

http::Request OpenAiBatches::UploadRequest(const TeacherConfig& config, std::string_view name,
                                           std::string_view lines) const {
  http::Request request = NewBatchRequest(config, "POST", "/files");
  // The name is random, so that no line can hold the boundary by chance or intent.
  const std::string boundary = absl::StrCat("limbeck-", ToAbsl(name));
  request.headers.push_back({"Content-Type", "multipart/form-data; boundary=" + boundary});
  request.body = absl::StrCat(
      "--", boundary, "\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--",
      boundary, "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"", ToAbsl(name),
      ".jsonl\"\r\nContent-Type: application/jsonl\r\n\r\n", ToAbsl(lines), "\r\n--", boundary,
      "--\r\n");
  return request;
}

absl::StatusOr<std::string> OpenAiBatches::ReadUpload(std::string_view body) const {
  LIMBECK_ASSIGN_OR_RETURN(const json parsed, Parse(body));
  return IdField(parsed, "id");
}

http::Request OpenAiBatches::CreateRequest(const TeacherConfig& config, std::string_view input_file,
                                           std::string_view tag) const {
  http::Request request = NewBatchRequest(config, "POST", "/batches");
  request.headers.push_back({"Content-Type", "application/json"});
  request.headers.push_back({"Idempotency-Key", std::string(tag)});
  request.body = json({{"input_file_id", input_file},
                       {"endpoint", kEndpoint},
                       {"completion_window", "24h"},
                       {"metadata", {{kTagField, tag}}}})
                     .dump();
  return request;
}

http::Request OpenAiBatches::StatusRequest(const TeacherConfig& config, std::string_view id) const {
  return NewBatchRequest(config, "GET", absl::StrCat("/batches/", ToAbsl(id)));
}

http::Request OpenAiBatches::CancelRequest(const TeacherConfig& config, std::string_view id) const {
  return NewBatchRequest(config, "POST", absl::StrCat("/batches/", ToAbsl(id), "/cancel"));
}

absl::StatusOr<BatchStatus> OpenAiBatches::ReadBatch(std::string_view body) const {
  LIMBECK_ASSIGN_OR_RETURN(const json parsed, Parse(body));
  return ReadObject(parsed);
}

http::Request OpenAiBatches::ListRequest(const TeacherConfig& config,
                                         std::string_view after) const {
  std::string path = absl::StrCat("/batches?limit=", kPageSize);
  if (!after.empty()) absl::StrAppend(&path, "&after=", ToAbsl(after));
  return NewBatchRequest(config, "GET", std::move(path));
}

absl::StatusOr<BatchPage> OpenAiBatches::ReadPage(std::string_view body) const {
  LIMBECK_ASSIGN_OR_RETURN(const json parsed, Parse(body));
  const json& data = Child(parsed, "data");
  if (!data.is_array()) return absl::InvalidArgumentError("the answer has no list \"data\"");
  BatchPage page;
  for (const json& object : data) {
    auto batch = ReadObject(object);
    page.batches.push_back(batch.ok() ? *std::move(batch) : BatchStatus{.tag = TagOf(object)});
  }
  if (!FlagField(parsed, "has_more") || page.batches.empty()) return page;
  page.after = page.batches.back().id;
  if (page.after.empty()) {
    return absl::InvalidArgumentError("the last batch of the page has no usable \"id\"");
  }
  return page;
}

http::Request OpenAiBatches::ResultRequest(const TeacherConfig& config,
                                           std::string_view file) const {
  return NewBatchRequest(config, "GET", absl::StrCat("/files/", ToAbsl(file), "/content"));
}

absl::StatusOr<BatchAnswer> OpenAiBatches::ReadAnswer(std::string_view line) const {
  const simdjson::padded_string padded(line.data(), line.size());
  // One per thread, as each keeps buffers of its longest line.
  static thread_local ondemand::parser parser;
  BatchAnswer answer;
  http::Response response;
  BatchFault fault;
  const auto read = [&]() -> simdjson::error_code {
    ondemand::document document;
    if (auto error = parser.iterate(padded).get(document)) return error;
    ondemand::value root;
    if (auto error = document.get_value().get(root)) return error;
    return ForEachField(root, [&](std::string_view key, ondemand::value member) {
      if (key == "custom_id") return AppendText(member, &answer.custom_id);
      if (key == "response") return ReadResponse(member, &response);
      if (key == "error") return ReadFault(member, &fault);
      return simdjson::SUCCESS;
    });
  };
  if (const simdjson::error_code error = read()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the line is no JSON object: ", simdjson::error_message(error)));
  }
  if (answer.custom_id.empty()) return absl::InvalidArgumentError("the line has no \"custom_id\"");
  if (response.status_code != 0) {
    answer.result = std::move(response);
    return answer;
  }
  if (fault.code.empty() && fault.message.empty()) {
    return absl::InvalidArgumentError("the line has neither an answer nor an error");
  }
  fault.message.resize(std::min(fault.message.size(), kMaxMessageBytes));
  answer.result = std::move(fault);
  return answer;
}

bool OpenAiBatches::HadNoRoom(const BatchStatus& status) const {
  return std::any_of(status.faults.begin(), status.faults.end(), [](const BatchFault& fault) {
    return fault.code == "token_limit_exceeded" || fault.code == "request_limit_exceeded";
  });
}

bool OpenAiBatches::WasNotAsked(const BatchFault& fault) const {
  return fault.code == "batch_expired" || fault.code == "batch_cancelled";
}

}  // namespace limbeck::gateway
