#include "tests/support/fake_teacher/question.h"

#include "absl/strings/str_split.h"

namespace limbeck::testing {
namespace {

constexpr const char* kBetweenMessages = "\n\n";

}  // namespace

std::string TextOf(const RequestJson& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (content.is_array()) {
    for (const RequestJson& part : content) text += part.value("text", "");
  }
  return text;
}

void AddMessage(std::string_view role, const std::string& text, Question* question) {
  question->prompt += text + "\n";
  if (role == "user") question->last_user = text;
}

void ReadFlatPrompt(const std::string& prompt, Question* question) {
  for (const absl::string_view part : absl::StrSplit(prompt, kBetweenMessages)) {
    AddMessage("user", std::string(part), question);
  }
}

std::string LastParagraph(const std::string& prompt) {
  const size_t border = prompt.rfind(kBetweenMessages);
  return border == std::string::npos ? prompt : prompt.substr(border + 2);
}

}  // namespace limbeck::testing
