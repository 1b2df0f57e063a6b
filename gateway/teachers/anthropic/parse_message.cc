#include "gateway/teachers/anthropic/parse_message.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/json_stream.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

cache::FinishReason FinishOf(std::string_view raw) {
  if (raw == "end_turn" || raw == "stop_sequence") return cache::FinishReason::kStop;
  if (raw == "max_tokens" || raw == "model_context_window_exceeded") {
    return cache::FinishReason::kLength;
  }
  if (raw == "refusal") return cache::FinishReason::kRefusal;
  return cache::FinishReason::kUnknown;
}

cache::Usage UsageOf(const json& usage) {
  cache::Usage made;
  made.cached_input_tokens = CountField(usage, "cache_read_input_tokens");
  made.input_tokens = CountField(usage, "input_tokens") + made.cached_input_tokens +
                      CountField(usage, "cache_creation_input_tokens");
  made.output_tokens = CountField(usage, "output_tokens");
  return made;
}

ParseResult ReadMessage(const http::Response& response, const json& message) {
  cache::SoftOutput output;
  output.usage = UsageOf(Child(message, "usage"));
  const json& content = Child(message, "content");
  const json& details = Child(message, "stop_details");
  const bool competition = IsCompetition(TextField(details, "category"));
  if (!content.is_array() || competition) {
    Failure failure = competition ? CompetitionNotice(response, TextField(details, "explanation"))
                                  : Garbled(response, "NO_CONTENT", "the answer has no content");
    failure.usage = output.usage;
    return failure;
  }
  for (const json& part : content) {
    if (TextField(part, "type") == "text") output.text += TextField(part, "text");
  }
  output.raw_finish_reason = TextField(message, "stop_reason");
  output.finish_reason = FinishOf(output.raw_finish_reason);
  output.provenance.model = TextField(message, "model");
  return output;
}

// The message that a stream tells piece by piece.
class StreamedMessage {
 public:
  void Add(const json& event) {
    const std::string type = TextField(event, "type");
    if (type == "message_start") {
      const json& start = Child(event, "message");
      if (!start.is_object()) return;
      message_["model"] = TextField(start, "model");
      Update(Child(start, "usage"));
    } else if (type == "content_block_start") {
      AddText(Child(event, "content_block"), "text");
    } else if (type == "content_block_delta") {
      AddText(Child(event, "delta"), "text_delta");
    } else if (type == "message_delta") {
      const json& delta = Child(event, "delta");
      for (const char* field : {"stop_reason", "stop_details"}) {
        if (!Child(delta, field).is_null()) message_[field] = Child(delta, field);
      }
      Update(Child(event, "usage"));
    } else if (type == "message_stop") {
      stopped_ = true;
    }
  }

  bool stopped() const { return stopped_; }

  json Take() {
    message_["content"] = json::array({{{"type", "text"}, {"text", std::move(text_)}}});
    return std::move(message_);
  }

 private:
  void AddText(const json& part, std::string_view type) {
    if (TextField(part, "type") == type) text_ += TextField(part, "text");
  }

  // Counts are those of the whole message so far.
  void Update(const json& usage) {
    if (!usage.is_object()) return;
    for (const auto& [name, count] : usage.items()) {
      if (!count.is_null()) message_["usage"][name] = count;
    }
  }

  json message_ = json::object();
  std::string text_;
  bool stopped_ = false;
};

ParseResult ReadStream(const http::Response& response, const JsonEvents& events, absl::Time now) {
  StreamedMessage message;
  for (const json& event : events.list) {
    if (!event.is_object()) return Garbled(response, "BAD_JSON", "an event is not a JSON object");
    if (TextField(event, "type") == "error" || !Child(event, "error").is_null()) {
      return ClassifyError(response, ParseErrorBody(event.dump()), now);
    }
    message.Add(event);
  }
  // What follows message_stop, if anything, says nothing more.
  if (!message.stopped()) return StreamCut(response);
  return ReadMessage(response, message.Take());
}

}  // namespace

ParseResult ParseMessage(const http::Response& response, absl::Time now) {
  const absl::StatusOr<JsonEvents> events = ReadJsonEvents(response.body);
  if (!events.ok()) return StreamTooLarge(response, events.status());
  if (events->streamed) return ReadStream(response, *events, now);
  const json& message = events->list[0];
  if (!message.is_object()) {
    const ErrorBody inside = ParseErrorBody(response.body);
    if (inside.present) return ClassifyError(response, inside, now);
    return Garbled(response, "BAD_JSON", "the answer is not a JSON object");
  }
  if (!Child(message, "error").is_null()) {
    return ClassifyError(response, ParseErrorBody(response.body), now);
  }
  return ReadMessage(response, message);
}

}  // namespace limbeck::gateway
