#include "cli/print.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/error_details.h"
#include "base/string_view.h"
#include "cli/exit_codes.h"
#include "google/protobuf/util/json_util.h"

namespace limbeck::cli {
namespace {

constexpr int64_t kMicro = 1'000'000;

// Printable characters take one column each; UTF-8 continuation bytes none.
size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string FormatUsd(int64_t micro_usd) {
  const char* sign = micro_usd < 0 ? "-" : "";
  const uint64_t amount = micro_usd < 0 ? 0 - static_cast<uint64_t>(micro_usd) : micro_usd;
  std::string digits = absl::StrFormat("%06u", amount % kMicro);
  const bool below_a_cent = amount > 0 && amount < 10'000;
  // Whole cents are enough for a person, except where they would hide everything.
  if (below_a_cent) {
    while (digits.back() == '0') digits.pop_back();
    return absl::StrCat(sign, "$0.", digits);
  }
  const uint64_t cents = amount / 10'000 + (amount % 10'000 >= 5'000 ? 1 : 0);
  return absl::StrFormat("%s$%s.%02u", sign, FormatCount(cents / 100), cents % 100);
}

absl::StatusOr<int64_t> ParseUsd(std::string_view text) {
  const auto bad = [&] {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", ToAbsl(text), "\" is no amount of money; write dollars, for example 25 or 0.50"));
  };
  std::string_view rest = text;
  if (!rest.empty() && rest.front() == '$') rest.remove_prefix(1);
  const size_t dot = rest.find('.');
  const std::string_view whole = rest.substr(0, dot);
  const std::string_view part = dot == std::string_view::npos ? "" : rest.substr(dot + 1);
  const auto digits = [](std::string_view s) {
    return std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (whole.empty() || whole.size() > 12 || part.size() > 6 || !digits(whole) || !digits(part) ||
      (dot != std::string_view::npos && part.empty())) {
    return bad();
  }
  int64_t dollars = 0;
  int64_t micro = 0;
  const std::string padded = std::string(part) + std::string(6 - part.size(), '0');
  if (!absl::SimpleAtoi(ToAbsl(whole), &dollars) || !absl::SimpleAtoi(padded, &micro)) return bad();
  return dollars * kMicro + micro;
}

std::string FormatCount(uint64_t value) {
  std::string digits = absl::StrCat(value);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3) digits.insert(i, ",");
  return digits;
}

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double value = static_cast<double>(bytes);
  const char* const units[] = {"KiB", "MiB", "GiB", "TiB"};
  int unit = -1;
  while (value >= 1024 && unit < 3) {
    value /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", value, units[unit]);
}

std::string FormatSeconds(double seconds) {
  if (!(seconds > 0) || !std::isfinite(seconds) || seconds > 1e9) return "-";
  const int64_t whole = std::llround(seconds);
  if (whole >= 3600) return absl::StrFormat("%dh%02dm", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return absl::StrFormat("%dm%02ds", whole / 60, whole % 60);
  return absl::StrFormat("%ds", std::max<int64_t>(whole, 1));
}

std::string FormatTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string EnumName(std::string_view full_name, std::string_view prefix) {
  if (full_name.substr(0, prefix.size()) == prefix) full_name.remove_prefix(prefix.size());
  return std::string(full_name);
}

void PrintTable(const std::vector<std::string>& header,
                const std::vector<std::vector<std::string>>& rows, std::ostream& out) {
  std::vector<size_t> widths;
  for (const auto& cell : header) widths.push_back(DisplayWidth(cell));
  for (const auto& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  const auto print = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < widths.size(); ++i) {
      out << row[i];
      if (i + 1 < widths.size()) out << std::string(widths[i] - DisplayWidth(row[i]) + 2, ' ');
    }
    out << '\n';
  };
  print(header);
  for (const auto& row : rows) print(row);
}

absl::Status PrintJson(const google::protobuf::Message& message, std::ostream& out, bool one_line) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = !one_line;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) return absl::InternalError(std::string(status.message()));
  if (one_line) text += '\n';
  out << text << std::flush;
  return absl::OkStatus();
}

void PrintError(const absl::Status& status, std::ostream& err) {
  const auto violations = GetFieldViolations(status);
  std::string message(status.message());
  // A message that lists the violations itself would show them twice.
  if (!violations.empty()) message = message.substr(0, message.find('\n'));
  err << "limbeck: ";
  if (const auto reason = GetReason(status); reason.has_value()) err << reason->reason << ": ";
  if (message.empty()) message = absl::StatusCodeToString(status.code());
  err << message << '\n';
  for (const auto& violation : violations) {
    err << "  " << violation.field << ": " << violation.description << '\n';
  }
  if (status.code() == absl::StatusCode::kUnavailable) {
    err << "  Is Limbeck running, and is --server right? `limbeck up` starts it on this machine.\n";
  }
  err << std::flush;
}

int ExitCodeFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kExitBadInput;
    default:
      return kExitFailure;
  }
}

}  // namespace limbeck::cli
