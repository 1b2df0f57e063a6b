#include "gateway/jobs/several_answers_provider_for_test.h"

#include "absl/strings/str_cat.h"
#include "base/hash.h"

namespace limbeck::gateway {
namespace {

constexpr double kLikelyRight = 0.8;

}  // namespace

std::vector<cache::SoftOutput> SeveralAnswersProviderForTest::ParseFurther(
    const TeacherConfig& config, const TeacherQuery& query, const http::Response& response,
    absl::Time now) const {
  const ParseResult first = ParseResponse(config, query, response, now);
  const auto* output = std::get_if<cache::SoftOutput>(&first);
  std::vector<cache::SoftOutput> further;
  if (output == nullptr) return further;
  const std::string& question = query.messages.back().content;
  const std::string right = question.find(" good") != std::string::npos ? "good" : "bad";
  for (uint32_t i = 1; i < query.samples; ++i) {
    StableRandom random(Xxh3(absl::StrCat(question, query.sample_index + i)), 0);
    further.push_back(*output);
    further.back().text = random.Uniform() < kLikelyRight ? right
                          : right == "good"               ? "bad"
                                                          : "good";
  }
  return further;
}

}  // namespace limbeck::gateway
