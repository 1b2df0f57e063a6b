// Collects faults while a spec is walked; the checks that many fields share.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/jobs/fault.h"

namespace limbeck::gateway {

class FaultList {
 public:
  void Add(std::string field, std::string description, std::string_view reason = kSpecInvalid) {
    faults_.push_back({std::move(field), std::move(description), std::string(reason)});
  }

  // `value` must be within [low, high]; NaN is not.
  template <typename T>
  void Range(std::string_view field, T value, T low, T high) {
    if (value >= low && value <= high) return;
    Add(std::string(field), absl::StrCat("is ", value, "; expected ", low, " to ", high));
  }

  // `value` must be a finite number above zero.
  void Positive(std::string_view field, double value) {
    if (value > 0 && value <= 1e300) return;
    Add(std::string(field), absl::StrCat("is ", value, "; expected a number above 0"));
  }

  std::vector<Fault> Take() { return std::move(faults_); }

 private:
  std::vector<Fault> faults_;
};

}  // namespace limbeck::gateway
