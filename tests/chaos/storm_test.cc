// Providers that refuse everything, with every spelling of a wait (row 8 of the reliability plan;
// the five minutes, on a clock of the test's own, are in gateway/dispatch/storm_test.cc).
#include <gtest/gtest.h>

#include <algorithm>

#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"
#include "tests/support/fake_teacher/fake_teacher.h"

namespace limbeck::testing {
namespace {

using nlohmann::json;

struct Storm {
  std::string name;
  json fault;
  std::unique_ptr<FakeTeacher> teacher;
  std::string job;
};

std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

std::vector<Storm> Storms() {
  const auto refusal = [](const std::string& wait) {
    return json{{"kind", "rate_limited"}, {"retry_after", wait}};
  };
  std::vector<Storm> storms;
  const auto add = [&](std::string name, json fault) {
    storms.push_back({.name = std::move(name), .fault = std::move(fault)});
  };
  add("absent", refusal(""));
  add("zero", refusal("0"));
  add("huge", refusal("1e300"));
  add("negative", refusal("-5"));
  add("nan", refusal("NaN"));
  add("future", refusal(HttpDate(absl::Now() + absl::Hours(1))));
  add("past", refusal(HttpDate(absl::Now() - absl::Hours(1))));
  add("broken", {{"kind", "status"}, {"status", 503}});
  return storms;
}

double Metric(const std::string& metrics, const std::string& name, const std::string& teacher) {
  const std::string start = absl::StrCat(name, "{teacher=\"", teacher, "\"} ");
  for (const absl::string_view line : absl::StrSplit(metrics, '\n')) {
    double value = 0;
    if (absl::StartsWith(line, start) && absl::SimpleAtod(line.substr(start.size()), &value)) {
      return value;
    }
  }
  return 0;
}

double Tries(const std::string& metrics, const std::string& what, const std::string& teacher) {
  return Metric(metrics, absl::StrCat("limbeck_gateway_teacher_", what, "_total"), teacher);
}

absl::StatusOr<std::string> StartJob(Cluster& cluster, const DefinitionsJob& job) {
  LIMBECK_ASSIGN_OR_RETURN(const auto file, WriteJob(job, cluster.dir() / job.teacher));
  return CreateJob(cluster, file);
}

// What was sent to a teacher that refuses all within `took`. The retry budget is a tenth of the
// first tries, the first ten in advance, and one in ten seconds.
void ExpectFewRetries(const std::string& metrics, const Storm& storm, absl::Duration took) {
  const double first = Tries(metrics, "first_tries", storm.name);
  const double retries = Tries(metrics, "retries", storm.name);
  std::cout << storm.name << ": " << first << " first tries, " << retries << " retries, "
            << storm.teacher->requests() << " requests" << std::endl;
  EXPECT_GE(first, 1);
  EXPECT_LE(retries, std::max(10.0, 0.1 * first) + 0.1 * absl::ToDoubleSeconds(took)) << storm.name;
  // A wait that lasts is kept.
  const bool long_wait = storm.name == "huge" || storm.name == "future";
  if (long_wait) {
    EXPECT_EQ(retries, 0) << storm.name;
  }
  EXPECT_TRUE(storm.teacher->invoice().empty());
}

void Round(StableRandom& random) {
  ClusterOptions options;
  options.workers = 0;
  const auto script = KeywordTeacherScript({{"latency_ms", 30}});
  ASSERT_TRUE(script.ok()) << script.status();
  options.teacher_script = *script;
  std::vector<Storm> storms = Storms();
  for (Storm& storm : storms) {
    FakeTeacherOptions teacher;
    teacher.script =
        ParseScript(
            json{{"seed", random.Below(1'000'000)}, {"faults", json::array({storm.fault})}}.dump())
            .value();
    storm.teacher = FakeTeacher::Start(std::move(teacher)).value();
    options.other_teachers.push_back({storm.name, storm.teacher->base_url()});
  }
  const absl::Time start = absl::Now();
  auto started = Cluster::Start(std::move(options));
  ASSERT_TRUE(started.ok()) << started.status();
  Cluster& cluster = **started;
  for (Storm& storm : storms) {
    const auto job = StartJob(cluster, {.teacher = storm.name, .question = storm.name});
    ASSERT_TRUE(job.ok()) << job.status();
    storm.job = *job;
  }
  for (const Storm& storm : storms) {
    ASSERT_TRUE(PollUntil(HangGuard(), [&] { return storm.teacher->requests() > 0; }))
        << storm.name << cluster.Logs();
  }
  // The same team, another pool.
  const DefinitionsJob calm;
  const auto job = StartJob(cluster, calm);
  ASSERT_TRUE(job.ok()) << job.status();
  const auto harvested = HarvestOf(cluster, *job, HangGuard());
  ASSERT_TRUE(harvested.ok()) << harvested.status();
  EXPECT_EQ(harvested->value("state", ""), "JOB_STATE_RUNNING") << harvested->dump(2);
  EXPECT_EQ(Count((*harvested)["progress"], "rows_rejected"), 0);
  const auto invoice = cluster.Invoice();
  ASSERT_TRUE(invoice.ok()) << invoice.status();
  EXPECT_EQ(invoice->size(), calm.train_rows + calm.held_out_rows);
  const auto metrics = cluster.Metrics();
  ASSERT_TRUE(metrics.ok()) << metrics.status();
  EXPECT_EQ(Tries(*metrics, "retries", Cluster::kTeacher), 0);
  const absl::Duration took = absl::Now() - start;
  for (const Storm& storm : storms) ExpectFewRetries(*metrics, storm, took);
}

TEST(StormTest, RetriesAreFewAndAnotherPoolsWorkIsDone) { RunRounds(Round); }

}  // namespace
}  // namespace limbeck::testing
