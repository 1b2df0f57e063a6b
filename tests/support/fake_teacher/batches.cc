#include "tests/support/fake_teacher/batches.h"

#include <iostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/string_view.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

constexpr char kFileMark[] = "\r\n\r\n{";

HttpReply Reply(int status, const json& body) {
  HttpReply reply;
  reply.status = status;
  reply.headers = {{"Content-Type", "application/json"}};
  reply.body = body.dump();
  return reply;
}

HttpReply NotFound() {
  return Reply(404, {{"error", {{"type", "not_found_error"}, {"message", "no such object"}}}});
}

std::string ErrorLine(const std::string& id, const std::string& code) {
  return json({{"custom_id", id},
               {"response", nullptr},
               {"error", {{"code", code}, {"message", "scripted"}}}})
             .dump() +
         "\n";
}

}  // namespace

absl::Status ReadBatchScript(const json& from, BatchScript* script) {
  for (const auto& [key, value] : from.items()) {
    if (key == "polls") {
      script->polls = value.get<int>();
    } else if (key == "end") {
      script->end = value.get<std::string>();
    } else if (key == "times") {
      script->times = value.get<int>();
    } else if (key == "unanswered") {
      script->unanswered = value.get<size_t>();
    } else if (key == "missing") {
      script->missing = value.get<size_t>();
    } else if (key == "messy") {
      script->messy = value.get<bool>();
    } else if (key == "lost_creations") {
      script->lost_creations = value.get<int>();
    } else if (key == "hang_at") {
      script->hang_at = value.get<std::string>();
    } else if (key == "broken_downloads") {
      script->broken_downloads = value.get<int>();
    } else {
      return absl::InvalidArgumentError(absl::StrCat("unknown key in batch: ", key));
    }
  }
  return absl::OkStatus();
}

std::optional<HttpReply> FakeBatches::Handle(const HttpRequest& request) {
  absl::string_view path = request.target;
  const bool post = request.method == "POST";
  if (path == "/v1/files" && post) return MaybeHang("upload", Upload(request));
  if (absl::ConsumePrefix(&path, "/v1/files/")) {
    if (!absl::ConsumeSuffix(&path, "/content")) return NotFound();
    return MaybeHang("download", Content(ToStd(path)));
  }
  if (path == "/v1/batches" && post) return MaybeHang("create", Create(request));
  if (absl::StartsWith(path, "/v1/batches?")) return List();
  if (!absl::ConsumePrefix(&path, "/v1/batches/")) return std::nullopt;
  if (absl::ConsumeSuffix(&path, "/cancel")) return Cancel(std::string(path));
  return MaybeHang("look", Look(std::string(path)));
}

HttpReply FakeBatches::MaybeHang(const char* step, HttpReply reply) {
  if (script_.hang_at != step) return reply;
  script_.hang_at.clear();
  std::cerr << "hanging at " << step << std::endl;
  reply.ending = Ending::kHang;
  return reply;
}

HttpReply FakeBatches::Upload(const HttpRequest& request) {
  const size_t begin = request.body.find(kFileMark);
  const size_t end = request.body.rfind("\r\n--", request.body.size() - 4);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    return Reply(400, {{"error", {{"type", "invalid_request_error"}, {"message", "no file"}}}});
  }
  const std::string id = absl::StrCat("file-in", files_.size());
  const size_t first = begin + sizeof(kFileMark) - 2;
  files_[id] = request.body.substr(first, end - first);
  return Reply(200, {{"id", id}, {"object", "file"}, {"purpose", "batch"}});
}

HttpReply FakeBatches::Create(const HttpRequest& request) {
  const json asked = json::parse(request.body, nullptr, false);
  const std::string file = asked.is_object() ? asked.value("input_file_id", "") : "";
  if (!files_.contains(file)) return NotFound();
  const std::string id = absl::StrCat("batch_", batches_.size());
  Batch& batch = batches_[id];
  batch.input_file = file;
  batch.metadata = asked.value("metadata", json());
  ++created_;
  HttpReply reply = Reply(200, Show(id, batch));
  if (script_.lost_creations > 0) {
    --script_.lost_creations;
    reply.ending = Ending::kResetBefore;
  }
  return reply;
}

HttpReply FakeBatches::List() const {
  json data = json::array();
  for (const auto& [id, batch] : batches_) data.push_back(Show(id, batch));
  return Reply(200, {{"object", "list"}, {"data", data}, {"has_more", false}});
}

