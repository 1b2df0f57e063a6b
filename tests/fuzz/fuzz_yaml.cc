// The YAML reader on any text: byte 0 chooses between a job spec and the operator's configuration.
#include <cstdint>
#include <cstdlib>

#include "base/config/yaml.h"
#include "limbeck/v1/config.pb.h"
#include "limbeck/v1/job.pb.h"
#include "tests/fuzz/fuzz_input.h"

namespace limbeck {
namespace {

template <typename Message>
void Parse(std::string_view text) {
  config::YamlLimits limits;
  limits.max_bytes = 16 << 10;
  limits.max_nodes = 10'000;
  Message message;
  const absl::Status status = config::ParseYaml(text, "fuzz.yaml", &message, limits);
  // A file that is refused leaves the message alone.
  if (!status.ok() && message.ByteSizeLong() != 0) std::abort();
}

}  // namespace
}  // namespace limbeck

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::fuzz::FuzzInput input(data, size);
  if (input.Byte() % 2 == 0) {
    limbeck::Parse<limbeck::v1::JobSpec>(input.Rest());
  } else {
    limbeck::Parse<limbeck::v1::LimbeckConfig>(input.Rest());
  }
  return 0;
}
