#include "gateway/teachers/llamacpp/choice_grammar.h"

#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace limbeck::gateway {
namespace {

std::string Literal(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      literal.push_back('\\');
      literal.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppend(&literal, absl::StrFormat("\\x%02X", static_cast<unsigned char>(c)));
    } else {
      literal.push_back(c);
    }
  }
  return literal + "\"";
}

}  // namespace

std::string ChoiceGrammar(const std::vector<std::string>& choices) {
  std::string grammar = "root ::= ";
  const char* separator = "";
  for (const std::string& choice : choices) {
    absl::StrAppend(&grammar, separator, Literal(choice));
    separator = " | ";
  }
  return grammar;
}

}  // namespace limbeck::gateway
