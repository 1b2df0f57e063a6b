// Anthropic messages: docs.anthropic.com/en/api/messages. Text without logprobs.
#pragma once

#include "tests/support/fake_teacher/shape.h"

namespace limbeck::testing {

class AnthropicShape : public Shape {
 public:
  std::string_view kind() const override { return "anthropic"; }
  std::string_view base_path() const override { return "/v1"; }
  bool Serves(std::string_view target) const override { return target == "/v1/messages"; }
  std::string_view Credential(const HttpRequest& request) const override;
  Question Read(const HttpRequest& request) const override;
  WireAnswer Write(const Question& question, const Reply& reply,
                   const std::string& id) const override;
  WireAnswer Error(const WireError& error) const override;
};

}  // namespace limbeck::testing
