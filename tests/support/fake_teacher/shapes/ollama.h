// Ollama's own API: docs/api.md of ollama/ollama, POST /api/chat. Streams are lines of JSON.
#pragma once

#include "tests/support/fake_teacher/shape.h"

namespace limbeck::testing {

class OllamaShape : public Shape {
 public:
  std::string_view kind() const override { return "ollama"; }
  std::string_view base_path() const override { return ""; }
  bool Serves(std::string_view target) const override { return target == "/api/chat"; }
  Question Read(const HttpRequest& request) const override;
  WireAnswer Write(const Question& question, const Reply& reply,
                   const std::string& id) const override;
  WireAnswer Error(const WireError& error) const override;
};

}  // namespace limbeck::testing
