#include "gateway/teachers/gemini/parse_content.h"

#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/gemini/gemini_error.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/json_stream.h"
#include "gateway/teachers/openai/token_rules.h"
#include "gateway/teachers/token_entry.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

struct Answer {
  size_t wanted_candidate = 0;
  cache::SoftOutput output;
  bool has_candidate = false;
  std::string block_reason;
};

TokenEntry ReadEntry(const json& object) {
  TokenEntry entry;
  entry.shown = TextField(object, "token");
  const json& id = Child(object, "tokenId");
  if (id.is_number_unsigned() && id.get<uint64_t>() <= std::numeric_limits<uint32_t>::max()) {
    entry.id = id.get<uint32_t>();
  }
  const std::optional<double> logprob = NumberField(object, "logProbability");
  if (logprob.has_value()) entry.logprob = CleanLogprob(*logprob);
  SettleIdentity(&entry);
  return entry;
}

// chosenCandidates[i] belongs to topCandidates[i], within one chunk.
void AddLogprobs(const json& result, cache::SoftOutput* output) {
  const json& chosen = Child(result, "chosenCandidates");
  const json& top = Child(result, "topCandidates");
  if (!chosen.is_array()) return;
  for (size_t i = 0; i < chosen.size(); ++i) {
    std::vector<TokenEntry> alternatives;
    if (top.is_array() && i < top.size()) {
      const json& list = Child(top[i], "candidates");
      if (list.is_array()) {
        for (const json& element : list) alternatives.push_back(ReadEntry(element));
      }
    }
    output->tokens.push_back(MakeToken(ReadEntry(chosen[i]), std::move(alternatives)));
  }
}

void AddCandidate(const json& candidate, Answer* answer) {
  answer->has_candidate = true;
  const json& parts = Child(Child(candidate, "content"), "parts");
  if (parts.is_array()) {
    for (const json& part : parts) {
      if (FlagField(part, "thought")) continue;
      answer->output.text += TextField(part, "text");
    }
  }
  const std::string finish = TextField(candidate, "finishReason");
  if (!finish.empty()) answer->output.raw_finish_reason = finish;
  AddLogprobs(Child(candidate, "logprobsResult"), &answer->output);
}

// Counts of a stream grow: the last ones are the answer's.
void ReadUsage(const json& usage, cache::Usage* out) {
  if (!usage.is_object()) return;
  out->input_tokens =
      CountField(usage, "promptTokenCount") + CountField(usage, "toolUsePromptTokenCount");
  out->cached_input_tokens = CountField(usage, "cachedContentTokenCount");
  out->reasoning_tokens = CountField(usage, "thoughtsTokenCount");
  // candidatesTokenCount leaves thoughts out, and they are billed.
  out->output_tokens = CountField(usage, "candidatesTokenCount") + out->reasoning_tokens;
}

void AddChunk(const json& chunk, Answer* answer) {
  const json& candidates = Child(chunk, "candidates");
  const size_t place = answer->wanted_candidate;
  if (candidates.is_array() && place < candidates.size() && candidates[place].is_object()) {
    AddCandidate(candidates[place], answer);
  }
  const std::string block = TextField(Child(chunk, "promptFeedback"), "blockReason");
  if (!block.empty()) answer->block_reason = block;
  ReadUsage(Child(chunk, "usageMetadata"), &answer->output.usage);
  const std::string model = TextField(chunk, "modelVersion");
  if (!model.empty()) answer->output.provenance.model = model;
  const std::string id = TextField(chunk, "responseId");
  if (!id.empty()) answer->output.provenance.request_id = id;
}

cache::FinishReason FinishOf(std::string_view raw) {
  if (raw == "STOP") return cache::FinishReason::kStop;
  if (raw == "MAX_TOKENS") return cache::FinishReason::kLength;
  for (const std::string_view blocked :
       {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "OTHER"}) {
    if (raw == blocked) return cache::FinishReason::kFilter;
  }
  return cache::FinishReason::kUnknown;
}

ParseResult Finish(const std::string& teacher, const http::Response& response, Answer answer) {
  cache::SoftOutput& output = answer.output;
  if (!answer.has_candidate) {
    if (answer.block_reason.empty()) {
      Failure failure = Garbled(response, "NO_CANDIDATE", "the answer has no candidates");
      failure.usage = output.usage;
      return failure;
    }
    output.raw_finish_reason = answer.block_reason;
    output.finish_reason = cache::FinishReason::kFilter;
    return std::move(output);
  }
  output.finish_reason = FinishOf(output.raw_finish_reason);
  SettleTokens(teacher, &output);
  return std::move(output);
}

// A stream without alt=sse, and some errors, are one array of chunks.
void Unfold(JsonEvents* chunks) {
  if (chunks->streamed || !chunks->list[0].is_array()) return;
  chunks->list = chunks->list[0].get<std::vector<json>>();
  chunks->streamed = true;
}

}  // namespace

ParseResult ParseContent(const std::string& teacher, const http::Response& response, absl::Time now,
                         size_t candidate) {
  absl::StatusOr<JsonEvents> chunks = ReadJsonEvents(response.body);
  if (!chunks.ok()) return StreamTooLarge(response, chunks.status());
  Unfold(&*chunks);
  Answer answer;
  answer.wanted_candidate = candidate;
  for (const json& chunk : chunks->list) {
    if (!chunk.is_object()) {
      return Garbled(response, "BAD_JSON", "the answer is not a JSON object");
    }
    if (chunk.contains("error") && !chunk["error"].is_null()) {
      return ClassifyGeminiError(response, chunk.dump(), now);
    }
    AddChunk(chunk, &answer);
  }
  // The stream's own end is the connection's; only a finish reason tells that it is whole.
  const bool unfinished = answer.has_candidate && answer.output.raw_finish_reason.empty();
  if (chunks->cut || (chunks->streamed && unfinished)) return StreamCut(response);
  return Finish(teacher, response, std::move(answer));
}

}  // namespace limbeck::gateway
