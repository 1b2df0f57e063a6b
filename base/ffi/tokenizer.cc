#include "base/ffi/tokenizer.h"

#include <utility>

#include "base/ffi/limbeck_ffi.h"
#include "base/ffi/result.h"
#include "base/status.h"

namespace limbeck {

void Tokenizer::Free::operator()(limbeck_tokenizer* handle) const {
  limbeck_tokenizer_free(handle);
}

absl::StatusOr<Tokenizer> Tokenizer::Own(limbeck_tokenizer* handle) {
  Tokenizer result;
  result.handle_.reset(handle);
  limbeck_string error = {nullptr, 0};
  const int32_t status =
      limbeck_tokenizer_vocabulary_size(handle, &result.vocabulary_size_, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(status, error));
  return result;
}

absl::StatusOr<Tokenizer> Tokenizer::FromFile(std::string_view path) {
  limbeck_tokenizer* handle = nullptr;
  limbeck_string error = {nullptr, 0};
  const int32_t status =
      limbeck_tokenizer_from_file(FfiBytes(path.data()), path.size(), &handle, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(status, error));
  return Own(handle);
}

absl::StatusOr<Tokenizer> Tokenizer::FromBytes(std::string_view json) {
  limbeck_tokenizer* handle = nullptr;
  limbeck_string error = {nullptr, 0};
  const int32_t status =
      limbeck_tokenizer_from_bytes(FfiBytes(json.data()), json.size(), &handle, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(status, error));
  return Own(handle);
}

absl::StatusOr<std::vector<EncodedToken>> Tokenizer::Encode(std::string_view text,
                                                            bool add_special_tokens) const {
  limbeck_tokens tokens = {nullptr, 0};
  limbeck_string error = {nullptr, 0};
  const int32_t status = limbeck_tokenizer_encode(handle_.get(), FfiBytes(text.data()), text.size(),
                                                  add_special_tokens, &tokens, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(status, error));
  std::vector<EncodedToken> result;
  result.reserve(tokens.size);
  for (size_t i = 0; i < tokens.size; ++i) {
    result.push_back({tokens.data[i].id, tokens.data[i].begin, tokens.data[i].end});
  }
  limbeck_tokens_free(tokens);
  return result;
}

absl::StatusOr<std::string> Tokenizer::Decode(const std::vector<uint32_t>& ids,
                                              bool skip_special_tokens) const {
  limbeck_string text = {nullptr, 0};
  limbeck_string error = {nullptr, 0};
  const int32_t status = limbeck_tokenizer_decode(handle_.get(), ids.data(), ids.size(),
                                                  skip_special_tokens, &text, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(status, error));
  return TakeFfiString(text);
}

std::optional<uint32_t> Tokenizer::TokenToId(std::string_view token) const {
  int64_t id = -1;
  limbeck_string error = {nullptr, 0};
  const int32_t status = limbeck_tokenizer_token_to_id(handle_.get(), FfiBytes(token.data()),
                                                       token.size(), &id, &error);
  // Bytes that are not UTF-8 spell no token.
  if (!TakeFfiStatus(status, error).ok() || id < 0) return std::nullopt;
  return static_cast<uint32_t>(id);
}

absl::StatusOr<std::string> Tokenizer::IdToToken(uint32_t id) const {
  limbeck_string token = {nullptr, 0};
  limbeck_string error = {nullptr, 0};
  const int32_t status = limbeck_tokenizer_id_to_token(handle_.get(), id, &token, &error);
  LIMBECK_RETURN_IF_ERROR(TakeFfiStatus(status, error));
  return TakeFfiString(token);
}

}  // namespace limbeck
