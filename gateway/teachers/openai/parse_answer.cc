#include "gateway/teachers/openai/parse_answer.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/failure.h"
#include "gateway/teachers/openai/answer_reader.h"
#include "gateway/teachers/openai/continuation.h"
#include "gateway/teachers/sse.h"

namespace limbeck::gateway {
namespace {

using simdjson::error_code;

Failure BadJson(const http::Response& response, error_code error) {
  return Garbled(
      response, "BAD_JSON",
      absl::StrCat("the answer is not the JSON of a completion: ", simdjson::error_message(error)));
}

// A choice may lack its text, but not all of text, refusal, finish reason and scores.
bool SaysAnything(const Answer& answer) {
  return !answer.output.text.empty() || !answer.refusal.empty() || !answer.prompt.empty() ||
         !answer.output.raw_finish_reason.empty() || !answer.output.tokens.empty() ||
         !answer.listed.empty();
}

// Nothing where `answer` was read.
std::optional<Failure> ReadWhole(std::string_view body, std::string_view cached_field,
                                 const http::Response& response, absl::Time now, Answer* answer) {
  if (body.empty()) return Garbled(response, "EMPTY_BODY", "the answer has no body");
  const error_code error = ReadAnswer(body, cached_field, answer);
  if (error || answer->has_error) {
    // Some proxies wrap an error in an array, with status 200.
    const ErrorBody inside = ParseErrorBody(body);
    if (inside.present || answer->has_error) return ClassifyError(response, inside, now);
    return BadJson(response, error);
  }
  if (answer->has_choice && SaysAnything(*answer)) return std::nullopt;
  // A flat error has neither choices nor "error".
  const ErrorBody flat = ParseErrorBody(body);
  if (flat.present) return ClassifyError(response, flat, now);
  Failure failure = Garbled(response, "NO_CHOICE", "the answer has no choices");
  failure.usage = answer->output.usage;
  return failure;
}

std::optional<Failure> ReadStream(std::string_view cached_field, const http::Response& response,
                                  absl::Time now, Answer* answer) {
  const auto stream = ReadSse(response.body);
  if (!stream.ok()) return StreamTooLarge(response, stream.status());
  for (const SseEvent& event : stream->events) {
    if (event.name == "error") return StreamError(response, event, now);
    const error_code error = ReadAnswer(event.data, cached_field, answer);
    if (answer->has_error) return StreamError(response, event, now);
    if (error) return BadJson(response, error);
  }
  const bool finished = answer->has_choice && !answer->output.raw_finish_reason.empty();
  if (!stream->done || !finished) return StreamCut(response);
  return std::nullopt;
}

std::optional<Failure> ReadBody(std::string_view cached_field, const http::Response& response,
                                absl::Time now, Answer* answer) {
  const std::string_view body = SkipSseComments(response.body);
  return LooksLikeSse(body) ? ReadStream(cached_field, response, now, answer)
                            : ReadWhole(body, cached_field, response, now, answer);
}

cache::Support SupportOf(const cache::SoftOutput& output) {
  cache::Support support = cache::Support::kTextOnly;
  for (const cache::Token& token : output.tokens) {
    if (!token.candidates.empty()) return cache::Support::kTopK;
    if (token.logprob.has_value()) support = cache::Support::kChosenOnly;
  }
  return support;
}

void SettleTokens(Answer* answer) {
  cache::SoftOutput& output = answer->output;
  if (output.tokens.empty()) {
    for (ListedToken& listed : answer->listed) output.tokens.push_back(std::move(listed.token));
  }
  if (answer->token_ids.size() == output.tokens.size()) {
    for (size_t i = 0; i < output.tokens.size(); ++i) output.tokens[i].id = answer->token_ids[i];
  }
}

std::optional<FinishMeaning> MeaningOf(const CompatibleProfile& profile, const std::string& raw) {
  const auto found = profile.finish_reasons.find(raw);
  if (found != profile.finish_reasons.end()) return found->second;
  if (raw == "insufficient_system_resource" || raw == "error") return FinishMeaning::kRetry;
  return std::nullopt;
}

cache::FinishReason ReasonOf(FinishMeaning meaning) {
  switch (meaning) {
    case FinishMeaning::kStop:
      return cache::FinishReason::kStop;
    case FinishMeaning::kLength:
      return cache::FinishReason::kLength;
    case FinishMeaning::kFilter:
      return cache::FinishReason::kFilter;
    case FinishMeaning::kRefusal:
      return cache::FinishReason::kRefusal;
    case FinishMeaning::kRetry:
      break;
  }
  return cache::FinishReason::kUnknown;
}

// Whether the tokens, if any, say nothing about an answer: there is none.
bool HasNoAnswer(const cache::SoftOutput& output) {
  const bool only_thought = output.text.empty() && output.usage.reasoning_tokens > 0;
  return output.finish_reason == cache::FinishReason::kRefusal || only_thought;
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

ParseResult ParseCompletion(const CompatibleProfile& profile, const http::Response& response,
                            absl::Time now, size_t choice) {
  Answer answer;
  answer.wanted_choice = choice;
  if (auto failure = ReadBody(profile.cached_input_tokens_field, response, now, &answer)) {
    return *std::move(failure);
  }
  SettleTokens(&answer);
  cache::SoftOutput& output = answer.output;
  const auto meaning = MeaningOf(profile, output.raw_finish_reason);
  if (meaning == FinishMeaning::kRetry) {
    Failure failure = Garbled(response, output.raw_finish_reason, "the teacher broke off");
    failure.cls = FailureClass::kRetryable;
    failure.usage = output.usage;
    return failure;
  }
  output.finish_reason =
      meaning.has_value() ? ReasonOf(*meaning) : FinishReasonOf(output.raw_finish_reason);
  if (!answer.refusal.empty()) {
    output.finish_reason = cache::FinishReason::kRefusal;
    if (output.text.empty()) output.text = answer.refusal;
  }
  output.support = HasNoAnswer(output) ? cache::Support::kTextOnly : SupportOf(output);
  if (output.support == cache::Support::kTextOnly) output.tokens.clear();
  return std::move(output);
}

ParseResult ParseScoring(const TeacherQuery& query, std::string_view echoed_prompt,
                         const http::Response& response, absl::Time now) {
  Answer answer;
  if (auto failure = ReadBody("", response, now, &answer)) return *std::move(failure);
  std::optional<uint64_t> prompt_characters;
  if (!echoed_prompt.empty()) prompt_characters = CountCharacters(echoed_prompt);
  std::vector<ListedToken> tokens = answer.prompt.empty()
                                        ? std::move(answer.listed)
                                        : PromptTokens(std::move(answer.prompt), answer.prompt_ids);
  auto taken = TakeContinuation(query.continuation, prompt_characters, std::move(tokens));
  if (!taken.ok()) {
    Failure failure = Garbled(response, "NOT_SCORED", ToStd(taken.status().message()));
    failure.cls = FailureClass::kBadRequest;
    failure.usage = answer.output.usage;
    return failure;
  }
  cache::SoftOutput& output = answer.output;
  output.text = query.continuation;
  output.tokens = std::move(taken->tokens);
  output.support = SupportOf(output);
  if (output.support == cache::Support::kTextOnly) output.tokens.clear();
  output.finish_reason = cache::FinishReason::kStop;
  output.raw_finish_reason = taken->straddles ? "scored_straddling" : "scored";
  return std::move(output);
}

}  // namespace limbeck::gateway
