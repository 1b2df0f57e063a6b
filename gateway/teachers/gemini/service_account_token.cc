#include "gateway/teachers/gemini/service_account_token.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/log.h"
#include "base/string_view.h"
#include "base/utf8.h"
#include "gateway/teachers/json_fields.h"

namespace limbeck::gateway {
namespace {

using nlohmann::json;

constexpr absl::Duration kRenewAhead = absl::Minutes(5);
constexpr absl::Duration kRetryAfter = absl::Seconds(10);
constexpr absl::Duration kTimeout = absl::Seconds(30);
constexpr absl::Duration kMaxLifetime = absl::Hours(12);
constexpr size_t kMaxAnswerBytes = 64 * 1024;
constexpr size_t kMaxMessageBytes = 300;

http::Request ExchangeRequest(const ServiceAccount& account, const Secret& assertion) {
  http::Request request;
  request.url = account.token_uri;
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  // Base64url and dots need no escaping.
  request.body = absl::StrCat("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&",
                              "assertion=", ToAbsl(assertion.Reveal()));
  request.total_timeout = kTimeout;
  request.idle_timeout = kTimeout;
  request.max_response_bytes = kMaxAnswerBytes;
  return request;
}

class ServiceAccountToken : public AccessToken,
                            public std::enable_shared_from_this<ServiceAccountToken> {
 public:
  ServiceAccountToken(ServiceAccount account, http::Transport* transport, Clock* clock)
      : account_(std::move(account)), transport_(transport), clock_(clock) {}

  absl::StatusOr<Secret> Current() override {
    const SteadyTime now = clock_->Now();
    {
      absl::MutexLock lock(&mu_);
      if (!token_.empty() && now + kRenewAhead < expires_) return token_;
      if (exchanging_ || now < not_before_) return TokenOrError(now);
      exchanging_ = true;
    }
    Exchange();
    absl::MutexLock lock(&mu_);
    return TokenOrError(now);
  }

 private:
  absl::StatusOr<Secret> TokenOrError(SteadyTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!token_.empty() && now < expires_) return token_;
    if (!last_error_.ok()) return last_error_;
    return absl::UnavailableError("the access token is being fetched");
  }

  void Exchange() {
    absl::StatusOr<Secret> assertion = SignAssertion(account_, clock_->WallNow());
    if (!assertion.ok()) return Settle(absl::UnavailableError(assertion.status().message()));
    transport_->Start(ExchangeRequest(account_, *assertion),
                      [weak = weak_from_this()](const http::Outcome& outcome) {
                        if (const auto self = weak.lock()) self->OnOutcome(outcome);
                      });
  }

  void OnOutcome(const http::Outcome& outcome) {
    if (outcome.delivery != http::Delivery::kAnswered) {
      return Settle(absl::UnavailableError(
          absl::StrCat("the token endpoint gave no answer: ", outcome.status.message())));
    }
    const http::Response& response = outcome.response;
    const json answer = ParseAnswerJson(response.body);
    std::string token = TextField(answer, "access_token");
    const auto lifetime = absl::Seconds(static_cast<int64_t>(CountField(answer, "expires_in")));
    if (response.status_code != 200 || token.empty() || lifetime <= absl::ZeroDuration()) {
      const std::string said = ReplaceInvalidUtf8(response.body.substr(0, kMaxMessageBytes));
      return Settle(absl::UnavailableError(absl::StrCat(
          "the token endpoint answered ", response.status_code, " without a token: ", said)));
    }
    absl::MutexLock lock(&mu_);
    token_ = Secret(std::move(token));
    expires_ = clock_->Now() + std::min(lifetime, kMaxLifetime);
    last_error_ = absl::OkStatus();
    exchanging_ = false;
  }

  void Settle(const absl::Status& error) {
    LIMBECK_LOG(WARNING) << "no access token" << LogField("account", account_.client_email)
                         << LogField("error", ToStd(error.message()));
    absl::MutexLock lock(&mu_);
    last_error_ = error;
    not_before_ = clock_->Now() + kRetryAfter;
    exchanging_ = false;
  }

  const ServiceAccount account_;
  http::Transport* const transport_;
  Clock* const clock_;
  absl::Mutex mu_;
  bool exchanging_ ABSL_GUARDED_BY(mu_) = false;
  Secret token_ ABSL_GUARDED_BY(mu_);
  SteadyTime expires_ ABSL_GUARDED_BY(mu_);
  SteadyTime not_before_ ABSL_GUARDED_BY(mu_);
  absl::Status last_error_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::shared_ptr<AccessToken> NewServiceAccountToken(ServiceAccount account,
                                                    http::Transport* transport, Clock* clock) {
  return std::make_shared<ServiceAccountToken>(std::move(account), transport, clock);
}

}  // namespace limbeck::gateway
