#include "gateway/limits/shared_record.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr int kVersion = 1;

}  // namespace

std::string Encode(const SharedRecord& record) {
  json buckets = json::object();
  for (const auto& [limit, bucket] : record.buckets) {
    buckets[limit] = {{"millionths", bucket.millionths},
                      {"refilled_micros", bucket.refilled_micros}};
  }
  json leases = json::object();
  for (const auto& [gateway, lease] : record.leases) {
    leases[gateway] = {{"left", lease.left},
                       {"slots", lease.slots},
                       {"hungry", lease.hungry},
                       {"deadline_micros", lease.deadline_micros}};
  }
  return json{{"version", kVersion},
              {"buckets", std::move(buckets)},
              {"leases", std::move(leases)},
              {"parked_until_micros", record.parked_until_micros}}
      .dump();
}

absl::StatusOr<SharedRecord> DecodeSharedRecord(std::string_view text) {
  SharedRecord record;
  try {
    const json row = json::parse(text);
    if (row.at("version") != kVersion) {
      return absl::DataLossError(absl::StrCat("a shared quota pool has version ",
                                              row.at("version").dump(), ", known is ", kVersion,
                                              "; run gateways of one version"));
    }
    for (const auto& [limit, bucket] : row.at("buckets").items()) {
      record.buckets[limit] = {bucket.at("millionths").get<int64_t>(),
                               bucket.at("refilled_micros").get<int64_t>()};
    }
    for (const auto& [gateway, lease] : row.at("leases").items()) {
      SharedRecord::Lease& made = record.leases[gateway];
      made.left = lease.at("left").get<std::map<std::string, int64_t>>();
      made.slots = lease.at("slots").get<uint32_t>();
      made.hungry = lease.at("hungry").get<bool>();
      made.deadline_micros = lease.at("deadline_micros").get<int64_t>();
    }
    record.parked_until_micros = row.at("parked_until_micros").get<int64_t>();
  } catch (const json::exception& error) {
    return absl::DataLossError(absl::StrCat("a shared quota pool cannot be read: ", error.what()));
  }
  return record;
}

}  // namespace limbeck::gateway
