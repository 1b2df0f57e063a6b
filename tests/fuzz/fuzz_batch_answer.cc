// What a provider says of its batches: objects, lists and lines of results. An id that is accepted
// is safe within a URL, and no line of a batch is settled twice.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/batches/reconciler.h"
#include "gateway/teachers/registry.h"
#include "tests/fuzz/fuzz_input.h"

namespace limbeck::gateway {
namespace {

void RequireSafe(const std::string& id) {
  const bool safe = !id.empty() && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (!safe) std::abort();
}

void RequireSafe(const BatchStatus& status) {
  RequireSafe(status.id);
  for (const std::string& file : status.results) RequireSafe(file);
}

void ReadObjects(const BatchApi& api, std::string_view body) {
  if (const auto file = api.ReadUpload(body); file.ok()) RequireSafe(*file);
  if (const auto batch = api.ReadBatch(body); batch.ok()) {
    RequireSafe(*batch);
    static_cast<void>(api.HadNoRoom(*batch));
  }
  const auto page = api.ReadPage(body);
  if (!page.ok()) return;
  for (const BatchStatus& batch : page->batches) {
    if (!batch.id.empty()) RequireSafe(batch);
  }
}

void Reconcile(const BatchApi& api, std::string_view text) {
  // Custom ids of these lines stand in the seeds.
  const std::vector<BatchLine> lines = {{std::string(32, 'a'), 1, 1, 0},
                                        {std::string(32, 'b'), 2, 1, 0}};
  Reconciler reconciler(lines, api);
  std::vector<int> settled(lines.size());
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (const auto found = reconciler.Take(text.substr(0, end)); found.has_value()) {
      if (++settled.at(found->line) > 1) std::abort();
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  const size_t found = static_cast<size_t>(std::count(settled.begin(), settled.end(), 1));
  if (found + reconciler.Missing().size() != lines.size()) std::abort();
}

void ReadBatches(std::string_view text) {
  const BatchApi& api = *(*FindProvider("openai"))->batches();
  ReadObjects(api, text);
  Reconcile(api, text);
}

}  // namespace
}  // namespace limbeck::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::gateway::ReadBatches(limbeck::fuzz::FuzzInput(data, size).Rest());
  return 0;
}
