#include "gateway/teachers/llamacpp/chat_prompt.h"

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gateway/teachers/exchange.h"

namespace limbeck::gateway {
namespace {

std::string Plain(const std::vector<Turn>& turns) {
  std::string prompt;
  for (const Turn& turn : turns) {
    absl::StrAppend(&prompt, prompt.empty() ? "" : "\n\n", turn.content);
  }
  return prompt;
}

std::string ChatMl(const std::vector<Turn>& turns) {
  std::string prompt;
  for (const Turn& turn : turns) {
    absl::StrAppend(&prompt, "<|im_start|>", ToAbsl(RoleName(turn.role)), "\n", turn.content,
                    "<|im_end|>\n");
  }
  return prompt + "<|im_start|>assistant\n";
}

std::string Llama3(const std::vector<Turn>& turns) {
  std::string prompt;
  for (const Turn& turn : turns) {
    absl::StrAppend(&prompt, "<|start_header_id|>", ToAbsl(RoleName(turn.role)),
                    "<|end_header_id|>\n\n", turn.content, "<|eot_id|>");
  }
  return prompt + "<|start_header_id|>assistant<|end_header_id|>\n\n";
}

std::string Gemma(const std::vector<Turn>& turns) {
  std::string prompt;
  std::string system;
  for (const Turn& turn : turns) {
    if (turn.role == Role::kSystem) {
      absl::StrAppend(&system, turn.content, "\n\n");
      continue;
    }
    absl::StrAppend(&prompt, "<start_of_turn>", turn.role == Role::kUser ? "user" : "model", "\n",
                    system, turn.content, "<end_of_turn>\n");
    system.clear();
  }
  if (!system.empty()) {
    absl::StrAppend(&prompt, "<start_of_turn>user\n", system.substr(0, system.size() - 2),
                    "<end_of_turn>\n");
  }
  return prompt + "<start_of_turn>model\n";
}

}  // namespace

std::string ChatPrompt(PromptFormat format, const std::vector<Turn>& turns) {
  switch (format) {
    case PromptFormat::kChatMl:
      return ChatMl(turns);
    case PromptFormat::kLlama3:
      return Llama3(turns);
    case PromptFormat::kGemma:
      return Gemma(turns);
    case PromptFormat::kPlain:
      break;
  }
  return Plain(turns);
}

}  // namespace limbeck::gateway
