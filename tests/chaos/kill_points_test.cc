// SIGKILL to the gateway at named moments of a call (row 2 of the reliability plan).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "tests/chaos/books.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/harvest_world.h"
#include "tests/chaos/moment.h"
#include "tests/support/loopback_socket.h"

namespace limbeck::testing {
namespace {

enum class Point {
  kBeforeSend,  // Claimed and reserved; the teacher's machine does not even accept.
  kOnWire,      // The teacher has the request and answers nothing.
  kHalfBody,    // A part of the answer, cut anywhere, was sent.
  kWholeBody,   // The last byte was sent up to 20 ms ago.
  kBeforeSync,  // The answer is read; what tells the cache of it is on the way.
  kBeforeAck,   // The cache has kept the answer; what tells the gateway is on the way.
  kKept         // The last byte was sent up to 200 ms ago: both may know.
};
constexpr std::array kPoints = {Point::kBeforeSend, Point::kOnWire,     Point::kHalfBody,
                                Point::kWholeBody,  Point::kBeforeSync, Point::kBeforeAck,
                                Point::kKept};
constexpr std::array kNames = {"before send", "on the wire", "half of the body",
                               "whole body",  "before sync", "before ack",
                               "kept"};

// In one round; the points take turns. More to a world where there are minutes to fill.
constexpr int kKills = 14;
constexpr int kKillsInALongRun = 70;
constexpr size_t kRows = 340;
constexpr size_t kRowsInALongRun = 1200;
// A round ends when fewer rows than this are left: the moments would not come.
constexpr size_t kRowsToSpare = 40;

struct Tally {
  std::map<Point, int> kills;
  // Of the calls that the moments were of: asked once more after the kill.
  std::map<Point, int> asked_again;
  Books books;

  void Print() const {
    for (const Point point : kPoints) {
      const auto count = [point](const auto& map) {
        return map.contains(point) ? map.at(point) : 0;
      };
      std::cout << kNames[static_cast<size_t>(point)] << ": " << count(kills) << " kills, "
                << count(asked_again) << " of the calls asked again" << std::endl;
    }
    std::cout << "excess " << books.excess << ", ambiguous " << books.ambiguous << ", served "
              << books.served << std::endl;
  }
};

class Killer {
 public:
  Killer(HarvestWorld* world, Moment* moment, StableRandom* random)
      : cluster_(world->cluster()), moment_(*moment), random_(*random) {}

  // Starts the gateway, which is dead, and kills it at `point`.
  void KillAt(Point point) {
    point_ = point;
    // A busy teacher may still have to read what the last gateway sent: none of that is the moment.
    ASSERT_TRUE(cluster_.teacher()->WaitUntilAlone(HangGuard())) << Name();
    if (point == Point::kBeforeSend) return KillBeforeSend();
    moment_.Arm(MakeAmbush());
    Start();
    ASSERT_TRUE(moment_.Wait(HangGuard())) << Name() << cluster_.Logs();
    WaitForWire();
    Kill();
    killed_[point].push_back({moment_.key(), Asked(moment_.key())});
    moment_.Disarm();
    ReleaseWire();
  }

  void Start() {
    const absl::Status started = cluster_.Restart("gateway");
    ASSERT_TRUE(started.ok()) << started << cluster_.Logs();
  }
  void Kill() { ASSERT_TRUE(cluster_.Kill("gateway").ok()) << Name(); }

  // Once the job is done.
  void CountAskedAgain(Tally* tally) const {
    for (const auto& [point, calls] : killed_) {
      tally->asked_again[point] +=
          static_cast<int>(std::count_if(calls.begin(), calls.end(), [&](const Call& call) {
            return Asked(call.key) > call.asked;
          }));
    }
  }

 private:
  struct Call {
    std::string key;
    int64_t asked = 0;  // So often before the gateway was started again.
  };

  int64_t Asked(const std::string& key) const {
    const std::vector<InvoiceLine> lines = cluster_.teacher()->invoice();
    return std::count_if(lines.begin(), lines.end(),
                         [&](const InvoiceLine& line) { return line.idempotency_key == key; });
  }

  const char* Name() const { return kNames[static_cast<size_t>(point_)]; }

