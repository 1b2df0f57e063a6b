#include "base/http/transport.h"

#include "absl/strings/match.h"
#include "base/string_view.h"

namespace limbeck::http {

std::string_view Response::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (absl::EqualsIgnoreCase(header.name, ToAbsl(name))) return header.value;
  }
  return {};
}

}  // namespace limbeck::http
