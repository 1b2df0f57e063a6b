#include "base/config/yaml_scalars.h"

#include <cmath>
#include <cstdio>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/utf8.h"

namespace limbeck::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr int kMaxShownNames = 20;
constexpr size_t kMaxShownBytes = 60;

std::string Got(const Scalar& scalar) {
  const std::string_view shown = TruncateUtf8(scalar.text, kMaxShownBytes);
  return absl::StrCat(", got \"", absl::Utf8SafeCEscape(ToAbsl(shown)),
                      shown.size() < scalar.text.size() ? "…\"" : "\"");
}

absl::Status Expected(std::string_view what, const Scalar& scalar) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", ToAbsl(what), Got(scalar)));
}

bool IsDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

template <typename Int>
absl::StatusOr<std::string> Whole(const Scalar& scalar) {
  std::string_view digits = scalar.text;
  if (!digits.empty() && digits.front() == '-') digits.remove_prefix(1);
  Int value = 0;
  if (!IsDigits(digits) || !absl::SimpleAtoi(scalar.text, &value)) {
    return Expected(absl::StrCat("a whole number from ", std::numeric_limits<Int>::min(), " to ",
                                 std::numeric_limits<Int>::max()),
                    scalar);
  }
  return JsonQuote(absl::StrCat(value));  // JSON's mapping reads quoted integers of any width.
}

absl::StatusOr<std::string> Real(const Scalar& scalar, double limit) {
  double value = 0;
  if (!LooksTyped(scalar.text) || !absl::SimpleAtod(scalar.text, &value) || !std::isfinite(value) ||
      std::abs(value) > limit) {
    return Expected("a finite number", scalar);
  }
  return JsonQuote(scalar.text);
}

absl::StatusOr<std::string> EnumName(const google::protobuf::EnumDescriptor& type,
                                     const Scalar& scalar) {
  if (type.FindValueByName(scalar.text) != nullptr) return JsonQuote(scalar.text);
  std::string names;
  for (int i = 0; i < type.value_count() && i < kMaxShownNames; ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", type.value(i)->name());
  }
  if (type.value_count() > kMaxShownNames) names += ", …";
  return Expected(absl::StrCat("one of ", names), scalar);
}

absl::StatusOr<std::string> Text(const Scalar& scalar) {
  if (!scalar.quoted && LooksTyped(scalar.text)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a string, quote it: \"", scalar.text, "\""));
  }
  if (!IsValidUtf8(scalar.text)) return absl::InvalidArgumentError("is not valid UTF-8");
  return JsonQuote(scalar.text);
}

// "-1.5s": at most nine digits after the point.
bool IsDuration(std::string_view text) {
  if (text.empty() || text.back() != 's') return false;
  text.remove_suffix(1);
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  const size_t point = text.find('.');
  int64_t seconds = 0;
  constexpr int64_t kMaxSeconds = 315'576'000'000;  // google.protobuf.Duration's range.
  if (!IsDigits(text.substr(0, point)) ||
      !absl::SimpleAtoi(ToAbsl(text.substr(0, point)), &seconds) || seconds > kMaxSeconds) {
    return false;
  }
  if (point == std::string_view::npos) return true;
  const std::string_view fraction = text.substr(point + 1);
  return IsDigits(fraction) && fraction.size() <= 9;
}

}  // namespace

std::string JsonQuote(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += {'\\', c};
    } else if (byte < 0x20) {
      quoted += {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

bool LooksNull(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

bool LooksTyped(std::string_view text) {
  if (LooksNull(text)) return true;
  for (const char* word : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return true;
  }
  // Digits decide: SimpleAtod also reads "nan" and "infinity", which YAML spells ".nan" and ".inf".
  double ignored = 0;
  return text.find_first_of("0123456789") != std::string_view::npos &&
         text.find_first_not_of("0123456789+-.eE") == std::string_view::npos &&
         absl::SimpleAtod(ToAbsl(text), &ignored);
}

absl::StatusOr<std::string> ScalarToJson(const FieldDescriptor& field, const Scalar& scalar) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      if (scalar.quoted || (scalar.text != "true" && scalar.text != "false")) {
        return Expected("true or false", scalar);
      }
      return scalar.text;
    case FieldDescriptor::CPPTYPE_INT32:
      return Whole<int32_t>(scalar);
    case FieldDescriptor::CPPTYPE_INT64:
      return Whole<int64_t>(scalar);
    case FieldDescriptor::CPPTYPE_UINT32:
      return Whole<uint32_t>(scalar);
    case FieldDescriptor::CPPTYPE_UINT64:
      return Whole<uint64_t>(scalar);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Real(scalar, std::numeric_limits<float>::max());
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Real(scalar, std::numeric_limits<double>::max());
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumName(*field.enum_type(), scalar);
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string ignored;
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        if (!absl::Base64Unescape(scalar.text, &ignored) &&
            !absl::WebSafeBase64Unescape(scalar.text, &ignored)) {
          return Expected("bytes in base64", scalar);
        }
        return JsonQuote(scalar.text);
      }
      return Text(scalar);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return absl::InternalError("a message is not a scalar");
}

bool HasStringForm(const Descriptor& message) {
  return message.full_name() == "google.protobuf.Duration" ||
         message.full_name() == "google.protobuf.Timestamp" ||
         message.full_name() == "google.protobuf.FieldMask";
}

absl::StatusOr<std::string> StringFormToJson(const Descriptor& message, const Scalar& scalar) {
  if (message.name() == "Duration" && !IsDuration(scalar.text)) {
    return Expected("a duration in seconds such as 90s or 1.5s", scalar);
  }
  absl::Time ignored;
  std::string error;
  if (message.name() == "Timestamp" &&
      !absl::ParseTime(absl::RFC3339_full, scalar.text, &ignored, &error)) {
    return Expected("a time such as 2026-01-31T12:00:00Z", scalar);
  }
  if (!IsValidUtf8(scalar.text)) return absl::InvalidArgumentError("is not valid UTF-8");
  return JsonQuote(scalar.text);
}

std::string UntypedToJson(const Scalar& scalar) {
  if (scalar.quoted || !LooksTyped(scalar.text)) return JsonQuote(ReplaceInvalidUtf8(scalar.text));
  if (LooksNull(scalar.text)) return "null";
  double number = 0;
  if (!absl::SimpleAtod(scalar.text, &number)) {
    return scalar.text[0] == 't' || scalar.text[0] == 'T' ? "true" : "false";
  }
  if (!std::isfinite(number)) return JsonQuote(scalar.text);
  // The shortest form that reads back as the same number.
  std::string text = absl::StrCat(number);
  double again = 0;
  if (!absl::SimpleAtod(text, &again) || again != number) {
    char buffer[32];
    std::snprintf(buffer, sizeof(buffer), "%.17g", number);
    text = buffer;
  }
  return text;
}

}  // namespace limbeck::config
