// The seam to wire shapes: how a request of one provider is read, and how answers and errors look.
// One file per shape under shapes/; shapes.h lists them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/fake_teacher/compose.h"
#include "tests/support/fake_teacher/question.h"
#include "tests/support/http_parser.h"

namespace limbeck::testing {

struct WireAnswer {
  int status = 200;
  // "Content-Type" and the provider's own.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

enum class WireErrorKind { kRateLimited, kBilling, kBadKey, kNotFound, kInvalid, kServer };

struct WireError {
  WireErrorKind kind = WireErrorKind::kServer;
  int status = 0;  // 0: what the provider answers to this kind.
  std::string message;
  // How long to wait, in the provider's place and spelling; empty: not said. Sent as it stands, so
  // that it may be nonsense.
  std::string wait;
};

// Stateless and thread-safe.
class Shape {
 public:
  virtual ~Shape() = default;

  // As the gateway's configuration names it.
  virtual std::string_view kind() const = 0;
  // What a teacher's base URL has behind host and port.
  virtual std::string_view base_path() const = 0;
  // Whether a POST to `target` (path and query) is a question.
  virtual bool Serves(std::string_view target) const = 0;
  // The key that came along; by default a bearer.
  virtual std::string_view Credential(const HttpRequest& request) const;
  // Throws json::exception when the body is no request of this shape.
  virtual Question Read(const HttpRequest& request) const = 0;
  // A whole answer, or all events of a stream. `id` is a function of the request.
  virtual WireAnswer Write(const Question& question, const Reply& reply,
                           const std::string& id) const = 0;
  virtual WireAnswer Error(const WireError& error) const = 0;
};

// JSON as a body; bytes that are no UTF-8 are replaced.
WireAnswer JsonAnswer(int status, const nlohmann::json& body);

// Server-sent events, one for each element, with `data: [DONE]` at the end where asked for.
WireAnswer SseAnswer(const std::vector<nlohmann::json>& events, bool done);

// The status that most providers answer with.
int UsualStatus(const WireError& error);

}  // namespace limbeck::testing
