// Azure OpenAI: learn.microsoft.com/azure/ai-services/openai/reference. Chat completions under a
// deployment, a key header of its own, waits in the error's text.
#pragma once

#include "tests/support/fake_teacher/shapes/openai_chat.h"

namespace limbeck::testing {

class AzureShape : public OpenAiChatShape {
 public:
  AzureShape() : OpenAiChatShape("azure") {}

  std::string_view base_path() const override { return ""; }
  bool Serves(std::string_view target) const override;
  std::string_view Credential(const HttpRequest& request) const override;
  WireAnswer Error(const WireError& error) const override;

 protected:
  void AddToChoice(const Question& question, const Reply& reply,
                   nlohmann::json* choice) const override;
};

}  // namespace limbeck::testing
