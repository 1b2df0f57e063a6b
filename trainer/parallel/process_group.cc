#include "trainer/parallel/process_group.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"
#include "trainer/parallel/c10d_compat.h"

namespace limbeck::trainer {
namespace {

// c10d's sockets count in whole seconds, so that less than one would be no time at all.
std::chrono::milliseconds Timeout(absl::Duration duration) {
  return std::chrono::milliseconds(std::max<int64_t>(1000, absl::ToInt64Milliseconds(duration)));
}

// The edge where c10d's exceptions become statuses.
template <typename Function>
absl::Status Guard(std::string_view action, const Function& function) {
  try {
    function();
    return absl::OkStatus();
  } catch (const std::exception& error) {
    // c10d appends a C++ backtrace after the first line.
    const std::string_view what(error.what());
    return absl::UnavailableError(
        absl::StrCat(ToAbsl(action), ": ", ToAbsl(what.substr(0, what.find('\n')))));
  }
}

class SingleProcess : public ProcessGroup {
 public:
  uint32_t rank() const override { return 0; }
  uint32_t world_size() const override { return 1; }
  absl::Status AllReduceSum(std::span<float>) override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> AllGather(std::string_view bytes) override {
    return std::vector<std::string>{std::string(bytes)};
  }
  absl::Status Broadcast(uint32_t, std::string*) override { return absl::OkStatus(); }
  absl::Status BroadcastFixed(uint32_t, std::span<char>) override { return absl::OkStatus(); }
  absl::Status Barrier() override { return absl::OkStatus(); }
  uint64_t rounds() const override { return 0; }
};

class C10dStore : public RendezvousStore {
 public:
  C10dStore(c10::intrusive_ptr<c10d::TCPStore> store, std::string address)
      : store_(std::move(store)), address_(std::move(address)) {}
  const std::string& address() const override { return address_; }
  const c10::intrusive_ptr<c10d::TCPStore>& store() const { return store_; }

 private:
  const c10::intrusive_ptr<c10d::TCPStore> store_;
  const std::string address_;
};

at::Tensor Bytes(char* data, size_t size) {
  return at::from_blob(data, {static_cast<int64_t>(size)}, at::kByte);
}

class GlooGroup : public ProcessGroup {
 public:
  GlooGroup(const GroupOptions& options, c10::intrusive_ptr<c10d::Store> store)
      : options_(options) {
    auto gloo = c10d::ProcessGroupGloo::Options::create(Timeout(options.timeout));
    gloo->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(options.host));
    gloo->threads = 1;
    group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(
        store, static_cast<int>(options.rank), static_cast<int>(options.world_size), gloo);
  }

  uint32_t rank() const override { return options_.rank; }
  uint32_t world_size() const override { return options_.world_size; }

  absl::Status AllReduceSum(std::span<float> values) override {
    if (values.empty()) return absl::OkStatus();
    ++rounds_;
    return Guard("all-reduce", [&] {
      std::vector<at::Tensor> tensors = {
          at::from_blob(values.data(), {static_cast<int64_t>(values.size())}, at::kFloat)};
      group_->allreduce(tensors)->wait();
    });
  }

  absl::StatusOr<std::vector<std::string>> AllGather(std::string_view bytes) override {
    std::vector<std::string> result(world_size());
    const absl::Status status = Guard("all-gather", [&] { Gather(bytes, &result); });
    if (!status.ok()) return status;
    return result;
  }

  absl::Status Broadcast(uint32_t source, std::string* bytes) override {
    uint64_t size = bytes->size();
    LIMBECK_RETURN_IF_ERROR(BroadcastFixed(source, {reinterpret_cast<char*>(&size), sizeof(size)}));
    bytes->resize(size);
    return BroadcastFixed(source, *bytes);
  }

  absl::Status BroadcastFixed(uint32_t source, std::span<char> bytes) override {
    if (bytes.empty()) return absl::OkStatus();
    ++rounds_;
    return Guard("broadcast", [&] {
      c10d::BroadcastOptions from;
      from.rootRank = static_cast<int>(source);
      std::vector<at::Tensor> data = {Bytes(bytes.data(), bytes.size())};
      group_->broadcast(data, from)->wait();
    });
  }

  absl::Status Barrier() override {
    ++rounds_;
    return Guard("barrier", [&] { group_->barrier()->wait(); });
  }

  uint64_t rounds() const override { return rounds_; }

