// Structured logging to standard error, one line a message:
//
//   LIMBECK_LOG(INFO) << "server started" << LogField("port", port);
//   2026-11-24T09:00:00.123456Z INFO gateway/main.cc:42 server started port=7070
//
// Everything here is thread-safe. A message may be built from anything with operator<<; line ends
// and control bytes in it are escaped and known secrets are replaced.
#pragma once

#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace limbeck {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

struct LogOptions {
  LogLevel min_level = LogLevel::kInfo;
  LogFormat format = LogFormat::kText;
  // A message's text and each field are cut after this many bytes.
  size_t max_text_bytes = 8u << 10;
  // Receives whole lines, line end included, one at a time; standard error when empty.
  std::function<void(std::string_view line)> sink;
};

// Replaces the process's options; until the first call the defaults hold.
void ConfigureLog(LogOptions options);

// "debug", "info", "warning", "error"; INVALID_ARGUMENT otherwise.
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text);
// "text", "json"; INVALID_ARGUMENT otherwise.
absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text);

// From now on `value` is shown as "[redacted]". Values under 6 bytes are left alone: replacing
// them would garble ordinary text. Secret does this by itself.
void RedactInLogs(std::string_view value);
// `text` with every known secret replaced; for messages that leave by another way.
std::string Redact(std::string_view text);

// A named value of a message.
struct LogField {
  template <typename T>
  LogField(std::string_view field_name, const T& field_value) : name(field_name) {
    std::ostringstream stream;
    stream << std::boolalpha << field_value;
    value = std::move(stream).str();
  }

  std::string name;
  std::string value;
};

// One message, emitted when it goes. Made by LIMBECK_LOG.
class LogMessage {
 public:
  LogMessage(LogLevel level, const char* file, int line);
  ~LogMessage();
  LogMessage(const LogMessage&) = delete;
  LogMessage& operator=(const LogMessage&) = delete;

  template <typename T>
  LogMessage& operator<<(const T& value) {
    text_ << value;
    return *this;
  }
  LogMessage& operator<<(const LogField& field) {
    fields_.push_back(field);
    return *this;
  }

  static bool Enabled(LogLevel level);

 private:
  const LogLevel level_;
  const char* const file_;
  const int line_;
  std::ostringstream text_;
  std::vector<LogField> fields_;
};

namespace log_levels {
inline constexpr LogLevel DEBUG = LogLevel::kDebug;
inline constexpr LogLevel INFO = LogLevel::kInfo;
inline constexpr LogLevel WARNING = LogLevel::kWarning;
inline constexpr LogLevel ERROR = LogLevel::kError;
}  // namespace log_levels

}  // namespace limbeck

// `level` is DEBUG, INFO, WARNING or ERROR. What is streamed is evaluated only when it is shown.
#define LIMBECK_LOG(level)                                             \
  if (!::limbeck::LogMessage::Enabled(::limbeck::log_levels::level)) { \
  } else                                                               \
    ::limbeck::LogMessage(::limbeck::log_levels::level, __FILE__, __LINE__)
