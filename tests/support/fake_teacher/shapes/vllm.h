// vLLM's additions to chat completions: docs.vllm.ai, OpenAI-compatible server. Choices, token ids,
// prompt logprobs.
#pragma once

#include "tests/support/fake_teacher/shapes/openai_chat.h"

namespace limbeck::testing {

class VllmShape : public OpenAiChatShape {
 public:
  VllmShape() : OpenAiChatShape("vllm") {}

  Question Read(const HttpRequest& request) const override;
  WireAnswer Error(const WireError& error) const override;

 protected:
  void AddToChoice(const Question& question, const Reply& reply,
                   nlohmann::json* choice) const override;
  void AddToAnswer(const Question& question, const Reply& reply,
                   nlohmann::json* answer) const override;
};

}  // namespace limbeck::testing
