#include "gateway/teachers/llamacpp/llamacpp_provider.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/utf8.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/json_fields.h"
#include "gateway/teachers/llamacpp/chat_prompt.h"
#include "gateway/teachers/llamacpp/choice_grammar.h"
#include "gateway/teachers/llamacpp/parse_completion.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

// A bound of ours: the server gives up to its whole vocabulary.
constexpr uint32_t kMaxTopLogprobs = 1024;
// The server reads this as "draw one".
constexpr int64_t kRandomSeed = std::numeric_limits<uint32_t>::max();

json BodyOf(const TeacherConfig& config, const TeacherQuery& query) {
  const Sampling& sampling = query.sampling;
  json body = {{"model", config.model},
               {"prompt", ChatPrompt(config.prompt_format, query.messages)},
               {"n_predict", sampling.max_tokens},
               {"temperature", sampling.temperature},
               {"top_k", 0},
               {"top_p", sampling.top_p.value_or(1)},
               {"min_p", 0},
               {"repeat_penalty", 1},
               {"n_probs", query.top_logprobs},
               {"post_sampling_probs", false},
               {"stream", config.stream}};
  if (sampling.seed.has_value()) body["seed"] = *sampling.seed;
  if (!sampling.stop.empty()) body["stop"] = sampling.stop;
  if (!query.choices.empty()) body["grammar"] = ChoiceGrammar(query.choices);
  return body;
}

std::vector<FieldViolation> Check(const TeacherConfig& config, const Capabilities& can,
                                  const TeacherQuery& query) {
  std::vector<FieldViolation> violations = CheckQuery(config, can, query);
  const int64_t seed = query.sampling.seed.value_or(0);
  if (seed < 0 || seed >= kRandomSeed) {
    violations.push_back(
        {"sampling.seed", absl::StrCat("this provider takes from 0 to ", kRandomSeed - 1)});
  }
  if (!query.choices.empty() && !query.response_schema.empty()) {
    violations.push_back({"choices", "exclude a response_schema"});
  }
  const auto is_literal = [](const std::string& choice) {
    return !choice.empty() && IsValidUtf8(choice) && choice.find('\0') == choice.npos;
  };
  if (!std::all_of(query.choices.begin(), query.choices.end(), is_literal)) {
    violations.push_back({"choices", "must be UTF-8, not empty, without U+0000"});
  }
  return violations;
}

}  // namespace

Capabilities LlamaCppProvider::capabilities() const {
  return {.logprobs = true,
          .seed = true,
          .max_top_logprobs = kMaxTopLogprobs,
          .schema = true,
          .choices = true};
}

absl::StatusOr<http::Request> LlamaCppProvider::BuildRequest(const TeacherConfig& config,
                                                             const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(InvalidFields("query", Check(config, capabilities(), query)));
  json body = BodyOf(config, query);
  if (!query.response_schema.empty()) {
    LIMBECK_RETURN_IF_ERROR(CheckUserJson("response_schema", query.response_schema));
    body["json_schema"] = json::parse(query.response_schema);
  }
  LIMBECK_ASSIGN_OR_RETURN(std::string text, DumpBody(body));
  http::Request request =
      NewRequest(config, query, absl::StrCat(EndpointIdentity(config.base_url), "/completion"),
                 std::move(text));
  AddBearer(KeyOf(config), &request);
  return request;
}

ParseResult LlamaCppProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                            const http::Response& response, absl::Time now) const {
  // 503 with "unavailable_error" is a model that still loads: retryable by its status.
  if (response.status_code != 200) {
    return ClassifyError(response, ParseErrorBody(response.body), now);
  }
  ParseResult result = ParseCompletion(config.name, response, now);
  if (auto* output = std::get_if<cache::SoftOutput>(&result)) {
    StampAnswer(config, kind(), query, response, now, output);
  }
  return result;
}

QuotaHints LlamaCppProvider::ParseHints(const http::Response& response, absl::Time now) const {
  QuotaHints hints;
  hints.retry_after = RetryAfter(response, now);
  return hints;
}

}  // namespace limbeck::gateway
