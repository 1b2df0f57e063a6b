// Azure OpenAI: chat completions of a deployment.
//
// With `api_version` the dated form
// BASE/openai/deployments/DEPLOYMENT/chat/completions?api-version=… is asked; without it the v1
// form BASE/openai/v1/chat/completions, which takes the deployment as the model. BASE is
// https://RESOURCE.openai.azure.com; a base URL that already ends in /openai/v1 is taken as it is.
// The key goes as `api-key`, an Entra token as a bearer.
#pragma once

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

class AzureProvider : public Provider {
 public:
  std::string_view kind() const override { return "azure"; }
  Capabilities capabilities() const override;
  std::vector<FieldViolation> CheckConfig(const TeacherConfig& config) const override;
  absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                             const TeacherQuery& query) const override;
  ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                            const http::Response& response, absl::Time now) const override;
  std::vector<cache::SoftOutput> ParseFurther(const TeacherConfig& config,
                                              const TeacherQuery& query,
                                              const http::Response& response,
                                              absl::Time now) const override;
  QuotaHints ParseHints(const http::Response& response, absl::Time now) const override;
};

}  // namespace limbeck::gateway
