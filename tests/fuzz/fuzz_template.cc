// Any template: compiled, and rendered over one row within its limits.
#include <cstdint>
#include <cstdlib>
#include <string>

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
  const bool as_system = input.Byte() % 2 == 1;
  (as_system ? source.system : source.user) = std::string(input.Rest());
  if (as_system) source.user = "{{ text }}";
  const auto prompt = PromptTemplate::Compile(source, limits);
  if (!prompt.ok()) return;
  const auto turns = prompt->Render(kRow, 1);
  if (!turns.ok()) return;
  for (const ChatTurn& turn : *turns) {
    if (turn.content.size() > limits.jinja.max_output_bytes) std::abort();
  }
}

}  // namespace
}  // namespace limbeck::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::gateway::RenderTemplate({data, size});
  return 0;
}
