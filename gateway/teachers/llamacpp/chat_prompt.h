// Messages as the one text that a completion continues.
#pragma once

#include <string>
#include <vector>

#include "gateway/teachers/teacher.h"

namespace limbeck::gateway {

// Follows the turns with the opening of the assistant's answer, except for kPlain:
// - kPlain: the contents, an empty line between two; for models without a chat template;
// - kChatMl: <|im_start|>ROLE\nTEXT<|im_end|>\n (Qwen, SmolLM2);
// - kLlama3: <|start_header_id|>ROLE<|end_header_id|>\n\nTEXT<|eot_id|>;
// - kGemma: <start_of_turn>user|model\nTEXT<end_of_turn>\n, system turns in front of the next turn.
// The server adds the text's beginning token. Markers inside TEXT are not escaped, as no server
// does.
std::string ChatPrompt(PromptFormat format, const std::vector<Turn>& turns);

}  // namespace limbeck::gateway
