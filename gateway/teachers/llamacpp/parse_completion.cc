#include "gateway/teachers/llamacpp/parse_completion.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/json_stream.h"
#include "gateway/teachers/token_entry.h"
#include "gateway/teachers/token_json.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

cache::FinishReason FinishOf(std::string_view raw) {
  if (raw == "eos" || raw == "word") return cache::FinishReason::kStop;
  if (raw == "limit") return cache::FinishReason::kLength;
  return cache::FinishReason::kUnknown;
}

// Only the last event of a stream, or the whole of an answer that is none, says "stop": true.
void AddEnd(const json& event, cache::SoftOutput* output) {
  output->raw_finish_reason = TextField(event, "stop_type");
  output->finish_reason = FinishOf(output->raw_finish_reason);
  output->usage.input_tokens = CountField(event, "tokens_evaluated");
  output->usage.output_tokens = CountField(event, "tokens_predicted");
  output->provenance.model = TextField(event, "model");
}

Failure PostSampling(const http::Response& response) {
  Failure failure = Garbled(response, "POST_SAMPLING_PROBS",
                            "the server gives probabilities after sampling, which are not the "
                            "model's; start it without that default");
  failure.cls = FailureClass::kStopTeacher;
  return failure;
}

}  // namespace

ParseResult ParseCompletion(const std::string& teacher, const http::Response& response,
                            absl::Time now) {
  const absl::StatusOr<JsonEvents> events = ReadJsonEvents(response.body);
  if (!events.ok()) return StreamTooLarge(response, events.status());
  cache::SoftOutput output;
  bool ended = false;
  for (const json& event : events->list) {
    if (!event.is_object()) {
      return Garbled(response, "BAD_JSON", "the answer is not a JSON object");
    }
    if (!Child(event, "error").is_null()) {
      return ClassifyError(response, ParseErrorBody(event.dump()), now);
    }
    const json& text = Child(event, "content");
    if (!text.is_string()) return Garbled(response, "NO_CONTENT", "the answer has no content");
    output.text += text.get<std::string>();
    const json& probabilities = Child(event, "completion_probabilities");
    if (HasPostSamplingProbs(probabilities)) return PostSampling(response);
    AppendTokens(probabilities, &output.tokens);
    if (!FlagField(event, "stop")) continue;
    AddEnd(event, &output);
    ended = true;
  }
  if (events->cut || !ended) return StreamCut(response);
  SettleTokens(teacher, &output);
  return output;
}

}  // namespace limbeck::gateway
