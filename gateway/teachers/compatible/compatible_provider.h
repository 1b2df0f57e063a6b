// Hosts that speak OpenAI's chat completions with deviations; those are data (profiles.h, or the
// operator's own CompatibleProfile).
#pragma once

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

class CompatibleProvider : public Provider {
 public:
  std::string_view kind() const override { return "openai_compatible"; }
  // What the most capable profile gives.
  Capabilities capabilities() const override;
  Capabilities CapabilitiesFor(const TeacherConfig& config) const override;
  std::vector<FieldViolation> CheckConfig(const TeacherConfig& config) const override;
  absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                             const TeacherQuery& query) const override;
  ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                            const http::Response& response, absl::Time now) const override;
  std::vector<cache::SoftOutput> ParseFurther(const TeacherConfig& config,
                                              const TeacherQuery& query,
                                              const http::Response& response,
                                              absl::Time now) const override;
  absl::StatusOr<http::Request> BuildListing(const TeacherConfig& config) const override;
  // By OpenAI's header names; HintsFor knows the profile's.
  QuotaHints ParseHints(const http::Response& response, absl::Time now) const override;
  QuotaHints HintsFor(const TeacherConfig& config, const http::Response& response,
                      absl::Time now) const override;
};

}  // namespace limbeck::gateway
