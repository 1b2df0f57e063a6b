// Encodes soft outputs as records and back. Format: docs/formats/record.md.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cache/records/soft_output.h"

namespace limbeck::cache {

// Immutable bytes with magic, version and checksum. Lossless.
std::string EncodeRecord(const SoftOutput& output);

// DATA_LOSS on any damage: wrong magic, unknown version, truncation, checksum, impossible counts.
// Never crashes and never returns wrong numbers for damaged bytes.
absl::StatusOr<SoftOutput> DecodeRecord(std::string_view record);

}  // namespace limbeck::cache
