#include "trainer/parallel/step_exchange.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace limbeck::trainer {
namespace {

size_t DenseFloats(const std::vector<Parameter>& parameters) {
  size_t floats = 0;
  for (const Parameter& p : parameters) floats += p.row_sparse ? 0 : p.gradient.size();
  return floats;
}

absl::Status ReduceDense(ProcessGroup* group, std::vector<Parameter>* parameters) {
  std::vector<float> bucket;
  for (const Parameter& p : *parameters) {
    if (!p.row_sparse) bucket.insert(bucket.end(), p.gradient.begin(), p.gradient.end());
  }
  for (size_t begin = 0; begin < bucket.size(); begin += kGradientBucketFloats) {
    const size_t size = std::min(kGradientBucketFloats, bucket.size() - begin);
    LIMBECK_RETURN_IF_ERROR(group->AllReduceSum(std::span(bucket).subspan(begin, size)));
  }
  const float* next = bucket.data();
  for (Parameter& p : *parameters) {
    if (p.row_sparse) continue;
    std::copy(next, next + p.gradient.size(), p.gradient.begin());
    next += p.gradient.size();
  }
  return absl::OkStatus();
}

// A rank's message, little endian as it lies: the header, then each parameter's part in order. A
// dense part is the gradient's floats; a row-sparse one is the number of rows, the rows, the
// floats.
struct Header {
  double loss = 0.0;
  uint64_t rows = 0;
  uint64_t checkpoint = 0;
};

template <typename T>
void Append(const std::vector<T>& values, std::string* out) {
  out->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::string EncodePart(const std::vector<Parameter>& parameters, const StepTotals& mine,
                       bool with_dense) {
  const Header header{.loss = mine.loss, .rows = mine.rows, .checkpoint = mine.checkpoint};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  for (const Parameter& p : parameters) {
    if (p.row_sparse) {
      Append(std::vector<uint32_t>{static_cast<uint32_t>(p.rows.size())}, &bytes);
      Append(p.rows, &bytes);
    }
    if (p.row_sparse || with_dense) Append(p.gradient, &bytes);
  }
  return bytes;
}

// Reads a peer's message from its front.
class PartReader {
 public:
  explicit PartReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  absl::Status Read(std::span<T> values) {
    if (bytes_.size() < values.size_bytes()) return absl::DataLossError("a peer's step is cut");
    // An empty span may have no address.
    if (!values.empty()) std::memcpy(values.data(), bytes_.data(), values.size_bytes());
    bytes_.remove_prefix(values.size_bytes());
    return absl::OkStatus();
  }
  absl::Status ReadRows(uint32_t table_rows, std::vector<uint32_t>* rows) {
    uint32_t count = 0;
    LIMBECK_RETURN_IF_ERROR(Read(std::span(&count, 1)));
    if (count > table_rows)
      return absl::DataLossError("a peer's step has more rows than its table");
    rows->resize(count);
    LIMBECK_RETURN_IF_ERROR(Read(std::span(*rows)));
    const auto fall = std::adjacent_find(rows->begin(), rows->end(), std::greater_equal<>());
    if (fall != rows->end() || (count > 0 && rows->back() >= table_rows)) {
      return absl::DataLossError("a peer's step has rows out of order or outside the table");
    }
    return absl::OkStatus();
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

absl::Status SumDense(std::vector<PartReader>* parts, Parameter* p) {
  std::vector<float> part(p->gradient.size());
  std::fill(p->gradient.begin(), p->gradient.end(), 0.0F);
  for (PartReader& reader : *parts) {
    LIMBECK_RETURN_IF_ERROR(reader.Read(std::span(part)));
    for (size_t i = 0; i < part.size(); ++i) p->gradient[i] += part[i];
  }
  return absl::OkStatus();
}

struct SparsePart {
  std::vector<uint32_t> rows;
  std::vector<float> gradient;
};

absl::Status SumSparse(std::vector<PartReader>* parts, Parameter* p) {
  const size_t width = p->RowWidth();
  const auto table_rows = static_cast<uint32_t>(p->shape[0]);
  std::vector<SparsePart> decoded(parts->size());
  std::vector<uint32_t> rows;
  std::vector<uint32_t> merged;
  for (size_t r = 0; r < parts->size(); ++r) {
    SparsePart& part = decoded[r];
    LIMBECK_RETURN_IF_ERROR((*parts)[r].ReadRows(table_rows, &part.rows));
    part.gradient.resize(part.rows.size() * width);
    LIMBECK_RETURN_IF_ERROR((*parts)[r].Read(std::span(part.gradient)));
    merged.clear();
    std::set_union(rows.begin(), rows.end(), part.rows.begin(), part.rows.end(),
                   std::back_inserter(merged));
    rows.swap(merged);
  }
  p->gradient.assign(rows.size() * width, 0.0F);
  for (const SparsePart& part : decoded) {
    size_t at = 0;
    for (size_t r = 0; r < part.rows.size(); ++r) {
      while (rows[at] != part.rows[r]) ++at;  // Both ascend.
      float* sum = p->gradient.data() + at * width;
      const float* gradient = part.gradient.data() + r * width;
      for (size_t i = 0; i < width; ++i) sum[i] += gradient[i];
    }
  }
  p->rows = std::move(rows);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StepTotals> ExchangeStep(ProcessGroup* group, std::vector<Parameter>* parameters,
                                        const StepTotals& mine) {
  if (group->world_size() == 1) return mine;
  const size_t peers = group->world_size() - 1;
  const bool gather_dense = DenseFloats(*parameters) * peers <= kGatheredDenseFloats;
  if (!gather_dense) LIMBECK_RETURN_IF_ERROR(ReduceDense(group, parameters));
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<std::string> messages,
                           group->AllGather(EncodePart(*parameters, mine, gather_dense)));
  StepTotals totals;
  std::vector<PartReader> parts;
  for (const std::string& message : messages) {
    PartReader& reader = parts.emplace_back(message);
    Header header;
    LIMBECK_RETURN_IF_ERROR(reader.Read(std::span(&header, 1)));
    totals.loss += header.loss;
    totals.rows += header.rows;
    if (parts.size() == 1) totals.checkpoint = header.checkpoint != 0;
  }
  for (Parameter& p : *parameters) {
    if (p.row_sparse) {
      LIMBECK_RETURN_IF_ERROR(SumSparse(&parts, &p));
    } else if (gather_dense) {
      LIMBECK_RETURN_IF_ERROR(SumDense(&parts, &p));
    }
  }
  for (const PartReader& reader : parts) {
    if (!reader.at_end()) return absl::DataLossError("a peer's step has bytes left over");
  }
  return totals;
}

}  // namespace limbeck::trainer
