#include "gateway/teachers/openai/parse_answer.h"

#include <simdjson.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/openai/parse_token.h"

namespace limbeck::gateway {
namespace {

using simdjson::error_code;
namespace ondemand = simdjson::ondemand;

struct Answer {
  cache::SoftOutput output;
  bool has_choice = false;
  bool has_error = false;
  bool refused = false;
};

bool IsNull(ondemand::value value) {
  ondemand::json_type type;
  return value.type().get(type) == simdjson::SUCCESS && type == ondemand::json_type::null;
}

// The string, or nothing for null and other types.
error_code ReadText(ondemand::value value, std::string* out) {
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::string) return simdjson::SUCCESS;
  std::string_view text;
  if (error_code error = value.get_string().get(text)) return error;
  *out = std::string(text);
  return simdjson::SUCCESS;
}

error_code ReadCount(ondemand::value value, uint64_t* out) {
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::number) return simdjson::SUCCESS;
  double number = 0;
  if (error_code error = value.get_double().get(number)) return error;
  if (number >= 0 && number < 1e15) *out = static_cast<uint64_t>(number);
  return simdjson::SUCCESS;
}

// Calls `on_field(key, value)` for every member; values of other types than object are skipped.
template <typename OnField>
error_code ForEachField(ondemand::value value, OnField on_field) {
  ondemand::json_type type;
  if (error_code error = value.type().get(type)) return error;
  if (type != ondemand::json_type::object) return simdjson::SUCCESS;
  for (auto field : value.get_object()) {
    std::string_view key;
    if (error_code error = field.unescaped_key().get(key)) return error;
    ondemand::value member;
    if (error_code error = field.value().get(member)) return error;
    if (error_code error = on_field(key, member)) return error;
  }
  return simdjson::SUCCESS;
}

error_code ReadMessage(ondemand::value value, Answer* answer) {
  return ForEachField(value, [answer](std::string_view key, ondemand::value member) {
    if (key == "content") return ReadText(member, &answer->output.text);
    if (key != "refusal") return simdjson::SUCCESS;
    std::string refusal;
    const error_code error = ReadText(member, &refusal);
    answer->refused = answer->refused || !refusal.empty();
    if (!refusal.empty() && answer->output.text.empty()) answer->output.text = refusal;
    return error;
  });
}

error_code ReadLogprobs(ondemand::value value, cache::SoftOutput* output) {
  return ForEachField(value, [output](std::string_view key, ondemand::value member) -> error_code {
    ondemand::json_type type;
    if (error_code error = member.type().get(type)) return error;
    if (key != "content" || type != ondemand::json_type::array) return simdjson::SUCCESS;
    for (auto element : member.get_array()) {
      ondemand::object entry;
      if (error_code error = element.get_object().get(entry)) return error;
      cache::Token token;
      if (error_code error = ParseToken(entry, &token)) return error;
      output->tokens.push_back(std::move(token));
    }
    return simdjson::SUCCESS;
  });
}

error_code ReadChoice(ondemand::value value, Answer* answer) {
  return ForEachField(value, [answer](std::string_view key, ondemand::value member) {
    if (key == "message") return ReadMessage(member, answer);
    if (key == "text") return ReadText(member, &answer->output.text);
    if (key == "logprobs") return ReadLogprobs(member, &answer->output);
    if (key == "finish_reason") return ReadText(member, &answer->output.raw_finish_reason);
    return simdjson::SUCCESS;
  });
}

error_code ReadUsage(ondemand::value value, cache::Usage* usage) {
  return ForEachField(value, [usage](std::string_view key, ondemand::value member) {
    if (key == "prompt_tokens") return ReadCount(member, &usage->input_tokens);
    if (key == "completion_tokens") return ReadCount(member, &usage->output_tokens);
    if (key == "prompt_cache_hit_tokens") return ReadCount(member, &usage->cached_input_tokens);
    if (key != "prompt_tokens_details" && key != "completion_tokens_details") {
      return simdjson::SUCCESS;
    }
    return ForEachField(member, [usage](std::string_view name, ondemand::value count) {
      if (name == "cached_tokens") return ReadCount(count, &usage->cached_input_tokens);
      if (name == "reasoning_tokens") return ReadCount(count, &usage->reasoning_tokens);
      return simdjson::SUCCESS;
    });
  });
}

