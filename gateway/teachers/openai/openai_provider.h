// Chat completions with logprobs: OpenAI, and servers that speak its shape without deviations
// (llama.cpp, Ollama's /v1).
#pragma once

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

class OpenAiProvider : public Provider {
 public:
  std::string_view kind() const override { return "openai"; }
  Capabilities capabilities() const override;
  absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                             const TeacherQuery& query) const override;
  ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                            const http::Response& response, absl::Time now) const override;
  std::vector<cache::SoftOutput> ParseFurther(const TeacherConfig& config,
                                              const TeacherQuery& query,
                                              const http::Response& response,
                                              absl::Time now) const override;
  absl::StatusOr<http::Request> BuildListing(const TeacherConfig& config) const override;
  QuotaHints ParseHints(const http::Response& response, absl::Time now) const override;
};

}  // namespace limbeck::gateway
