#include "tests/bench/bare_client.h"

#include <curl/curl.h>
#include <simdjson.h>

#include <memory>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/bench/figure.h"

namespace limbeck::bench {
namespace {

struct Transfer {
  CURL* easy = nullptr;
  // With simdjson's padding kept at its end by reserve().
  std::string body;
};

size_t Receive(char* data, size_t size, size_t count, void* to) {
  static_cast<Transfer*>(to)->body.append(data, size * count);
  return size * count;
}

// Reads each candidate's bytes and logprob; returns how many there are.
simdjson::simdjson_result<size_t> ReadCandidates(simdjson::ondemand::parser& parser,
                                                 std::string& body) {
  body.reserve(body.size() + simdjson::SIMDJSON_PADDING);
  auto document = parser.iterate(body.data(), body.size(), body.capacity());
  size_t candidates = 0;
  double sum = 0;
  for (auto choice : document["choices"].get_array()) {
    for (auto token : choice["logprobs"]["content"].get_array()) {
      for (auto candidate : token["top_logprobs"].get_array()) {
        double logprob = 0;
        if (auto error = candidate["logprob"].get_double().get(logprob)) return error;
        for (auto byte : candidate["bytes"].get_array()) {
          uint64_t value = 0;
          if (auto error = byte.get_uint64().get(value)) return error;
          sum += static_cast<double>(value);
        }
        sum += logprob;
        ++candidates;
      }
    }
  }
  // The sum keeps the compiler from leaving the reading out.
  return sum == 0.5 ? 0 : candidates;
}

class BareClient {
 public:
  BareClient(const std::string& url, const std::string& request, size_t connections)
      : multi_(curl_multi_init()), transfers_(connections) {
    headers_ = curl_slist_append(headers_, "Content-Type: application/json");
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(connections));
    for (Transfer& transfer : transfers_) {
      transfer.easy = curl_easy_init();
      curl_easy_setopt(transfer.easy, CURLOPT_URL, url.c_str());
      curl_easy_setopt(transfer.easy, CURLOPT_PROXY, "");
      curl_easy_setopt(transfer.easy, CURLOPT_HTTPHEADER, headers_);
      curl_easy_setopt(transfer.easy, CURLOPT_POSTFIELDS, request.c_str());
      curl_easy_setopt(transfer.easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.size()));
      curl_easy_setopt(transfer.easy, CURLOPT_WRITEFUNCTION, Receive);
      curl_easy_setopt(transfer.easy, CURLOPT_WRITEDATA, &transfer);
      curl_easy_setopt(transfer.easy, CURLOPT_PRIVATE, &transfer);
    }
  }
  ~BareClient() {
    for (Transfer& transfer : transfers_) {
      curl_multi_remove_handle(multi_, transfer.easy);
      curl_easy_cleanup(transfer.easy);
    }
    curl_slist_free_all(headers_);
    curl_multi_cleanup(multi_);
  }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  absl::StatusOr<size_t> Fetch(size_t answers) {
    started_ = 0;
    wanted_ = answers;
    for (Transfer& transfer : transfers_) StartNext(transfer);
    size_t done = 0;
    size_t candidates = 0;
    while (done < answers) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      int left = 0;
      while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        Transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        if (message->data.result != CURLE_OK) {
          return absl::UnavailableError(curl_easy_strerror(message->data.result));
        }
        curl_multi_remove_handle(multi_, transfer->easy);
        size_t read = 0;
        if (auto error = ReadCandidates(parser_, transfer->body).get(read)) {
          return absl::InternalError(simdjson::error_message(error));
        }
        candidates += read;
        ++done;
        StartNext(*transfer);
      }
      if (done < answers) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    return candidates;
  }

 private:
  void StartNext(Transfer& transfer) {
    if (started_ == wanted_) return;
    ++started_;
    transfer.body.clear();
    curl_multi_add_handle(multi_, transfer.easy);
  }

  CURLM* multi_;
  curl_slist* headers_ = nullptr;
  std::vector<Transfer> transfers_;
  simdjson::ondemand::parser parser_;
  size_t started_ = 0;
  size_t wanted_ = 0;
};

}  // namespace

absl::StatusOr<BareRun> RunBareClient(const std::string& url, const std::string& request,
                                      size_t answers, size_t connections) {
  BareClient client(url, request, connections);
  absl::StatusOr<size_t> warm = client.Fetch(connections);
  if (!warm.ok()) return warm.status();
  const Stopwatch watch;
  absl::StatusOr<size_t> candidates = client.Fetch(answers);
  if (!candidates.ok()) return candidates.status();
  return BareRun{static_cast<double>(answers) / watch.Seconds(), *candidates};
}

}  // namespace limbeck::bench
