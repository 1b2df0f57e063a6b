// What is asked of the fake teacher, whatever wire shape it came in.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::testing {

// Keeps the order of a schema's properties.
using RequestJson = nlohmann::ordered_json;

struct Question {
  std::string model = "fake";
  // Everything said, for finding labels: each message and a line feed.
  std::string prompt;
  std::string last_user;  // What is judged.
  size_t max_tokens = 256;
  double temperature = 1;
  bool logprobs = false;
  size_t top_logprobs = 0;
  uint64_t seed = 0;
  bool stream = false;
  RequestJson schema;                // Null where free text is wanted.
  std::vector<std::string> choices;  // The only answers allowed; empty: any.
  // Text to be scored instead of answered, and what was said before it.
  std::string scored;
  std::string before_scored;
};

// A message's content: a string, or a list of parts with text.
std::string TextOf(const RequestJson& content);

// Adds one message.
void AddMessage(std::string_view role, const std::string& text, Question* question);

// Fills in what was said where messages were made one text, with an empty line between them.
void ReadFlatPrompt(const std::string& prompt, Question* question);

// What follows the last empty line.
std::string LastParagraph(const std::string& prompt);

// Reads a member where it is there and no null. Throws json::exception on another type.
template <typename T>
void ReadField(const RequestJson& object, const char* key, T* field) {
  const auto found = object.find(key);
  if (found != object.end() && !found->is_null()) *field = found->template get<T>();
}

}  // namespace limbeck::testing
