#include "gateway/teachers/compatible/compatible_provider.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/string_view.h"
#include "gateway/teachers/compatible/profiles.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/openai/chat_request.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

// The operator's profile, else the named one, else OpenAI's own ways.
const CompatibleProfile& ProfileOf(const TeacherConfig& config) {
  static const CompatibleProfile* const plain = new CompatibleProfile;
  if (config.custom_profile.has_value()) return *config.custom_profile;
  const CompatibleProfile* known = FindProfile(config.profile);
  return known == nullptr ? *plain : *known;
}

bool IsJsonObject(const std::string& text) {
  return CheckUserJson("extra_body", text).ok() && json::parse(text).is_object();
}

}  // namespace

Capabilities CompatibleProvider::capabilities() const {
  return {.logprobs = true,
          .seed = true,
          .max_top_logprobs = kMaxTopLogprobs,
          .schema = true,
          .max_samples = kMaxChoices};
}

Capabilities CompatibleProvider::CapabilitiesFor(const TeacherConfig& config) const {
  const CompatibleProfile& profile = ProfileOf(config);
  const bool logprobs = profile.logprobs != LogprobsForm::kNone;
  const uint32_t most = logprobs ? profile.max_top_logprobs : 0;
  return {.logprobs = logprobs,
          .seed = !profile.seed_field.empty(),
          .max_top_logprobs = most,
          .usual_top_logprobs = most,
          .schema = profile.response_schema,
          .max_samples = kMaxChoices};
}

std::vector<FieldViolation> CompatibleProvider::CheckConfig(const TeacherConfig& config) const {
  std::vector<FieldViolation> violations;
  const bool named = !config.profile.empty();
  if (named == config.custom_profile.has_value()) {
    violations.push_back({"profile", absl::StrCat("set exactly one of profile (", ProfileNames(),
                                                  ") and custom_profile")});
  } else if (named && FindProfile(config.profile) == nullptr) {
    violations.push_back({"profile", absl::StrCat("unknown profile \"", config.profile,
                                                  "\"; known profiles: ", ProfileNames())});
  }
  if (config.custom_profile.has_value()) {
    const std::string& extra = config.custom_profile->extra_body;
    if (!extra.empty() && !IsJsonObject(extra)) {
      violations.push_back({"custom_profile.extra_body", "is not a JSON object"});
    }
  }
  if (config.enforce_distillable_text && config.profile != kOpenRouterProfile) {
    violations.push_back({"enforce_distillable_text", "is an option of profile openrouter only"});
  }
  return violations;
}

absl::StatusOr<http::Request> CompatibleProvider::BuildRequest(const TeacherConfig& config,
                                                               const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(InvalidFields("teacher", CheckConfig(config)));
  LIMBECK_RETURN_IF_ERROR(CheckChatQuery(config, CapabilitiesFor(config), query));
  const CompatibleProfile& profile = ProfileOf(config);
  json body = ChatBody(config, query, profile);
  if (config.enforce_distillable_text) body["provider"]["enforce_distillable_text"] = true;
  LIMBECK_ASSIGN_OR_RETURN(http::Request request,
                           JsonRequest(config, query, profile.chat_path, body));
  AddBearer(KeyOf(config), &request);
  return request;
}

ParseResult CompatibleProvider::ParseResponse(const TeacherConfig& config,
                                              const TeacherQuery& query,
                                              const http::Response& response,
                                              absl::Time now) const {
  return ParseChatResponse(config, kind(), ProfileOf(config), query, response, now);
}

std::vector<cache::SoftOutput> CompatibleProvider::ParseFurther(const TeacherConfig& config,
                                                                const TeacherQuery& query,
                                                                const http::Response& response,
                                                                absl::Time now) const {
  return ParseFurtherChoices(config, kind(), ProfileOf(config), query, response, now);
}

absl::StatusOr<http::Request> CompatibleProvider::BuildListing(const TeacherConfig& config) const {
  return ListingRequest(config);
}

QuotaHints CompatibleProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return OpenAiHints(response, now);
}

QuotaHints CompatibleProvider::HintsFor(const TeacherConfig& config, const http::Response& response,
                                        absl::Time now) const {
  const CompatibleProfile& profile = ProfileOf(config);
  QuotaHints hints = OpenAiHints(response, now, profile.rate_headers);
  if (profile.requests_per_day && hints.remaining_requests.value_or(0) > 0) {
    hints.remaining_requests.reset();
    hints.reset_requests.reset();
  }
  return hints;
}

}  // namespace limbeck::gateway
