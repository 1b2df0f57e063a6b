#include "base/kv/postgres/connection_string.h"

#include <libpq-fe.h>

#include <memory>
#include <string_view>

namespace limbeck::kv {

absl::Status CheckConnectionString(const std::string& connection) {
  if (connection.empty()) {
    return absl::InvalidArgumentError(
        "is required, for example \"host=db.example dbname=limbeck user=limbeck\"");
  }
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(connection.c_str(), &error), PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> freed(error, PQfreemem);
  if (options == nullptr) {
    // libpq's words may repeat a part of the string, and with it a password.
    return absl::InvalidArgumentError(
        "is neither \"keyword=value …\" nor a postgresql:// URI as libpq reads them");
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    const bool set = option->val != nullptr && *option->val != '\0';
    if (set && std::string_view(option->keyword) == "password") {
      return absl::InvalidArgumentError("holds a password; move it to database.password");
    }
  }
  return absl::OkStatus();
}

}  // namespace limbeck::kv
