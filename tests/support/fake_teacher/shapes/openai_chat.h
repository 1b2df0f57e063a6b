// OpenAI chat completions: platform.openai.com/docs/api-reference/chat.
#pragma once

#include <string>

#include "tests/support/fake_teacher/shape.h"

namespace limbeck::testing {

class OpenAiChatShape : public Shape {
 public:
  explicit OpenAiChatShape(std::string kind) : kind_(std::move(kind)) {}

  std::string_view kind() const override { return kind_; }
  std::string_view base_path() const override { return "/v1"; }
  bool Serves(std::string_view target) const override;
  Question Read(const HttpRequest& request) const override;
  WireAnswer Write(const Question& question, const Reply& reply,
                   const std::string& id) const override;
  WireAnswer Error(const WireError& error) const override;

 protected:
  // Further members of the only choice, and of the answer, for servers that add to this shape.
  virtual void AddToChoice(const Question&, const Reply&, nlohmann::json* /*choice*/) const {}
  virtual void AddToAnswer(const Question&, const Reply&, nlohmann::json* /*answer*/) const {}

 private:
  const std::string kind_;
};

// Reads what chat requests of this kind of server have in common.
Question ReadChatRequest(const RequestJson& request);

// {"prompt_tokens": …} as chat and legacy completions count.
nlohmann::json OpenAiUsage(const Reply& reply);

// OpenAI's error object, with Retry-After where a wait is named.
WireAnswer OpenAiError(const WireError& error);

}  // namespace limbeck::testing
