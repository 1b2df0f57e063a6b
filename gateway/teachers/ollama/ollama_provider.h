// Ollama's own API (/api/chat): options by name, logprobs from version 0.12.11 on, streams of JSON
// lines. Its OpenAI-shaped door is kind "openai".
#pragma once

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

class OllamaProvider : public Provider {
 public:
  std::string_view kind() const override { return "ollama"; }
  // No list of allowed answers: the server's way to one is a JSON schema, whose answers are quoted.
  Capabilities capabilities() const override;
  // `base_url` is the server's address, "http://127.0.0.1:11434".
  absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                             const TeacherQuery& query) const override;
  ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                            const http::Response& response, absl::Time now) const override;
  QuotaHints ParseHints(const http::Response& response, absl::Time now) const override;
};

}  // namespace limbeck::gateway
