#include "gateway/jobs/scoring_provider_for_test.h"

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kCandidates = 20;
// Of a text that is not among the candidates.
constexpr float kUnlikely = -12.0F;

TeacherQuery Underlying(const TeacherQuery& query) {
  TeacherQuery asked = query;
  asked.continuation.clear();
  asked.top_logprobs = kCandidates;
  return asked;
}

}  // namespace

Capabilities ScoringProviderForTest::capabilities() const {
  Capabilities can = OpenAiProvider::capabilities();
  can.continuation_scoring = true;
  return can;
}

absl::StatusOr<http::Request> ScoringProviderForTest::BuildRequest(
    const TeacherConfig& config, const TeacherQuery& query) const {
  LIMBECK_ASSIGN_OR_RETURN(http::Request request,
                           OpenAiProvider::BuildRequest(config, Underlying(query)));
  if (query.continuation.empty()) return request;
  // Tells the queries of a row apart on the server's invoice.
  nlohmann::json body = nlohmann::json::parse(request.body);
  body["continuation"] = query.continuation;
  request.body = body.dump();
  return request;
}

ParseResult ScoringProviderForTest::ParseResponse(const TeacherConfig& config,
                                                  const TeacherQuery& query,
                                                  const http::Response& response,
                                                  absl::Time now) const {
  ParseResult result = OpenAiProvider::ParseResponse(config, Underlying(query), response, now);
  auto* output = std::get_if<cache::SoftOutput>(&result);
  if (output == nullptr || query.continuation.empty() || output->tokens.empty()) return result;
  float logprob = kUnlikely;
  for (const cache::Candidate& candidate : output->tokens[0].candidates) {
    if (candidate.bytes == query.continuation) logprob = candidate.logprob;
  }
  const std::string first = query.continuation.substr(0, 1);
  const std::string rest = query.continuation.substr(1);
  output->support = cache::Support::kChosenOnly;
  output->top_logprobs = 0;
  output->text = query.continuation;
  output->tokens = {{.bytes = first, .logprob = logprob}};
  if (!rest.empty()) output->tokens.push_back({.bytes = rest, .logprob = 0.0F});
  return result;
}

}  // namespace limbeck::gateway
