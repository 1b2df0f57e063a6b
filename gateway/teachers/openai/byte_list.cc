#include "gateway/teachers/openai/byte_list.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>

namespace limbeck::gateway {
namespace {

using simdjson::error_code;

// Longer lists, which no token has, are read the long way.
constexpr size_t kMaxShortList = 64;

// A list as providers write it: numbers from 0 to 255 with "," or ", " between them. Nothing for
// any other, which may be as good.
std::optional<size_t> ReadPlainList(std::string_view text, char* bytes) {
  size_t count = 0;
  // The array's own end stops every step: no digit, comma or space goes beyond it.
  const char* at = text.data() + 1;
  while (count < kMaxShortList) {
    unsigned value = static_cast<unsigned char>(*at) - unsigned{'0'};
    if (value > 9) return std::nullopt;
    ++at;
    for (int more = 0; more < 2 && value != 0; ++more) {
      const unsigned digit = static_cast<unsigned char>(*at) - unsigned{'0'};
      if (digit > 9) break;
      value = 10 * value + digit;
      ++at;
    }
    if (value > 255) return std::nullopt;
    bytes[count++] = static_cast<char>(value);
    if (*at == ']') return count;
    if (*at != ',') return std::nullopt;
    ++at;
    if (*at == ' ') ++at;
  }
  return std::nullopt;
}

class NumberList {
 public:
  explicit NumberList(std::string_view text) : text_(text), at_(1) {}

  error_code Read(std::string* bytes, bool* usable) {
    *usable = true;
    SkipSpace();
    if (Now() == ']') return simdjson::SUCCESS;
    while (true) {
      double number = 0;
      if (!ReadNumber(&number)) return simdjson::NUMBER_ERROR;
      *usable = *usable && number >= 0 && number <= 255 && number == std::floor(number);
      if (*usable) bytes->push_back(static_cast<char>(static_cast<int>(number)));
      SkipSpace();
      if (Now() == ']') return simdjson::SUCCESS;
      if (Now() != ',') return simdjson::TAPE_ERROR;
      ++at_;
      SkipSpace();
    }
  }

 private:
  char Now() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }

  void SkipSpace() {
    while (Now() == ' ' || Now() == '\n' || Now() == '\r' || Now() == '\t') ++at_;
  }

  // All that JSON calls a number.
  bool ReadNumber(double* number) {
    const std::string_view rest = text_.substr(at_);
    const std::string_view digits = rest.substr(rest.starts_with('-') ? 1 : 0);
    if (digits.empty() || !IsDigit(digits[0])) return false;
    if (digits[0] == '0' && digits.size() > 1 && IsDigit(digits[1])) return false;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), *number);
    at_ += static_cast<size_t>(end - rest.data());
    // Beyond a double's range is no byte either.
    if (error == std::errc::result_out_of_range) *number = -1;
    return error != std::errc::invalid_argument;
  }

  const std::string_view text_;
  size_t at_;
};

}  // namespace

error_code ReadByteList(std::string_view text, std::string* bytes, bool* usable) {
  char plain[kMaxShortList];
  if (const std::optional<size_t> count = ReadPlainList(text, plain)) {
    bytes->assign(plain, *count);
    *usable = true;
    return simdjson::SUCCESS;
  }
  bytes->clear();
  return NumberList(text).Read(bytes, usable);
}

}  // namespace limbeck::gateway
