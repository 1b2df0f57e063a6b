// Cuts a fuzzer's bytes into the typed pieces that a target needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace limbeck::fuzz {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  // The next byte; 0 when there is none.
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // What stands before the next line feed; everything when there is none.
  std::string_view Line() {
    const size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return line;
  }
  // What has not been taken.
  std::string_view Rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace limbeck::fuzz
