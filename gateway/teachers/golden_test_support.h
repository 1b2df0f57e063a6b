// Recorded answers against the soft outputs that they must become, byte for byte.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "base/http/transport.h"
#include "gateway/teachers/teacher.h"

namespace limbeck::gateway::testing {

struct GoldenCase {
  std::string name;
  http::Response response;
  std::string golden;  // What Describe says of it; empty where the file has no such case.

  friend std::ostream& operator<<(std::ostream& out, const GoldenCase& one) {
    return out << one.name;
  }
};

// Reads `folder`/answers.jsonl, one {"case", "status", "headers", …} a line with the body as "body"
// (a string as it came, or a JSON value that stands for its text), "lines" (a stream of JSON lines)
// or "events" (server-sent events), and `folder`/answers.golden beside it. `folder` counts from the
// repository's root. With LIMBECK_UPDATE_GOLDEN set the golden file is written anew by `provider`
// first. Dies on a missing or broken file.
std::vector<GoldenCase> LoadGolden(const Provider& provider, const std::string& folder);

// `provider`'s reading of an answer to a fixed query of a fixed teacher: everything that a parser
// decides, one fact a line, logprobs in nine digits (a float's identity).
std::string DescribeParse(const Provider& provider, const http::Response& response);

// The bodies cut short at every byte that must not parse: all but trailing white space.
std::vector<http::Response> Cuts(const http::Response& response);

// Parses the answer with a few bytes of it replaced, many times over: no logprob may come out of it
// that is above 0, not finite or a sentinel.
void ExpectDamageIsHarmless(const Provider& provider, const http::Response& response);

// "case_3_daily_quota"
std::string GoldenName(const ::testing::TestParamInfo<GoldenCase>& info);

}  // namespace limbeck::gateway::testing
