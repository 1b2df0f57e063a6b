// OpenAI's legacy completions: one text in, one text out, with `echo` for scoring.
#pragma once

#include "tests/support/fake_teacher/shape.h"

namespace limbeck::testing {

class CompletionsShape : public Shape {
 public:
  std::string_view kind() const override { return "openai_completions"; }
  std::string_view base_path() const override { return "/v1"; }
  bool Serves(std::string_view target) const override { return target == "/v1/completions"; }
  Question Read(const HttpRequest& request) const override;
  WireAnswer Write(const Question& question, const Reply& reply,
                   const std::string& id) const override;
  WireAnswer Error(const WireError& error) const override;
};

}  // namespace limbeck::testing
