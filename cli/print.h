// How the command line shows things: money, times, tables, JSON and errors.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace limbeck::cli {

// "$12.34"; below a cent as many digits as needed: "$0.000012".
std::string FormatUsd(int64_t micro_usd);
// The reverse, for options: "25", "0.5", "$12.34". INVALID_ARGUMENT for anything else, for negative
// amounts and for more than six decimals.
absl::StatusOr<int64_t> ParseUsd(std::string_view text);
// "1,234,567".
std::string FormatCount(uint64_t value);
// "3.2 MiB".
std::string FormatBytes(uint64_t bytes);
// "2h05m", "3m20s", "12s"; "-" for nothing known (0).
std::string FormatSeconds(double seconds);
// "2026-11-24 09:30:00" in UTC; "-" when unset.
std::string FormatTime(const google::protobuf::Timestamp& time);
// "JOB_STATE_RUNNING" → "RUNNING", given the enum's prefix.
std::string EnumName(std::string_view full_name, std::string_view prefix);

// Left-aligned columns two spaces apart. `rows` hold as many cells as `header`.
void PrintTable(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows, std::ostream& out);

// The message in protobuf's JSON mapping with the proto's own field names, all fields that are not
// messages included. `one_line` for streams of them.
absl::Status PrintJson(const google::protobuf::Message& message, std::ostream& out,
                       bool one_line = false);

// "limbeck: …", then the named reason and one line for each wrong field.
void PrintError(const absl::Status& status, std::ostream& err);
// kExitBadInput for what the caller can mend by changing input, else kExitFailure.
int ExitCodeFor(const absl::Status& status);

}  // namespace limbeck::cli
