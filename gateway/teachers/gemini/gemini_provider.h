// Google's generateContent: the developer API (kind "gemini") and Vertex AI (kind "vertex"), which
// differ in their address and in how a caller shows who it is.
#pragma once

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

enum class GeminiHost : uint8_t { kDeveloper, kVertex };

class GeminiProvider : public Provider {
 public:
  explicit GeminiProvider(GeminiHost host) : host_(host) {}

  std::string_view kind() const override;
  Capabilities capabilities() const override;
  std::vector<FieldViolation> CheckConfig(const TeacherConfig& config) const override;
  // `base_url` is what comes before "/models/": for the developer API
  // "https://generativelanguage.googleapis.com/v1beta", for Vertex
  // "https://LOCATION-aiplatform.googleapis.com/v1beta1/projects/P/locations/L/publishers/google".
  absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                             const TeacherQuery& query) const override;
  ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                            const http::Response& response, absl::Time now) const override;
  std::vector<cache::SoftOutput> ParseFurther(const TeacherConfig& config,
                                              const TeacherQuery& query,
                                              const http::Response& response,
                                              absl::Time now) const override;
  QuotaHints ParseHints(const http::Response& response, absl::Time now) const override;

 private:
  void Stamp(const TeacherConfig& config, const TeacherQuery& query, const http::Response& response,
             absl::Time now, cache::SoftOutput* output) const;

  const GeminiHost host_;
};

}  // namespace limbeck::gateway