HttpReply FakeBatches::Look(const std::string& id) {
  const auto found = batches_.find(id);
  if (found == batches_.end()) return NotFound();
  Batch& batch = found->second;
  const bool open = batch.status == "validating" || batch.status == "in_progress";
  if (open && script_.polls >= 0 && ++batch.polls > script_.polls) {
    End(&batch, script_.times-- > 0 ? script_.end : "completed");
  } else if (open) {
    batch.status = "in_progress";
  } else if (batch.status == "cancelling") {
    End(&batch, "cancelled");
  }
  return Reply(200, Show(id, batch));
}

HttpReply FakeBatches::Cancel(const std::string& id) {
  const auto found = batches_.find(id);
  if (found == batches_.end()) return NotFound();
  if (found->second.status != "in_progress" && found->second.status != "validating") {
    return Reply(409, {{"error", {{"type", "invalid_request_error"}, {"message", "ended"}}}});
  }
  found->second.status = "cancelling";
  return Reply(200, Show(id, found->second));
}

void FakeBatches::End(Batch* batch, const std::string& how) {
  if (how == "failed" || how == "no_room") {
    batch->status = "failed";
    --created_;
    batch->errors = {{"data",
                      {{{"code", how == "failed" ? "invalid_request" : "token_limit_exceeded"},
                        {"message", "scripted"}}}}};
    return;
  }
  batch->status = how;
  AnswerLines(batch, how);
}

void FakeBatches::AnswerLines(Batch* batch, const std::string& how) {
  const std::vector<std::string> lines =
      absl::StrSplit(files_[batch->input_file], '\n', absl::SkipEmpty());
  batch->lines = lines.size();
  const size_t unanswered = how == "completed" ? 0 : script_.unanswered;
  const size_t missing = how == script_.end ? script_.missing : 0;
  for (size_t i = 0; i < lines.size(); ++i) {
    const json line = json::parse(lines[i]);
    const std::string id = line.at("custom_id").get<std::string>();
    if (i < unanswered) {
      batch->failures += ErrorLine(id, how == "expired" ? "batch_expired" : "batch_cancelled");
      continue;
    }
    if (i < unanswered + missing) continue;
    // The body as it stands, so that it counts as the same request as a call.
    const size_t begin = lines[i].find(R"("body":)") + 7;
    const HttpReply answer = answer_(lines[i].substr(begin, lines[i].size() - begin - 1));
    const std::string result = absl::StrCat(
        R"({"id":"batch_req_)", i, R"(","custom_id":")", id, R"(","response":{"status_code":)",
        answer.status, R"(,"request_id":"req_)", i, R"(","body":)",
        answer.body.empty() ? "null" : answer.body, R"(},"error":null})", "\n");
    batch->completed += answer.status == 200;
    // Never in the order of the file.
    (answer.status == 200 ? batch->output : batch->failures).insert(0, result);
    if (script_.messy && i == 0) batch->output += result;
  }
  if (!script_.messy) return;
  batch->output += "{\"custom_id\":\"nobody\",\"response\":{\"status_code\":200,\"body\":{}}}\n";
  batch->output += "this is no JSON\n";
}

HttpReply FakeBatches::Content(std::string_view file) {
  for (const auto& [id, batch] : batches_) {
    const bool output = file == "out-" + id;
    if (!output && file != "err-" + id) continue;
    HttpReply reply;
    reply.body = output ? batch.output : batch.failures;
    if (script_.broken_downloads > 0) {
      --script_.broken_downloads;
      reply.ending = Ending::kResetMid;
    }
    return reply;
  }
  return NotFound();
}

json FakeBatches::Show(const std::string& id, const Batch& batch) const {
  const auto file = [&](const char* prefix, const std::string& content) -> json {
    return content.empty() ? json() : json(prefix + id);
  };
  const bool ended = batch.lines > 0;
  return {{"id", id},
          {"object", "batch"},
          {"endpoint", "/v1/chat/completions"},
          {"status", batch.status},
          {"created_at", absl::ToUnixSeconds(absl::Now())},
          {"input_file_id", batch.input_file},
          {"metadata", batch.metadata},
          {"errors", batch.errors},
          {"output_file_id", ended ? file("out-", batch.output) : json()},
          {"error_file_id", ended ? file("err-", batch.failures) : json()},
          {"request_counts",
           {{"total", batch.lines},
            {"completed", batch.completed},
            {"failed", batch.lines - batch.completed}}}};
}

}  // namespace limbeck::testing
