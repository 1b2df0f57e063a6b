// Keys, tokens and passwords as a type that cannot be printed by accident.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace limbeck {

// Copyable; each copy wipes its bytes when it goes. Const methods are thread-safe.
class Secret {
 public:
  Secret() = default;
  // Also has logs show "[redacted]" where they would show `value` (see base/log.h).
  explicit Secret(std::string value);
  ~Secret();
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;

  // The content of a file without surrounding white space. NOT_FOUND, or INVALID_ARGUMENT where the
  // file is empty or over 64 KiB. Messages name the file, never its content.
  static absl::StatusOr<Secret> FromFile(const std::string& path);
  // The value of an environment variable. NOT_FOUND where it is unset or empty.
  static absl::StatusOr<Secret> FromEnv(const std::string& name);

  bool empty() const { return value_.empty(); }
  // The secret itself, valid while this object lives. Call it where the bytes are sent or compared,
  // and nowhere else.
  std::string_view Reveal() const { return value_; }

  // Compares in time that depends on the length of `candidate` alone.
  bool Matches(std::string_view candidate) const;

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;
  template <typename Sink>
  friend void AbslStringify(Sink&, const Secret&) = delete;
  friend bool operator==(const Secret&, const Secret&) = delete;  // See Matches.

 private:
  void Wipe();

  std::string value_;
};

}  // namespace limbeck
