// What a gateway keeps for itself and reads back: byte 0 chooses between a row index and a
// harvest's mark. Whatever is accepted is what would have been written.
#include <cstdint>
#include <cstdlib>

#include "gateway/jobs/harvest_mark.h"
#include "gateway/jobs/row_index.h"
#include "tests/fuzz/fuzz_input.h"

namespace limbeck::gateway {
namespace {

void ReadBack(fuzz::FuzzInput input) {
  const bool index = input.Byte() % 2 == 0;
  const std::string_view bytes = input.Rest();
  if (index) {
    const auto read = RowIndex::Decode(bytes);
    if (!read.ok()) return;
    if (read->Encode() != bytes) std::abort();
    // Every row is found or passed over, none twice.
    for (uint64_t row = 0; row < read->rows() && row < 1000; ++row) {
      if (read->NextFrom(row) < row) std::abort();
    }
    return;
  }
  const auto read = DecodeMark(bytes);
  if (read.ok() && DecodeMark(EncodeMark(*read))->models != read->models) std::abort();
}

}  // namespace
}  // namespace limbeck::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  limbeck::gateway::ReadBack({data, size});
  return 0;
}
