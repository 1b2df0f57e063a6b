#include "gateway/teachers/ollama/parse_chat.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/token_entry.h"
#include "gateway/teachers/token_json.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

cache::FinishReason FinishOf(std::string_view raw) {
  if (raw == "stop") return cache::FinishReason::kStop;
  if (raw == "length") return cache::FinishReason::kLength;
  return cache::FinishReason::kUnknown;
}

void AddLine(const json& line, cache::SoftOutput* output) {
  output->text += TextField(Child(line, "message"), "content");
  AppendTokens(Child(line, "logprobs"), &output->tokens);
  const std::string model = TextField(line, "model");
  if (!model.empty()) output->provenance.model = model;
  if (!FlagField(line, "done")) return;
  output->raw_finish_reason = TextField(line, "done_reason");
  output->usage.input_tokens = CountField(line, "prompt_eval_count");
  output->usage.output_tokens = CountField(line, "eval_count");
}

// The answer's objects in order; what is no JSON is a discarded value.
std::vector<json> Lines(const std::string& body) {
  std::vector<json> lines;
  json whole = ParseAnswerJson(body);
  if (whole.is_object()) {
    lines.push_back(std::move(whole));
    return lines;
  }
  for (const absl::string_view raw : absl::StrSplit(body, '\n')) {
    const absl::string_view text = absl::StripAsciiWhitespace(raw);
    if (!text.empty()) lines.push_back(ParseAnswerJson(ToStd(text)));
  }
  return lines;
}

}  // namespace

ParseResult ParseOllamaChat(const std::string& teacher, const http::Response& response,
                            absl::Time now) {
  const std::vector<json> lines = Lines(response.body);
  if (lines.empty()) return Garbled(response, "EMPTY_BODY", "the answer has no body");
  cache::SoftOutput output;
  for (size_t i = 0; i < lines.size(); ++i) {
    const json& line = lines[i];
    if (!line.is_object()) {
      // The last line of a stream is cut; anything else is no JSON to begin with.
      if (i > 0 && i + 1 == lines.size()) return StreamCut(response);
      return Garbled(response, "BAD_JSON", "the answer is not a JSON object");
    }
    if (!Child(line, "error").is_null()) {
      return ClassifyError(response, ParseErrorBody(line.dump()), now);
    }
    if (!Child(line, "message").is_object()) {
      return Garbled(response, "NO_MESSAGE", "the answer has no message");
    }
    AddLine(line, &output);
  }
  if (!FlagField(lines.back(), "done")) return StreamCut(response);
  output.finish_reason = FinishOf(output.raw_finish_reason);
  SettleTokens(teacher, &output);
  return output;
}

}  // namespace limbeck::gateway
