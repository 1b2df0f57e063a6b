// The bodies that the fake teacher sends: OpenAI chat completions and Anthropic messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/fake_teacher/script.h"

namespace limbeck::testing {

enum class TeacherMode { kOpenAi, kAnthropic };

struct TeacherAnswer {
  int status = 200;
  std::string body;
};

// Answers a request body. A pure function of its arguments; `sample` tells apart the votes of one
// request where the wire format has no seed. A body that is not a request gets a 400.
TeacherAnswer AnswerQuery(TeacherMode mode, const Script& script, FaultKind fault,
                          std::string_view body, std::string_view sample);

// An error body in the provider's shape.
std::string ErrorBody(TeacherMode mode, int status, std::string_view type,
                      std::string_view message);

}  // namespace limbeck::testing
