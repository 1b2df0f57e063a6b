#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/utf8.h"

namespace limbeck {
namespace {

constexpr size_t kMinRedactedBytes = 6;
constexpr std::string_view kRedacted = "[redacted]";

// The process's log; never destroyed, so that static destructors may still log.
struct Log {
  std::atomic<LogLevel> min_level = LogLevel::kInfo;
  absl::Mutex mu;
  LogOptions options ABSL_GUARDED_BY(mu);
  std::set<std::string, std::less<>> secrets ABSL_GUARDED_BY(mu);
};

Log& TheLog() {
  static Log* const log = new Log;
  return *log;
}

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
  }
  return "ERROR";
}

std::string RedactWith(const std::set<std::string, std::less<>>& secrets, std::string_view text) {
  std::string shown(text);
  for (const std::string& secret : secrets) {
    if (shown.find(secret) != std::string::npos) {
      shown = absl::StrReplaceAll(shown, {{secret, ToAbsl(kRedacted)}});
    }
  }
  return shown;
}

std::string Shorten(std::string text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  const size_t cut = text.size() - max_bytes;
  text.resize(max_bytes);
  return absl::StrCat(text, "[", cut, " more bytes]");
}

// Escapes as inside a JSON string; the text format uses the same, so that a message stays one line.
std::string Escape(std::string_view text, bool escape_quotes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string escaped;
  escaped.reserve(text.size());
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const size_t length = Utf8SequenceLength(text);
    if (byte == '\n') {
      escaped += "\\n";
    } else if (escape_quotes && (byte == '"' || byte == '\\')) {
      escaped += {'\\', text.front()};
    } else if (byte < 0x20 || byte == 0x7f || length == 0) {
      escaped += {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      escaped.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return escaped;
}

std::string Quoted(std::string_view text) { return absl::StrCat("\"", Escape(text, true), "\""); }

std::string TextValue(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" =\"\\\n\t") == std::string_view::npos;
  return plain ? Escape(text, false) : Quoted(text);
}

void WriteToStderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    line.remove_prefix(static_cast<size_t>(written));
  }
}

// Paths are given by the compiler; what precedes the repository's root says nothing.
std::string_view ShortFile(std::string_view file) {
  constexpr std::string_view kThisFile = "base/log.cc";
  static const size_t root = std::string_view(__FILE__).size() - kThisFile.size();
  return file.size() > root && file.substr(0, root) == std::string_view(__FILE__).substr(0, root)
             ? file.substr(root)
             : file;
}

}  // namespace

void ConfigureLog(LogOptions options) {
  Log& log = TheLog();
  absl::MutexLock lock(&log.mu);
  log.min_level = options.min_level;
  log.options = std::move(options);
}

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text) {
  if (text == "debug") return LogLevel::kDebug;
  if (text == "info") return LogLevel::kInfo;
  if (text == "warning") return LogLevel::kWarning;
  if (text == "error") return LogLevel::kError;
  return absl::InvalidArgumentError(
      absl::StrCat("log level \"", ToAbsl(text), "\" is not one of: debug, info, warning, error"));
}

absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return absl::InvalidArgumentError(
      absl::StrCat("log format \"", ToAbsl(text), "\" is not one of: text, json"));
}

void RedactInLogs(std::string_view value) {
  if (value.size() < kMinRedactedBytes) return;
  Log& log = TheLog();
  absl::MutexLock lock(&log.mu);
  log.secrets.emplace(value);
}

std::string Redact(std::string_view text) {
  Log& log = TheLog();
  absl::MutexLock lock(&log.mu);
  return RedactWith(log.secrets, text);
}

LogMessage::LogMessage(LogLevel level, const char* file, int line)
    : level_(level), file_(file), line_(line) {
  text_ << std::boolalpha;
}

bool LogMessage::Enabled(LogLevel level) {
  return level >= TheLog().min_level.load(std::memory_order_relaxed);
}

LogMessage::~LogMessage() {
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone());
  const std::string at = absl::StrCat(ToAbsl(ShortFile(file_)), ":", line_);
  Log& log = TheLog();
  absl::MutexLock lock(&log.mu);
  const auto shown = [&log](std::string_view text) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return Shorten(RedactWith(log.secrets, text), log.options.max_text_bytes);
  };
  const std::string text = shown(std::move(text_).str());
  std::string line;
  if (log.options.format == LogFormat::kJson) {
    line = absl::StrCat("{\"time\":\"", time, "\",\"level\":\"", ToAbsl(LevelName(level_)),
                        "\",\"at\":", Quoted(at), ",\"message\":", Quoted(text));
    for (const LogField& field : fields_) {
      absl::StrAppend(&line, ",", Quoted(field.name), ":", Quoted(shown(field.value)));
    }
    line += "}\n";
  } else {
    line = absl::StrCat(time, " ", ToAbsl(LevelName(level_)), " ", at, " ", Escape(text, false));
    for (const LogField& field : fields_) {
      absl::StrAppend(&line, " ", field.name, "=", TextValue(shown(field.value)));
    }
    line += "\n";
  }
  if (log.options.sink) {
    log.options.sink(line);
  } else {
    WriteToStderr(line);
  }
}

}  // namespace limbeck
