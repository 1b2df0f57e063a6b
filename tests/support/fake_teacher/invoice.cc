#include "tests/support/fake_teacher/invoice.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace limbeck::testing {

absl::StatusOr<std::vector<InvoiceLine>> ReadInvoice(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("invoice ", path));
  std::stringstream content;
  content << file.rdbuf();
  std::string text = content.str();
  const size_t end = text.rfind('\n');
  text.resize(end == text.npos ? 0 : end + 1);
  std::vector<InvoiceLine> lines;
  std::istringstream stream(text);
  for (std::string row; std::getline(stream, row);) {
    const nlohmann::json json = nlohmann::json::parse(row, nullptr, false);
    if (!json.is_object()) return absl::DataLossError(absl::StrCat("invoice ", path, ": ", row));
    InvoiceLine line;
    line.key = json.value("key", "");
    line.idempotency_key = json.value("idempotency_key", "");
    line.unix_millis = json.value("unix_millis", int64_t{0});
    line.status = json.value("status", 0);
    line.note = json.value("note", "");
    lines.push_back(std::move(line));
  }
  return lines;
}

Invoice::Invoice(const std::string& path) {
  if (path.empty()) return;
  fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) status_ = absl::ErrnoToStatus(errno, absl::StrCat("open invoice ", path));
}

Invoice::~Invoice() {
  if (fd_ >= 0) close(fd_);
}

absl::Status Invoice::status() const { return status_; }

void Invoice::Add(InvoiceLine line) {
  absl::MutexLock lock(&mu_);
  if (fd_ >= 0) {
    const nlohmann::json json = {{"key", line.key},
                                 {"idempotency_key", line.idempotency_key},
                                 {"unix_millis", line.unix_millis},
                                 {"status", line.status},
                                 {"note", line.note}};
    const auto replace = nlohmann::json::error_handler_t::replace;
    absl::StrAppend(&unwritten_, json.dump(-1, ' ', false, replace), "\n");
  }
  lines_.push_back(std::move(line));
}

void Invoice::Sync() {
  absl::MutexLock lock(&mu_);
  size_t written = 0;
  while (written < unwritten_.size()) {
    const ssize_t bytes = write(fd_, unwritten_.data() + written, unwritten_.size() - written);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) {
      std::perror("fake_teacher: write invoice");
      std::abort();
    }
    written += static_cast<size_t>(bytes);
  }
  if (written > 0 && fdatasync(fd_) != 0) {
    std::perror("fake_teacher: sync invoice");
    std::abort();
  }
  unwritten_.clear();
}

std::vector<InvoiceLine> Invoice::lines() const {
  absl::MutexLock lock(&mu_);
  return lines_;
}

}  // namespace limbeck::testing
