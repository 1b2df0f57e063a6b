// One message of a conversation with a teacher.
#pragma once

#include <string>

namespace limbeck::gateway {

struct ChatTurn {
  std::string role;  // "system", "user" or "assistant".
  std::string content;

  friend bool operator==(const ChatTurn&, const ChatTurn&) = default;
};

}  // namespace limbeck::gateway
