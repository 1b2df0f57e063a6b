#include "gateway/teachers/gemini/gemini_provider.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/gemini/gemini_error.h"
#include "gateway/teachers/gemini/parse_content.h"
#include "gateway/teachers/gemini/service_account.h"
#include "gateway/teachers/json_fields.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr uint32_t kMaxTopLogprobs = 20;
// Most of candidateCount (ai.google.dev, GenerationConfig).
constexpr uint32_t kMaxCandidates = 8;
constexpr int kUnauthorized = 401;
constexpr const char* kModelRule =
    "is not a model's name: letters, digits and \"-._@\" only, without \"models/\"";

json TextParts(const std::string& text) { return json::array({{{"text", text}}}); }

json GenerationConfig(const TeacherConfig& config, const TeacherQuery& query) {
  const Sampling& sampling = query.sampling;
  json made = {{"temperature", sampling.temperature}, {"maxOutputTokens", sampling.max_tokens}};
  if (sampling.top_p.has_value()) made["topP"] = *sampling.top_p;
  if (sampling.seed.has_value()) made["seed"] = *sampling.seed;
  if (!sampling.stop.empty()) made["stopSequences"] = sampling.stop;
  if (query.samples > 1) made["candidateCount"] = query.samples;
  if (query.top_logprobs > 0) {
    made["responseLogprobs"] = true;
    made["logprobs"] = query.top_logprobs;
  }
  if (config.thinking_budget.has_value()) {
    made["thinkingConfig"] = {{"thinkingBudget", *config.thinking_budget}};
  }
  if (!query.choices.empty()) {
    made["responseMimeType"] = "text/x.enum";
    made["responseSchema"] = {{"type", "STRING"}, {"enum", query.choices}};
  }
  return made;
}

json BodyOf(const TeacherConfig& config, const TeacherQuery& query) {
  json contents = json::array();
  std::string system;
  for (const Turn& turn : query.messages) {
    if (turn.role == Role::kSystem) {
      absl::StrAppend(&system, system.empty() ? "" : "\n\n", turn.content);
      continue;
    }
    contents.push_back({{"role", turn.role == Role::kAssistant ? "model" : "user"},
                        {"parts", TextParts(turn.content)}});
  }
  json body = {{"contents", std::move(contents)},
               {"generationConfig", GenerationConfig(config, query)}};
  if (!system.empty()) body["systemInstruction"] = {{"parts", TextParts(system)}};
  return body;
}

// The model is part of the path.
bool IsModelName(std::string_view model) {
  return std::all_of(model.begin(), model.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' ||
           c == '@';
  });
}

std::vector<FieldViolation> Check(const TeacherConfig& config, const Capabilities& can,
                                  const TeacherQuery& query) {
  std::vector<FieldViolation> violations = CheckQuery(config, can, query);
  if (!IsModelName(config.model)) violations.push_back({"model", kModelRule});
  const auto is_turn = [](const Turn& turn) { return turn.role != Role::kSystem; };
  if (std::none_of(query.messages.begin(), query.messages.end(), is_turn)) {
    violations.push_back({"messages", "this provider needs a turn besides the system's"});
  }
  using Seed = std::numeric_limits<int32_t>;
  const int64_t seed = query.sampling.seed.value_or(0);
  if (seed < Seed::min() || seed > Seed::max()) {
    violations.push_back({"sampling.seed", "this provider takes 32 bits"});
  }
  if (!query.choices.empty() && !query.response_schema.empty()) {
    violations.push_back({"choices", "exclude a response_schema"});
  }
  return violations;
}

}  // namespace

std::string_view GeminiProvider::kind() const {
  return host_ == GeminiHost::kVertex ? "vertex" : "gemini";
}

Capabilities GeminiProvider::capabilities() const {
  return {.logprobs = true,
          .seed = true,
          .max_top_logprobs = kMaxTopLogprobs,
          .schema = true,
          .choices = true,
          .max_samples = kMaxCandidates};
}

