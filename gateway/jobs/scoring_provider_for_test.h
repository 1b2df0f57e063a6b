// A provider that scores texts it is handed, on top of a server that cannot: it asks for the
// likeliest answers and reads the text's probability off them.
#pragma once

#include "gateway/teachers/openai/openai_provider.h"

namespace limbeck::gateway {

class ScoringProviderForTest : public OpenAiProvider {
 public:
  Capabilities capabilities() const override;
  absl::StatusOr<http::Request> BuildRequest(const TeacherConfig& config,
                                             const TeacherQuery& query) const override;
  // The text comes in two tokens, the second of which is certain.
  ParseResult ParseResponse(const TeacherConfig& config, const TeacherQuery& query,
                            const http::Response& response, absl::Time now) const override;
};

}  // namespace limbeck::gateway