error_code ReadRoot(ondemand::document& document, Answer* answer) {
  ondemand::object root;
  if (error_code error = document.get_object().get(root)) return error;
  for (auto field : root) {
    std::string_view key;
    if (error_code error = field.unescaped_key().get(key)) return error;
    ondemand::value value;
    if (error_code error = field.value().get(value)) return error;
    error_code error = simdjson::SUCCESS;
    if (key == "choices") {
      ondemand::array choices;
      if (error_code bad = value.get_array().get(choices)) return bad;
      for (auto choice : choices) {
        ondemand::value element;
        if (error_code bad = choice.get(element)) return bad;
        // We ask for one; were there more, the first is the answer.
        if (!answer->has_choice) error = ReadChoice(element, answer);
        answer->has_choice = true;
        if (error) return error;
      }
    } else if (key == "usage") {
      error = ReadUsage(value, &answer->output.usage);
    } else if (key == "model") {
      error = ReadText(value, &answer->output.provenance.model);
    } else if (key == "system_fingerprint") {
      error = ReadText(value, &answer->output.provenance.fingerprint);
    } else if (key == "error") {
      answer->has_error = answer->has_error || !IsNull(value);
    }
    if (error) return error;
  }
  // At the end there is no location left; anything else is content behind the object.
  const bool at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  return at_end ? simdjson::SUCCESS : simdjson::TAPE_ERROR;
}

// Keep-alive comments that some hosts send before the body.
std::string_view SkipComments(std::string_view body) {
  while (true) {
    const size_t start = body.find_first_not_of(" \t\r\n");
    if (start == body.npos) return {};
    body.remove_prefix(start);
    if (body.front() != ':') return body;
    const size_t end = body.find('\n');
    if (end == body.npos) return {};
    body.remove_prefix(end);
  }
}

cache::Support SupportOf(const cache::SoftOutput& output) {
  cache::Support support = cache::Support::kTextOnly;
  for (const cache::Token& token : output.tokens) {
    if (!token.candidates.empty()) return cache::Support::kTopK;
    if (token.logprob.has_value()) support = cache::Support::kChosenOnly;
  }
  return support;
}

void Settle(Answer* answer) {
  cache::SoftOutput& output = answer->output;
  output.finish_reason =
      answer->refused ? cache::FinishReason::kRefusal : FinishReasonOf(output.raw_finish_reason);
  output.support = SupportOf(output);
  if (output.support == cache::Support::kTextOnly) output.tokens.clear();
}

}  // namespace

cache::FinishReason FinishReasonOf(std::string_view raw) {
  if (raw == "stop" || raw == "eos" || raw == "eos_token" || raw == "stop_sequence") {
    return cache::FinishReason::kStop;
  }
  if (raw == "length" || raw == "model_length") return cache::FinishReason::kLength;
  if (raw == "content_filter") return cache::FinishReason::kFilter;
  return cache::FinishReason::kUnknown;
}

ParseResult ParseChatCompletion(const http::Response& response, absl::Time now) {
  const std::string_view body = SkipComments(response.body);
  if (body.empty()) return Garbled(response, "EMPTY_BODY", "the answer has no body");
  thread_local ondemand::parser parser;
  const simdjson::padded_string padded(body);
  Answer answer;
  ondemand::document document;
  error_code error = parser.iterate(padded).get(document);
  if (!error) error = ReadRoot(document, &answer);
  if (error) {
    // Some proxies wrap an error in an array, with status 200.
    const ErrorBody inside = ParseErrorBody(body);
    if (inside.present) return ClassifyError(response, inside, now);
    return Garbled(response, "BAD_JSON",
                   absl::StrCat("the answer is not the JSON of a chat completion: ",
                                simdjson::error_message(error)));
  }
  if (answer.has_error) return ClassifyError(response, ParseErrorBody(body), now);
  if (!answer.has_choice) return Garbled(response, "NO_CHOICE", "the answer has no choices");
  Settle(&answer);
  const std::string& finish = answer.output.raw_finish_reason;
  if (finish == "insufficient_system_resource" || finish == "error") {
    Failure failure = Garbled(response, finish, "the teacher broke off");
    failure.cls = FailureClass::kRetryable;
    return failure;
  }
  return std::move(answer.output);
}

}  // namespace limbeck::gateway
