#include "base/secret.h"

#include <openssl/crypto.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/status.h"

namespace limbeck {
namespace {

constexpr size_t kMaxSecretBytes = 64u << 10;

}  // namespace

Secret::Secret(std::string value) : value_(std::move(value)) { RedactInLogs(value_); }

Secret::~Secret() { Wipe(); }

Secret::Secret(Secret&& other) noexcept : value_(other.value_) { other.Wipe(); }

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    Wipe();
    value_ = other.value_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    value_ = other.value_;
    other.Wipe();
  }
  return *this;
}

void Secret::Wipe() {
  OPENSSL_cleanse(value_.data(), value_.size());
  value_.clear();
}

absl::StatusOr<Secret> Secret::FromFile(const std::string& path) {
  absl::StatusOr<std::string> content = ReadFile(path);
  if (!content.ok()) return Annotate(content.status(), "read secret");
  const std::string trimmed(absl::StripAsciiWhitespace(*content));
  OPENSSL_cleanse(content->data(), content->size());
  if (trimmed.empty() || trimmed.size() > kMaxSecretBytes) {
    return absl::InvalidArgumentError(absl::StrCat("secret file ", path, " has ", trimmed.size(),
                                                   " bytes, expected 1 to ", kMaxSecretBytes));
  }
  return Secret(trimmed);
}

absl::StatusOr<Secret> Secret::FromEnv(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr || *value == '\0') {
    return absl::NotFoundError(absl::StrCat("environment variable ", name, " is not set"));
  }
  return Secret(value);
}

bool Secret::Matches(std::string_view candidate) const {
  // Digests have one length, so the comparison does not tell the secret's.
  const std::string ours = Sha256(value_);
  const std::string theirs = Sha256(candidate);
  return CRYPTO_memcmp(ours.data(), theirs.data(), ours.size()) == 0;
}

}  // namespace limbeck
