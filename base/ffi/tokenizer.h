// A Hugging Face tokenizer (tokenizer.json): the C++ owner of the engine behind limbeck_ffi.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

struct limbeck_tokenizer;

namespace limbeck {

struct EncodedToken {
  uint32_t id;
  // Byte range in the text; empty for tokens that cover none, such as [CLS].
  uint32_t begin;
  uint32_t end;

  friend bool operator==(const EncodedToken&, const EncodedToken&) = default;
};

// Ids equal those of the Python `tokenizers` package; truncation and padding that the file asks
// for are off. Movable; const methods may be called from many threads at once.
class Tokenizer {
 public:
  // INVALID_ARGUMENT names the path or what is wrong with the JSON.
  static absl::StatusOr<Tokenizer> FromFile(std::string_view path);
  static absl::StatusOr<Tokenizer> FromBytes(std::string_view json);

  // INVALID_ARGUMENT for text that is not UTF-8.
  absl::StatusOr<std::vector<EncodedToken>> Encode(std::string_view text,
                                                   bool add_special_tokens) const;
  // INVALID_ARGUMENT for an id outside the vocabulary.
  absl::StatusOr<std::string> Decode(const std::vector<uint32_t>& ids,
                                     bool skip_special_tokens) const;

  // Entries including added tokens. Ids may have gaps, so the largest id can be larger.
  size_t vocabulary_size() const { return vocabulary_size_; }
  std::optional<uint32_t> TokenToId(std::string_view token) const;
  // The vocabulary's own spelling ("Ġthe"), not text. INVALID_ARGUMENT outside the vocabulary.
  absl::StatusOr<std::string> IdToToken(uint32_t id) const;

 private:
  struct Free {
    void operator()(limbeck_tokenizer* handle) const;
  };
  Tokenizer() = default;
  static absl::StatusOr<Tokenizer> Own(limbeck_tokenizer* handle);

  std::unique_ptr<limbeck_tokenizer, Free> handle_;
  size_t vocabulary_size_ = 0;
};

}  // namespace limbeck
