#include "gateway/teachers/llamacpp/chat_prompt.h"

#include <gtest/gtest.h>

namespace limbeck::gateway {
namespace {

const std::vector<Turn>& Turns() {
  static const auto* const turns = new std::vector<Turn>{
      {Role::kSystem, "s"}, {Role::kUser, "u"}, {Role::kAssistant, "a"}, {Role::kUser, "v"}};
  return *turns;
}

TEST(ChatPromptTest, PlainIsTheContents) {
  EXPECT_EQ(ChatPrompt(PromptFormat::kPlain, Turns()), "s\n\nu\n\na\n\nv");
}

TEST(ChatPromptTest, ChatMlOpensTheAssistantsTurn) {
  EXPECT_EQ(ChatPrompt(PromptFormat::kChatMl, Turns()),
            "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu<|im_end|>\n"
            "<|im_start|>assistant\na<|im_end|>\n<|im_start|>user\nv<|im_end|>\n"
            "<|im_start|>assistant\n");
}

TEST(ChatPromptTest, Llama3OpensTheAssistantsTurn) {
  EXPECT_EQ(ChatPrompt(PromptFormat::kLlama3, {{Role::kUser, "u"}}),
            "<|start_header_id|>user<|end_header_id|>\n\nu<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\n");
}

TEST(ChatPromptTest, GemmaHasNoSystemTurnOfItsOwn) {
  EXPECT_EQ(ChatPrompt(PromptFormat::kGemma, Turns()),
            "<start_of_turn>user\ns\n\nu<end_of_turn>\n<start_of_turn>model\na<end_of_turn>\n"
            "<start_of_turn>user\nv<end_of_turn>\n<start_of_turn>model\n");
  EXPECT_EQ(ChatPrompt(PromptFormat::kGemma, {{Role::kSystem, "s"}}),
            "<start_of_turn>user\ns<end_of_turn>\n<start_of_turn>model\n");
}

}  // namespace
}  // namespace limbeck::gateway
