// Any template: compiled, and rendered over a row within its limits. Bit 0 of the first byte puts
// it into the system part, bit 1 takes the row from the next line, else it is a plain one.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/utf8.h"
#include "gateway/templates/prompt_template.h"
#include "tests/fuzz/fuzz_input.h"

namespace limbeck::gateway {
namespace {

constexpr std::string_view kRow =
    R"({"text": "a small wild cat", "label": "animal", "n": 3, "flag": true})";

void RenderTemplate(fuzz::FuzzInput input) {
  PromptTemplateLimits limits;
  limits.jinja.max_source_bytes = 4096;
  limits.jinja.max_output_bytes = 64 << 10;
  limits.jinja.fuel = 20'000;
  PromptTemplateSource source;
  const uint8_t choice = input.Byte();
  const bool as_system = (choice & 1) != 0;
  const std::string_view row = (choice & 2) != 0 ? input.Line() : kRow;
  (as_system ? source.system : source.user) = std::string(input.Rest());
  if (as_system) source.user = "{{ text }}";
  const auto prompt = PromptTemplate::Compile(source, limits);
  if (!prompt.ok()) return;
  const auto turns = prompt->Render(row, 1);
  if (!turns.ok()) return;
  for (const ChatTurn& turn : *turns) {
    if (!IsValidUtf8(turn.content)) std::abort();
    if (turn.content.size() > limits.jinja.max_output_bytes) std::abort();
  }
}

}  // namespace
}  // namespace limbeck::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::gateway::RenderTemplate({data, size});
  return 0;
}