std::vector<FieldViolation> GeminiProvider::CheckConfig(const TeacherConfig& config) const {
  std::vector<FieldViolation> violations;
  if (!IsModelName(config.model)) violations.push_back({"model", kModelRule});
  const std::string& url = config.base_url;
  if (host_ == GeminiHost::kVertex &&
      (!absl::StrContains(url, "/projects/") || !absl::StrContains(url, "/locations/") ||
       !absl::EndsWith(url, "/publishers/google"))) {
    violations.push_back({"base_url",
                          "of a vertex teacher ends in "
                          "/projects/PROJECT/locations/LOCATION/publishers/google"});
  }
  if (!config.service_account.empty()) {
    const absl::Status account = ParseServiceAccount(config.service_account).status();
    if (!account.ok()) violations.push_back({"service_account", std::string(account.message())});
  }
  return violations;
}

absl::StatusOr<http::Request> GeminiProvider::BuildRequest(const TeacherConfig& config,
                                                           const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(InvalidFields("query", Check(config, capabilities(), query)));
  json body = BodyOf(config, query);
  if (!query.response_schema.empty()) {
    LIMBECK_RETURN_IF_ERROR(CheckUserJson("response_schema", query.response_schema));
    body["generationConfig"]["responseMimeType"] = "application/json";
    body["generationConfig"]["responseSchema"] = json::parse(query.response_schema);
  }
  LIMBECK_ASSIGN_OR_RETURN(std::string text, DumpBody(body));
  const bool stream = config.stream && query.samples <= 1;
  const char* const method = stream ? ":streamGenerateContent?alt=sse" : ":generateContent";
  http::Request request =
      NewRequest(config, query,
                 absl::StrCat(EndpointIdentity(config.base_url), "/models/", config.model, method),
                 std::move(text));
  if (host_ == GeminiHost::kVertex && config.access_token != nullptr) {
    LIMBECK_ASSIGN_OR_RETURN(const Secret token, config.access_token->Current());
    AddBearer(token, &request);
  } else if (host_ == GeminiHost::kVertex) {
    AddBearer(config.api_key, &request);
  } else {
    AddKeyHeader("x-goog-api-key", KeyOf(config), &request);
  }
  return request;
}

ParseResult GeminiProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                          const http::Response& response, absl::Time now) const {
  if (response.status_code != 200) {
    Failure failure = ClassifyGeminiError(response, response.body, now);
    if (response.status_code == kUnauthorized && host_ == GeminiHost::kVertex &&
        config.access_token != nullptr) {
      // Its hour is over; whoever renews it is late.
      failure.cls = FailureClass::kRetryable;
      failure.reason = "ACCESS_TOKEN_REFUSED";
    }
    return failure;
  }
  ParseResult result = ParseContent(config.name, response, now);
  if (auto* output = std::get_if<cache::SoftOutput>(&result)) {
    Stamp(config, query, response, now, output);
  }
  return result;
}

std::vector<cache::SoftOutput> GeminiProvider::ParseFurther(const TeacherConfig& config,
                                                            const TeacherQuery& query,
                                                            const http::Response& response,
                                                            absl::Time now) const {
  std::vector<cache::SoftOutput> further;
  for (uint32_t candidate = 1; candidate < query.samples; ++candidate) {
    ParseResult result = ParseContent(config.name, response, now, candidate);
    auto* output = std::get_if<cache::SoftOutput>(&result);
    // A blocked prompt has no candidates at all, which the first answer says already.
    if (output == nullptr || output->raw_finish_reason.empty()) continue;
    Stamp(config, query, response, now, output);
    further.push_back(std::move(*output));
  }
  return further;
}

void GeminiProvider::Stamp(const TeacherConfig& config, const TeacherQuery& query,
                           const http::Response& response, absl::Time now,
                           cache::SoftOutput* output) const {
  std::string response_id = std::move(output->provenance.request_id);
  StampAnswer(config, kind(), query, response, now, output);
  if (output->provenance.request_id.empty()) {
    output->provenance.request_id = std::move(response_id);
  }
}

QuotaHints GeminiProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return GeminiHints(response, now);
}

}  // namespace limbeck::gateway