  Ambush MakeAmbush() {
    TcpProxy* const wire = cluster_.cache_wire();
    Ambush ambush;
    ambush.nth = 1 + random_.Below(6);
    ambush.stage = Stage::kSent;
    switch (point_) {
      case Point::kOnWire:
        ambush.fault.kind = FaultKind::kHang;
        ambush.stage = Stage::kReceived;
        break;
      case Point::kHalfBody:
        ambush.fault.kind = FaultKind::kHoldMid;
        ambush.fault.cut_at = 1 + random_.Below(1500);
        ambush.stage = Stage::kHeld;
        break;
      case Point::kBeforeSync:
        ambush.on_question = [wire] { wire->Hold(Direction::kToServer); };
        break;
      case Point::kBeforeAck:
        // Nothing else may wait for an answer of the cache's, or this one is not even sent.
        ambush.alone = true;
        ambush.fault.delay = absl::Milliseconds(150);
        ambush.on_stage = [wire] { wire->Hold(Direction::kToClient); };
        break;
      default:
        break;
    }
    return ambush;
  }

  void KillBeforeSend() {
    FakeTeacher* const teacher = cluster_.teacher();
    ASSERT_TRUE(teacher->StopAccepting().ok());
    const size_t connecting = ConnectingTo(teacher->port());
    const size_t asked = teacher->requests();
    Start();
    ASSERT_TRUE(PollUntil(HangGuard(), [&] { return ConnectingTo(teacher->port()) > connecting; }))
        << cluster_.Logs();
    absl::SleepFor(absl::Milliseconds(random_.Below(20)));
    Kill();
    EXPECT_EQ(teacher->requests(), asked);
    teacher->ResumeAccepting();
  }

  // What is told to the cache, or by it, has come to where it is held.
  void WaitForWire() {
    const bool to_cache = point_ == Point::kBeforeSync;
    if (to_cache || point_ == Point::kBeforeAck) {
      const Direction held = to_cache ? Direction::kToServer : Direction::kToClient;
      ASSERT_TRUE(
          PollUntil(HangGuard(), [&] { return cluster_.cache_wire()->held_bytes(held) > 0; }))
          << Name() << cluster_.Logs();
    }
    absl::SleepFor(absl::Microseconds(random_.Below(point_ == Point::kKept ? 200'000 : 20'000)));
  }

  // What was on the way at the kill is lost, or comes late.
  void ReleaseWire() {
    TcpProxy* const wire = cluster_.cache_wire();
    if (random_.Below(2) == 0) wire->ResetAll();
    wire->LetGo(Direction::kToServer);
    wire->LetGo(Direction::kToClient);
  }

  Cluster& cluster_;
  Moment& moment_;
  StableRandom& random_;
  Point point_ = Point::kBeforeSend;
  std::map<Point, std::vector<Call>> killed_;
};

void Round(StableRandom& random, Tally* tally) {
  Moment moment;
  HarvestOptions options;
  options.job.train_rows = IsLongRun() ? kRowsInALongRun : kRows;
  options.cluster.max_concurrency = 8;
  options.cluster.teacher_in_process = true;
  options.cluster.proxy_cache = true;
  options.cluster.choose_fault = [&](const Sighting& request) { return moment.Choose(request); };
  options.cluster.watcher = [&](Stage stage, const HttpRequest& request) {
    moment.Watch(stage, request);
  };
  options.script = {{"latency_ms", 10}, {"latency_jitter_ms", 20}};
  auto world = HarvestWorld::Start(std::move(options));
  ASSERT_TRUE(world.ok()) << world.status();
  Killer killer(world->get(), &moment, &random);
  ASSERT_TRUE((*world)->WaitUntilServed(1, HangGuard()));
  killer.Kill();
  const int kills = IsLongRun() ? kKillsInALongRun : kKills;
  for (int i = 0; i < kills && (*world)->Served() + kRowsToSpare < (*world)->rows(); ++i) {
    const Point point = kPoints[static_cast<size_t>(i) % kPoints.size()];
    ASSERT_NO_FATAL_FAILURE(killer.KillAt(point));
    ++tally->kills[point];
  }
  killer.Start();
  const auto job = (*world)->WaitForHarvest(HangGuard());
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->value("state", ""), "JOB_STATE_RUNNING") << job->dump(2);
  ExpectBooksToBalance(**world, *job, (*world)->rows(), &tally->books);
  EXPECT_LE((*world)->cluster().teacher()->most_in_flight_per_key(), 1u);
  killer.CountAskedAgain(tally);
}

TEST(KillPointsTest, NothingIsLostAndExcessIsAmbiguousAtEveryPoint) {
  Tally tally;
  RunRounds([&](StableRandom& random) {
    Round(random, &tally);
    tally.Print();
  });
}

}  // namespace
}  // namespace limbeck::testing
