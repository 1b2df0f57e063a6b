// llama.cpp's own API (/completion): token ids and bytes, probabilities before sampling, grammars.
// Its OpenAI-shaped door is kind "openai". Source: llama.cpp, tools/server/README.md.
#pragma once

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

class LlamaCppProvider : public Provider {
 public:
  std::string_view kind() const override { return "llamacpp"; }
  // A given text cannot be scored: prompt tokens get no probabilities.
  Capabilities capabilities() const override;
  // `base_url` is the server's address, "http://127.0.0.1:8080". The messages become one prompt by
  // the teacher's prompt_format (chat_prompt.h). The server's own defaults of top_k, top_p, min_p
  // and repeat_penalty are switched off: answers are drawn from what the model says.
  absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                             const TeacherQuery& query) const override;
  ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                            const http::Response& response, absl::Time now) const override;
  QuotaHints ParseHints(const http::Response& response, absl::Time now) const override;
};

}  // namespace limbeck::gateway
