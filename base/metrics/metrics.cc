#include "base/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <exception>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/log.h"

namespace limbeck::metrics {

void Counter::Add(double by) const {
  if (impl_ != nullptr && by >= 0) impl_->Increment(by);
}
double Counter::value() const { return impl_ == nullptr ? 0 : impl_->Value(); }

void Gauge::Set(double value) const {
  if (impl_ != nullptr) impl_->Set(value);
}
void Gauge::Add(double by) const {
  if (impl_ != nullptr) impl_->Increment(by);
}
double Gauge::value() const { return impl_ == nullptr ? 0 : impl_->Value(); }

void Histogram::Observe(double value) const {
  if (impl_ != nullptr) impl_->Observe(value);
}

std::vector<double> LatencyBuckets() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
          1,     2.5,    5,     10,   30,    60,   120, 300,  600};
}

// Counts series, so that labels from user input cannot grow memory without bound.
struct Registry::Limiter {
  explicit Limiter(size_t max) : max_series_per_name(max) {}

  bool Admit(const std::string& name, const Labels& labels) {
    absl::MutexLock lock(&mu);
    std::set<Labels>& known = series[name];
    if (known.count(labels) > 0) return true;
    if (known.size() < max_series_per_name) {
      known.insert(labels);
      return true;
    }
    if (full.insert(name).second) {
      LIMBECK_LOG(ERROR) << "metric has too many series, further ones are dropped"
                         << LogField("metric", name) << LogField("limit", max_series_per_name);
    }
    return false;
  }

  // Runs `add`, which may throw; null then.
  template <typename Add>
  auto Try(const std::string& name, const Labels& labels, Add add) -> decltype(add()) {
    if (!Admit(name, labels)) return nullptr;
    try {
      return add();
    } catch (const std::exception& error) {
      LIMBECK_LOG(ERROR) << "metric refused: " << error.what() << LogField("metric", name);
      return nullptr;
    }
  }

  const size_t max_series_per_name;
  absl::Mutex mu;
  std::map<std::string, std::set<Labels>> series ABSL_GUARDED_BY(mu);
  std::set<std::string> full ABSL_GUARDED_BY(mu);
};

Registry::Registry(size_t max_series_per_name)
    : registry_(std::make_shared<prometheus::Registry>()),
      limiter_(std::make_unique<Limiter>(max_series_per_name)) {}

Registry::~Registry() = default;

Counter Registry::AddCounter(const std::string& name, const std::string& help,
                             const Labels& labels) {
  return Counter(limiter_->Try(name, labels, [&] {
    return &prometheus::BuildCounter().Name(name).Help(help).Register(*registry_).Add(labels);
  }));
}

Gauge Registry::AddGauge(const std::string& name, const std::string& help, const Labels& labels) {
  return Gauge(limiter_->Try(name, labels, [&] {
    return &prometheus::BuildGauge().Name(name).Help(help).Register(*registry_).Add(labels);
  }));
}

Histogram Registry::AddHistogram(const std::string& name, const std::string& help,
                                 const std::vector<double>& buckets, const Labels& labels) {
  // Unordered bounds are an assertion, not an exception, in prometheus-cpp.
  std::vector<double> bounds = buckets;
  std::sort(bounds.begin(), bounds.end());
  return Histogram(limiter_->Try(name, labels, [&] {
    return &prometheus::BuildHistogram()
                .Name(name)
                .Help(help)
                .Register(*registry_)
                .Add(labels, bounds);
  }));
}

std::string Registry::Expose() const {
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace limbeck::metrics
