#include "gateway/teachers/json_stream.h"

#include "base/status.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/sse.h"

namespace limbeck::gateway {

absl::StatusOr<JsonEvents> ReadJsonEvents(const std::string& body) {
  JsonEvents events;
  events.streamed = LooksLikeSse(body);
  if (!events.streamed) {
    events.list.push_back(ParseAnswerJson(body));
    return events;
  }
  LIMBECK_ASSIGN_OR_RETURN(const SseBody stream, ReadSse(body));
  events.cut = stream.cut;
  for (const SseEvent& event : stream.events) {
    events.list.push_back(ParseAnswerJson(event.data));
  }
  return events;
}

}  // namespace limbeck::gateway
