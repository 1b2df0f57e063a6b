// OpenAI's legacy completions: one text prompt, at most 5 candidates (or what the server caps at),
// and scoring of a given text by an echoed prompt. vLLM and other servers offer it for base models.
#pragma once

#include <string>

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// A chat as one text: the system turns in their order, then all other turns in theirs, joined by
// blank lines. Roles are not written, no chat template is applied and nothing is put behind the
// last turn, so that a template that ends in "Label:" is continued right there.
std::string FlattenPrompt(const std::vector<Turn>& messages);

class CompletionsProvider : public Provider {
 public:
  std::string_view kind() const override { return "openai_completions"; }
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
