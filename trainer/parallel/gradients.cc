#include "trainer/parallel/gradients.h"

#include <algorithm>
#include <cstring>

#include "base/status.h"

namespace limbeck::trainer {
namespace {

absl::Status ReduceDense(ProcessGroup* group, std::vector<Parameter>* parameters,
                         std::span<float> extras) {
  std::vector<float> bucket(extras.begin(), extras.end());
  for (const Parameter& p : *parameters) {
    if (!p.row_sparse) bucket.insert(bucket.end(), p.gradient.begin(), p.gradient.end());
  }
  for (size_t begin = 0; begin < bucket.size(); begin += kGradientBucketFloats) {
    const size_t size = std::min(kGradientBucketFloats, bucket.size() - begin);
    LIMBECK_RETURN_IF_ERROR(group->AllReduceSum(std::span(bucket).subspan(begin, size)));
  }
  const float* next = bucket.data();
  std::copy(next, next + extras.size(), extras.begin());
  next += extras.size();
  for (Parameter& p : *parameters) {
    if (p.row_sparse) continue;
    std::copy(next, next + p.gradient.size(), p.gradient.begin());
    next += p.gradient.size();
  }
  return absl::OkStatus();
}

struct SparsePart {
  std::vector<uint32_t> rows;
  std::vector<float> gradient;
};

std::string EncodePart(const Parameter& p) {
  std::string bytes(reinterpret_cast<const char*>(p.rows.data()), p.rows.size() * 4);
  bytes.append(reinterpret_cast<const char*>(p.gradient.data()), p.gradient.size() * 4);
  return bytes;
}

absl::StatusOr<SparsePart> DecodePart(const std::string& bytes, size_t width) {
  const size_t row_bytes = 4 * (width + 1);
  if (bytes.size() % row_bytes != 0) {
    return absl::DataLossError("sparse gradient of a peer has a broken size");
  }
  SparsePart part;
  part.rows.resize(bytes.size() / row_bytes);
  part.gradient.resize(part.rows.size() * width);
  std::memcpy(part.rows.data(), bytes.data(), part.rows.size() * 4);
  std::memcpy(part.gradient.data(), bytes.data() + part.rows.size() * 4, part.gradient.size() * 4);
  return part;
}

absl::Status ReduceSparse(ProcessGroup* group, Parameter* p) {
  const size_t width = p->RowWidth();
  LIMBECK_ASSIGN_OR_RETURN(const std::vector<std::string> parts, group->AllGather(EncodePart(*p)));
  std::vector<SparsePart> decoded;
  std::vector<uint32_t> rows;
  for (const std::string& bytes : parts) {
    LIMBECK_ASSIGN_OR_RETURN(SparsePart part, DecodePart(bytes, width));
    rows.insert(rows.end(), part.rows.begin(), part.rows.end());
    decoded.push_back(std::move(part));
  }
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  p->rows = rows;
  p->gradient.assign(rows.size() * width, 0.0F);
  for (const SparsePart& part : decoded) {
    size_t at = 0;
    for (size_t r = 0; r < part.rows.size(); ++r) {
      while (rows[at] != part.rows[r]) ++at;  // Both ascend.
      for (size_t i = 0; i < width; ++i) {
        p->gradient[at * width + i] += part.gradient[r * width + i];
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AllReduceGradients(ProcessGroup* group, std::vector<Parameter>* parameters,
                                std::span<float> extras) {
  if (group->world_size() == 1) return absl::OkStatus();
  LIMBECK_RETURN_IF_ERROR(ReduceDense(group, parameters, extras));
  for (Parameter& p : *parameters) {
    if (p.row_sparse) LIMBECK_RETURN_IF_ERROR(ReduceSparse(group, &p));
  }
  return absl::OkStatus();
}

}  // namespace limbeck::trainer