 private:
  // Sizes are not known beforehand, so each message is led by its own and cut after a capacity that
  // all ranks share; what is left of the longest takes a second round and raises the capacity.
  void Gather(std::string_view bytes, std::vector<std::string>* result) {
    const uint64_t size = bytes.size();
    std::string message(reinterpret_cast<const char*>(&size), sizeof(size));
    message += bytes.substr(0, capacity_);
    message.resize(sizeof(size) + capacity_);
    std::vector<std::string> parts = GatherFixed(message);
    uint64_t longest = 0;
    std::vector<uint64_t> sizes(parts.size());
    for (size_t r = 0; r < parts.size(); ++r) {
      std::memcpy(&sizes[r], parts[r].data(), sizeof(sizes[r]));
      (*result)[r] = parts[r].substr(sizeof(size), std::min<uint64_t>(sizes[r], capacity_));
      longest = std::max(longest, sizes[r]);
    }
    if (longest <= capacity_) return;
    message = size > capacity_ ? std::string(bytes.substr(capacity_)) : std::string();
    message.resize(longest - capacity_);
    parts = GatherFixed(message);
    for (size_t r = 0; r < parts.size(); ++r) {
      if (sizes[r] > capacity_) (*result)[r] += parts[r].substr(0, sizes[r] - capacity_);
    }
    capacity_ = longest + longest / kSpareShare;
  }

  // Every rank's message; all have one size, and not zero, which Gloo refuses.
  std::vector<std::string> GatherFixed(std::string& message) {
    ++rounds_;
    std::vector<std::string> parts(world_size(), std::string(message.size(), '\0'));
    std::vector<at::Tensor> input = {Bytes(message.data(), message.size())};
    std::vector<std::vector<at::Tensor>> outputs(1);
    for (std::string& part : parts) outputs[0].push_back(Bytes(part.data(), part.size()));
    group_->allgather(outputs, input)->wait();
    return parts;
  }

  // A gather's capacity at first, and the share of the longest message that is kept spare.
  static constexpr uint64_t kFirstCapacity = 4096;
  static constexpr uint64_t kSpareShare = 4;

  const GroupOptions options_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
  uint64_t capacity_ = kFirstCapacity;  // Equal on all ranks.
  uint64_t rounds_ = 0;
};

absl::StatusOr<c10::intrusive_ptr<c10d::Store>> ConnectStore(const GroupOptions& options) {
  const size_t colon = options.store_address.rfind(':');
  uint32_t port = 0;
  if (colon == std::string::npos ||
      !absl::SimpleAtoi(options.store_address.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("store address must be host:port, not \"", options.store_address, "\""));
  }
  c10::intrusive_ptr<c10d::Store> store;
  LIMBECK_RETURN_IF_ERROR(Guard("connect to rendezvous store", [&] {
    c10d::TCPStoreOptions store_options = PlainStoreOptions();
    store_options.port = static_cast<uint16_t>(port);
    store_options.waitWorkers = false;
    store_options.timeout = Timeout(options.timeout);
    store =
        c10::make_intrusive<c10d::TCPStore>(options.store_address.substr(0, colon), store_options);
  }));
  return store;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RendezvousStore>> RendezvousStore::Serve(const std::string& host,
                                                                        absl::Duration timeout) {
  std::unique_ptr<RendezvousStore> result;
  LIMBECK_RETURN_IF_ERROR(Guard("serve rendezvous store", [&] {
    c10d::TCPStoreOptions options = PlainStoreOptions();
    options.port = 0;
    options.isServer = true;
    options.waitWorkers = false;
    options.timeout = Timeout(timeout);
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    const std::string address = absl::StrCat(host, ":", store->getPort());
    result = std::make_unique<C10dStore>(std::move(store), address);
  }));
  return result;
}

absl::StatusOr<std::unique_ptr<ProcessGroup>> JoinGroup(const GroupOptions& options,
                                                        RendezvousStore* store) {
  if (options.world_size == 0 || options.rank >= options.world_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("rank ", options.rank, " of ", options.world_size, " workers"));
  }
  if (options.world_size == 1) return std::make_unique<SingleProcess>();
  c10::intrusive_ptr<c10d::Store> meeting;
  if (store != nullptr) {
    meeting = static_cast<C10dStore*>(store)->store();
  } else {
    LIMBECK_ASSIGN_OR_RETURN(meeting, ConnectStore(options));
  }
  std::unique_ptr<ProcessGroup> group;
  LIMBECK_RETURN_IF_ERROR(
      Guard(absl::StrCat("join group as rank ", options.rank, " of ", options.world_size),
            [&] { group = std::make_unique<GlooGroup>(options, meeting); }));
  return group;
}

}  // namespace limbeck::trainer
