#include "cache/ledger/rows.h"

#include "absl/strings/str_cat.h"
#include "base/kv/engine.h"
#include "base/string_view.h"
#include "cache/records/wire.h"

namespace limbeck::cache {
namespace {

constexpr uint8_t kRowVersion = 2;
constexpr uint8_t kOldestRowVersion = 1;

// Writes and reads a row with the same list of fields, so that the two cannot drift apart.
class Writer {
 public:
  Writer() { PutFixed<uint8_t>(&out_, kRowVersion); }
  uint8_t version() const { return kRowVersion; }
  Writer& operator()(const std::string& value) {
    PutString(&out_, value);
    return *this;
  }
  Writer& operator()(uint64_t value) {
    PutVarint(&out_, value);
    return *this;
  }
  Writer& operator()(bool value) { return (*this)(uint64_t{value}); }
  Writer& operator()(uint32_t value) { return (*this)(uint64_t{value}); }
  Writer& operator()(int64_t value) {
    PutFixed(&out_, static_cast<uint64_t>(value));
    return *this;
  }
  Writer& operator()(const std::vector<std::string>& values) {
    PutVarint(&out_, values.size());
    for (const std::string& value : values) PutString(&out_, value);
    return *this;
  }
  template <typename E>
  requires std::is_enum_v<E> Writer& operator()(E value) {
    return (*this)(static_cast<uint64_t>(value));
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : in_(bytes) {
    ok_ = in_.Fixed(&version_) && version_ >= kOldestRowVersion && version_ <= kRowVersion;
  }
  uint8_t version() const { return version_; }
  Reader& operator()(std::string& value) { return And(in_.String(&value)); }
  Reader& operator()(uint64_t& value) { return And(in_.Varint(&value)); }
  Reader& operator()(bool& value) {
    uint64_t wide = 0;
    And(in_.Varint(&wide) && wide <= 1);
    value = wide == 1;
    return *this;
  }
  Reader& operator()(uint32_t& value) {
    uint64_t wide = 0;
    And(in_.Varint(&wide) && wide <= UINT32_MAX);
    value = static_cast<uint32_t>(wide);
    return *this;
  }
  Reader& operator()(int64_t& value) {
    uint64_t bits = 0;
    And(in_.Fixed(&bits));
    value = static_cast<int64_t>(bits);
    return *this;
  }
  Reader& operator()(std::vector<std::string>& values) {
    uint64_t count = 0;
    if (!And(in_.Count(&count)).ok_) return *this;
    values.resize(count);
    for (std::string& value : values) And(in_.String(&value));
    return *this;
  }
  template <typename E>
  requires std::is_enum_v<E> Reader& operator()(E& value) {
    uint64_t number = 0;
    And(in_.Varint(&number) && number <= 5);
    value = static_cast<E>(number);
    return *this;
  }
  bool Done() const { return ok_ && in_.AtEnd(); }

 private:
  Reader& And(bool ok) {
    ok_ = ok_ && ok;
    return *this;
  }

  WireReader in_;
  uint8_t version_ = 0;
  bool ok_;
};

template <typename Io, typename Row>
void Fields(Io& io, Row& row) requires std::is_same_v<std::remove_const_t<Row>, IndexRow> {
  io(row.ordinal)(row.length)(row.checksum)(row.serves)(row.fence);
}

template <typename Io, typename Row>
void Fields(Io& io, Row& row) requires std::is_same_v<std::remove_const_t<Row>, ClaimRow> {
  io(row.fence)(row.owner.gateway)(row.owner.incarnation)(row.request_id);
  io(row.deadline_micros)(row.life_micros);
}

template <typename Io, typename Row>
void Fields(Io& io, Row& row) requires std::is_same_v<std::remove_const_t<Row>, LedgerRow> {
  io(row.state)(row.domain)(row.key)(row.accounts);
  io(row.owner.gateway)(row.owner.incarnation);
  io(row.reserve)(row.reserved)(row.charged)(row.ambiguous)(row.ambiguous_sequence);
  io(row.opened_micros)(row.closed_micros)(row.note)(row.release_id)(row.release_outcome);
  if (io.version() < 2) return;
  io(row.teacher)(row.row)(row.estimate)(row.usage.reported)(row.usage.input_tokens);
  io(row.usage.cached_input_tokens)(row.usage.output_tokens);
}

template <typename Io, typename Row>
void Fields(Io& io, Row& row) requires std::is_same_v<std::remove_const_t<Row>, ReuseRow> {
  io(row.fence)(row.time_micros)(row.row)(row.teacher);
}

template <typename Io, typename Row>
void Fields(Io& io, Row& row) requires std::is_same_v<std::remove_const_t<Row>, TeacherStats> {
  io(row.calls)(row.prompt_bytes)(row.input_tokens)(row.output_tokens)(row.micros);
  io(row.input_rate_sum)(row.input_rate_squares)(row.output_squares);
}

template <typename Io, typename Row>
void Fields(Io& io, Row& row) requires std::is_same_v<std::remove_const_t<Row>, AmbiguousRow> {
  io(row.key)(row.fence)(row.accounts)(row.micro_usd)(row.time_micros)(row.note);
}

template <typename Io, typename Row>
void Fields(Io& io, Row& row) requires std::is_same_v<std::remove_const_t<Row>, AccountState> {
  io(row.name)(row.ceiling_micro_usd)(row.reserved_micro_usd)(row.spent_micro_usd);
  io(row.ambiguous_micro_usd)(row.answers_bought)(row.answers_reused)(row.calls_ambiguous);
  if (io.version() < 2) return;
  io(row.month_ceiling_micro_usd)(row.first_fence)(row.last_fence);
}

template <typename Io, typename Row>
void Fields(Io& io, Row& row) requires std::is_same_v<std::remove_const_t<Row>, Counters> {
  io(row.version)(row.next_ordinal)(row.next_fence)(row.next_ambiguous);
  io(row.records)(row.record_bytes)(row.late_records)(row.claims);
}

template <typename Row>
std::string EncodeRow(const Row& row) {
  Writer writer;
  Fields(writer, row);
  return writer.Take();
}

}  // namespace

std::vector<std::string> LedgerTables() {
  std::vector<std::string> tables;
  for (const std::string_view table :
       {kIndexTable, kRecordTable, kClaimTable, kLedgerTable, kAccountTable, kAmbiguousTable,
        kLateTable, kReuseTable, kTeacherTable, kMetaTable}) {
    tables.emplace_back(table);
  }
  return tables;
}

std::string Encode(const IndexRow& row) { return EncodeRow(row); }
std::string Encode(const ClaimRow& row) { return EncodeRow(row); }
std::string Encode(const LedgerRow& row) { return EncodeRow(row); }
std::string Encode(const AmbiguousRow& row) { return EncodeRow(row); }
std::string Encode(const AccountState& row) { return EncodeRow(row); }
std::string Encode(const Counters& row) { return EncodeRow(row); }
std::string Encode(const ReuseRow& row) { return EncodeRow(row); }
std::string Encode(const TeacherStats& row) { return EncodeRow(row); }

bool IsOpen(std::string_view ledger_row) {
  // The state follows the version byte and is below 128, so its varint is one byte.
  return ledger_row.size() > 1 && ledger_row[1] == static_cast<char>(LedgerRow::State::kOpen);
}

template <typename Row>
absl::StatusOr<Row> Decode(std::string_view bytes) {
  Reader reader(bytes);
  Row row;
  Fields(reader, row);
  if (!reader.Done()) {
    return absl::DataLossError(absl::StrCat("damaged ledger row of ", bytes.size(), " bytes"));
  }
  return row;
}

template absl::StatusOr<IndexRow> Decode<IndexRow>(std::string_view);
template absl::StatusOr<ClaimRow> Decode<ClaimRow>(std::string_view);
template absl::StatusOr<LedgerRow> Decode<LedgerRow>(std::string_view);
template absl::StatusOr<AmbiguousRow> Decode<AmbiguousRow>(std::string_view);
template absl::StatusOr<AccountState> Decode<AccountState>(std::string_view);
template absl::StatusOr<Counters> Decode<Counters>(std::string_view);
template absl::StatusOr<ReuseRow> Decode<ReuseRow>(std::string_view);
template absl::StatusOr<TeacherStats> Decode<TeacherStats>(std::string_view);

std::string ItemKey(std::string_view domain, std::string_view key) {
  std::string result;
  kv::AppendOrderedString(&result, domain);
  result.append(key);
  return result;
}

std::string NumberKey(uint64_t number) {
  std::string result;
  kv::AppendOrderedU64(&result, number);
  return result;
}

std::string LateKey(std::string_view domain, std::string_view key, uint64_t fence) {
  return ItemKey(domain, key) + NumberKey(fence);
}

}  // namespace limbeck::cache
