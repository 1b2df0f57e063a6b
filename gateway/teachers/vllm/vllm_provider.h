// vLLM's OpenAI-compatible server, with what it adds: token ids, answers held to a list
// (structured_outputs), and scoring of a given text by prompt_logprobs.
//
// A continuation is sent as the end of the last assistant turn, unfinished, so that the model's own
// chat template applies; one token is generated and not used. Candidates are what --logprobs-mode
// says, by default before temperature and penalties. Their number is capped by --max-logprobs.
#pragma once

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

class VllmProvider : public Provider {
 public:
  std::string_view kind() const override { return "vllm"; }
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
