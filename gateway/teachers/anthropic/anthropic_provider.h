// Anthropic's Messages API. Text only: soft labels come from votes, one query per sample index.
#pragma once

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

class AnthropicProvider : public Provider {
 public:
  std::string_view kind() const override { return "anthropic"; }
  Capabilities capabilities() const override;
  absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                             const TeacherQuery& query) const override;
  ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                            const http::Response& response, absl::Time now) const override;
  QuotaHints ParseHints(const http::Response& response, absl::Time now) const override;
};

}  // namespace limbeck::gateway
