// Metrics, passed in rather than global. Prometheus' headers stay in this folder.
//
// Declare names at the top of the .cc that bumps them; take a Registry* in the constructor and keep
// the handles it gives:
//
//   hits_(registry->AddCounter("limbeck_cache_hits_total", "Keys found in the cache."))
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
}  // namespace prometheus

namespace limbeck::metrics {

using Labels = std::map<std::string, std::string>;

// Handles are cheap to copy, thread-safe, and must not outlive their registry. A default-made
// handle discards what it is told.
class Counter {
 public:
  Counter() = default;
  // `by` below zero is ignored.
  void Add(double by = 1) const;
  double value() const;  // 0 for a discarding handle.

 private:
  friend class Registry;
  explicit Counter(prometheus::Counter* impl) : impl_(impl) {}
  prometheus::Counter* impl_ = nullptr;
};

class Gauge {
 public:
  Gauge() = default;
  void Set(double value) const;
  void Add(double by) const;
  double value() const;

 private:
  friend class Registry;
  explicit Gauge(prometheus::Gauge* impl) : impl_(impl) {}
  prometheus::Gauge* impl_ = nullptr;
};

class Histogram {
 public:
  Histogram() = default;
  void Observe(double value) const;

 private:
  friend class Registry;
  explicit Histogram(prometheus::Histogram* impl) : impl_(impl) {}
  prometheus::Histogram* impl_ = nullptr;
};

// Seconds, from a millisecond to ten minutes.
std::vector<double> LatencyBuckets();

// Thread-safe. Asking again for a name and labels gives the same series. A name that Prometheus
// does not allow, that has another kind already, or that has max_series_per_name series gives a
// handle that discards, and one error in the log: metrics never stop the work they measure.
class Registry {
 public:
  explicit Registry(size_t max_series_per_name = 1000);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  Counter AddCounter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge AddGauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // `buckets` are upper bounds, ascending.
  Histogram AddHistogram(const std::string& name, const std::string& help,
                         const std::vector<double>& buckets, const Labels& labels = {});

  // All series in Prometheus' text format.
  std::string Expose() const;

  // For ExpositionServer.
  std::shared_ptr<prometheus::Registry> prometheus_registry() const { return registry_; }

 private:
  struct Limiter;

  const std::shared_ptr<prometheus::Registry> registry_;
  const std::unique_ptr<Limiter> limiter_;
};

}  // namespace limbeck::metrics
