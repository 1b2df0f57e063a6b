#include "gateway/teachers/azure/azure_provider.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "base/string_view.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/exchange.h"
#include "gateway/teachers/openai/chat_request.h"
#include "gateway/teachers/rate_headers.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kV1Path = "/openai/v1";

const std::string& DeploymentOf(const TeacherConfig& config) {
  return config.deployment.empty() ? config.model : config.deployment;
}

// What may stand in a URL without escapes.
bool IsUrlWord(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

std::string PathOf(const TeacherConfig& config) {
  if (!config.api_version.empty()) {
    return absl::StrCat("/openai/deployments/", DeploymentOf(config),
                        "/chat/completions?api-version=", config.api_version);
  }
  const std::string base = EndpointIdentity(config.base_url);
  return absl::StrCat(base.ends_with(kV1Path) ? "" : ToAbsl(kV1Path), "/chat/completions");
}

}  // namespace

Capabilities AzureProvider::capabilities() const {
  return {.logprobs = true,
          .seed = true,
          .max_top_logprobs = kMaxTopLogprobs,
          .schema = true,
          .max_samples = kMaxChoices};
}

std::vector<FieldViolation> AzureProvider::CheckConfig(const TeacherConfig& config) const {
  std::vector<FieldViolation> violations;
  constexpr const char* kWhat = "may hold letters, digits, \"-\", \"_\" and \".\" only";
  if (!IsUrlWord(config.api_version)) violations.push_back({"api_version", kWhat});
  if (!IsUrlWord(DeploymentOf(config))) {
    violations.push_back({config.deployment.empty() ? "model" : "deployment", kWhat});
  }
  return violations;
}

absl::StatusOr<http::Request> AzureProvider::BuildRequest(const TeacherConfig& config,
                                                          const TeacherQuery& query) const {
  LIMBECK_RETURN_IF_ERROR(InvalidFields("teacher", CheckConfig(config)));
  LIMBECK_RETURN_IF_ERROR(CheckChatQuery(config, capabilities(), query));
  CompatibleProfile profile;
  if (config.max_completion_tokens) profile.max_tokens_field = "max_completion_tokens";
  nlohmann::json body = ChatBody(config, query, profile);
  body["model"] = DeploymentOf(config);
  LIMBECK_ASSIGN_OR_RETURN(http::Request request, JsonRequest(config, query, PathOf(config), body));
  if (config.bearer_key) {
    AddBearer(KeyOf(config), &request);
  } else {
    AddKeyHeader("api-key", KeyOf(config), &request);
  }
  return request;
}

ParseResult AzureProvider::ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                                         const http::Response& response, absl::Time now) const {
  static const CompatibleProfile* const profile = new CompatibleProfile;
  return ParseChatResponse(config, kind(), *profile, query, response, now);
}

std::vector<cache::SoftOutput> AzureProvider::ParseFurther(const TeacherConfig& config,
                                                           const TeacherQuery& query,
                                                           const http::Response& response,
                                                           absl::Time now) const {
  return ParseFurtherChoices(config, kind(), CompatibleProfile(), query, response, now);
}

QuotaHints AzureProvider::ParseHints(const http::Response& response, absl::Time now) const {
  return OpenAiHints(response, now);
}

}  // namespace limbeck::gateway
