// A provider that gives several answers to one call, on top of a server that gives one: the further
// ones are drawn from the candidates of the first.
#pragma once

#include <vector>

#include "gateway/teachers/openai/openai_provider.h"

namespace limbeck::gateway {

class SeveralAnswersProviderForTest : public OpenAiProvider {
 public:
  std::vector<cache::SoftOutput> ParseFurther(const TeacherConfig& config,
                                              const TeacherQuery& query,
                                              const http::Response& response,
                                              absl::Time now) const override;
};

}  // namespace limbeck::gateway
