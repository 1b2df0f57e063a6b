// Every provider kind's parser on any answer. The first line names the kind (any other text stands
// for one), the next byte chooses the status code and what was asked; the rest is the body. What is
// read must be fit to be kept and trained on.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "cache/records/record_codec.h"
#include "gateway/teachers/model_listing.h"
#include "gateway/teachers/registry.h"
#include "tests/fuzz/fuzz_input.h"

namespace limbeck::gateway {
namespace {

constexpr uint32_t kSamples = 3;
constexpr size_t kMaxDayBytes = 10;
constexpr int kStatusCodes[] = {200, 200, 200, 200, 400, 402, 403, 429, 500, 503, 529, 204};

void Require(bool holds) {
  if (!holds) std::abort();
}

// What cache/records promises to its readers.
void CheckOutput(const cache::SoftOutput& output) {
  for (const cache::Token& token : output.tokens) {
    if (token.logprob.has_value()) Require(std::isfinite(*token.logprob));
    for (const cache::Candidate& candidate : token.candidates) {
      Require(std::isfinite(candidate.logprob));
    }
  }
  if (output.support == cache::Support::kTextOnly) Require(output.tokens.empty());
  Require(cache::DecodeRecord(cache::EncodeRecord(output)).ok());
}

const Provider* KindOf(std::string_view line) {
  if (const auto provider = FindProvider(line); provider.ok()) return *provider;
  const std::vector<std::string_view> kinds = ProviderKinds();
  return FindProvider(kinds[line.size() % kinds.size()]).value();
}

void ParseAnswer(fuzz::FuzzInput input) {
  const Provider* const provider = KindOf(input.Line());
  TeacherConfig config;
  config.name = "t";
  config.kind = std::string(provider->kind());
  config.base_url = "https://host.example/v1";
  config.model = "m";
  const uint8_t choice = input.Byte();
  config.stream = (choice & 0x10) != 0;
  TeacherQuery query;
  query.messages = {{Role::kUser, "hello"}};
  query.top_logprobs = (choice & 0x20) != 0 ? 5 : 0;
  if ((choice & 0x40) != 0) query.continuation = "yes";
  if (query.continuation.empty()) query.samples = kSamples;
  http::Response response;
  response.status_code = kStatusCodes[(choice & 0x0f) % std::size(kStatusCodes)];
  if ((choice & 0x80) != 0) response.headers = {{"Content-Type", "text/event-stream"}};
  response.body = std::string(input.Rest());
  const absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  const ParseResult result = provider->ParseResponse(config, query, response, now);
  if (const auto* output = std::get_if<cache::SoftOutput>(&result)) CheckOutput(*output);
  const auto further = provider->ParseFurther(config, query, response, now);
  Require(further.size() < kSamples);
  for (const cache::SoftOutput& output : further) CheckOutput(output);
  const auto listed = ReadModelListing(response.body, config.model);
  Require(!listed.ok() || !listed->has_value() || (*listed)->retires_on.size() <= kMaxDayBytes);
}

}  // namespace
}  // namespace limbeck::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::gateway::ParseAnswer({data, size});
  return 0;
}
