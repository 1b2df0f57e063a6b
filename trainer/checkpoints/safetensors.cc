#include "trainer/checkpoints/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::trainer {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they lie");

using Json = nlohmann::ordered_json;

constexpr char kMetadata[] = "__metadata__";

absl::Status Damage(std::string_view what) {
  return absl::DataLossError(absl::StrCat("safetensors: ", ToAbsl(what)));
}

struct Extent {
  uint64_t begin = 0;
  uint64_t end = 0;
};

absl::StatusOr<std::vector<int64_t>> ReadShape(const std::string& name, const Json& shape,
                                               uint64_t elements) {
  if (!shape.is_array() || shape.size() > 8) return Damage("shape of " + name);
  std::vector<int64_t> result;
  uint64_t product = 1;
  for (const Json& dimension : shape) {
    if (!dimension.is_number_unsigned()) return Damage("shape of " + name);
    const auto size = dimension.get<uint64_t>();
    // Bounding the product by what the bytes allow rules out overflow. Beside a zero other
    // dimensions may be anything.
    const uint64_t most = elements == 0 ? uint64_t{1} << 31 : elements;
    if (size > most || (elements != 0 && size != 0 && product > elements / size)) {
      return Damage("shape of " + name + " exceeds its data");
    }
    product = product == 0 || size == 0 ? 0 : elements == 0 ? 1 : product * size;
    result.push_back(static_cast<int64_t>(size));
  }
  if (product != elements) return Damage("shape of " + name + " does not fit its data");
  return result;
}

absl::StatusOr<Extent> ReadTensor(const std::string& name, const Json& entry, std::string_view data,
                                  TensorFile* file) {
  if (!entry.is_object() || entry.value("dtype", Json()) != "F32") {
    return Damage("type of " + name + " is not F32");
  }
  const Json offsets = entry.value("data_offsets", Json());
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    return Damage("offsets of " + name);
  }
  const Extent extent{offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>()};
  if (extent.begin > extent.end || extent.end > data.size() ||
      (extent.end - extent.begin) % sizeof(float) != 0) {
    return Damage("offsets of " + name + " lie outside the file");
  }
  const uint64_t elements = (extent.end - extent.begin) / sizeof(float);
  Tensor tensor;
  LIMBECK_ASSIGN_OR_RETURN(tensor.shape, ReadShape(name, entry.value("shape", Json()), elements));
  tensor.values.resize(elements);
  if (elements > 0) {
    std::memcpy(tensor.values.data(), data.data() + extent.begin, extent.end - extent.begin);
  }
  file->tensors.emplace(name, std::move(tensor));
  return extent;
}

// Distinct tensors must tile the data exactly. Checked before any bytes are copied, so that many
// names on the same bytes cannot multiply memory.
absl::Status CheckTiling(const Json& header, uint64_t size) {
  std::vector<std::pair<uint64_t, uint64_t>> extents;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata || !entry.is_object()) continue;
    const Json offsets = entry.value("data_offsets", Json());
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      return Damage("offsets of " + name);
    }
    extents.emplace_back(offsets[0].get<uint64_t>(), offsets[1].get<uint64_t>());
  }
  std::sort(extents.begin(), extents.end());
  uint64_t end = 0;
  for (const auto& [begin, stop] : extents) {
    if (begin != end || stop < begin) return Damage("tensors overlap or leave holes");
    end = stop;
  }
  return end == size ? absl::OkStatus() : Damage("data does not end with its last tensor");
}

}  // namespace

std::string EncodeSafetensors(std::span<const TensorView> tensors,
                              const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    const uint64_t end = offset + tensor.values.size_bytes();
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  std::string file(reinterpret_cast<const char*>(&length), sizeof(length));
  file.reserve(file.size() + text.size() + offset);
  file += text;
  for (const TensorView& tensor : tensors) {
    file.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size_bytes());
  }
  return file;
}

absl::StatusOr<TensorFile> DecodeSafetensors(std::string_view file) {
  uint64_t length = 0;
  if (file.size() < sizeof(length)) return Damage("shorter than its header length");
  std::memcpy(&length, file.data(), sizeof(length));
  if (length > kMaxSafetensorsHeader || length > file.size() - sizeof(length)) {
    return Damage("header is longer than the file or the limit");
  }
  const std::string_view text = file.substr(sizeof(length), length);
  const std::string_view data = file.substr(sizeof(length) + length);
  // Depth is bounded: a header nests three levels, and deep nesting would cost stack.
  bool too_deep = false;
  const auto shallow = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > 8;
    return !too_deep;
  };
  const Json header = Json::parse(text.begin(), text.end(), shallow, /*allow_exceptions=*/false);
  if (too_deep || !header.is_object()) return Damage("header is not a JSON object");
  LIMBECK_RETURN_IF_ERROR(CheckTiling(header, data.size()));
  TensorFile result;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata) {
      if (!entry.is_object()) return Damage("metadata");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string()) return Damage("metadata " + key);
        result.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    if (result.tensors.count(name) != 0) return Damage("tensor " + name + " twice");
    LIMBECK_RETURN_IF_ERROR(ReadTensor(name, entry, data, &result).status());
  }
  return result;
}

}  // namespace limbeck::trainer
