#include "cli/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "absl/strings/str_cat.h"
#include "base/error_details.h"
#include "base/file.h"
#include "base/hash.h"
#include "cli/exit_codes.h"
#include "cli/fake_services.h"
#include "cli/job_file.h"

namespace limbeck::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kRows =
    "{\"text\": \"it barks\", \"label\": \"animal\"}\n"
    "{\"text\": \"it has leaves\", \"label\": \"plant\"}\n";

class RunTest : public ::testing::Test {
 protected:
  int RunWith(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"--server", server_.target(), "--cache", server_.target()});
    out_.str("");
    err_.str("");
    std::istringstream in(answer_);
    return cli::Run(arguments, Io{in, out_, err_, !answer_.empty(), false}, Clock::Real());
  }

  // A job file with its dataset; returns its path.
  std::string WriteJob() {
    const auto path = temp_.path() / "job.yaml";
    EXPECT_TRUE(WriteFileDurably(path, ExampleJobFile()).ok());
    EXPECT_TRUE(WriteFileDurably(temp_.path() / "train.jsonl", kRows).ok());
    return path.string();
  }

  void SetQuote(int64_t high_micro_usd, bool allowed = true) {
    const absl::MutexLock lock(&server_.distillation.mu);
    server_.distillation.quote.set_id("quote-1");
    server_.distillation.quote.set_queries(2);
    server_.distillation.quote.set_to_buy(high_micro_usd > 0 ? 2 : 0);
    server_.distillation.quote.set_high_micro_usd(high_micro_usd);
    server_.distillation.quote.set_allowed(allowed);
    server_.distillation.job.set_id("job-1");
  }

  std::vector<v1::CreateDistillationJobRequest> creates() {
    const absl::MutexLock lock(&server_.distillation.mu);
    return server_.distillation.creates;
  }

  static v1::JobEvent Event(uint64_t cursor, v1::JobState state) {
    v1::JobEvent event;
    event.set_cursor(cursor);
    event.set_message(absl::StrCat("event ", cursor));
    event.mutable_job()->set_id("job-1");
    event.mutable_job()->set_state(state);
    return event;
  }

  // A watch that breaks after the first event and ends on the second connection.
  void ScriptBrokenWatch(v1::JobState end, v1::Verdict verdict = v1::VERDICT_UNSPECIFIED) {
    SetQuote(0);
    v1::JobEvent last = Event(2, end);
    last.mutable_job()->set_verdict(verdict);
    const absl::MutexLock lock(&server_.distillation.mu);
    server_.distillation.watches = {
        {{Event(1, v1::JOB_STATE_RUNNING)}, absl::UnavailableError("gone")},
        {{last}, absl::OkStatus()}};
  }

  FakeServer server_;
  ScopedTempDirectory temp_;
  std::string answer_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(RunTest, HelpAndWrongCommandLines) {
  EXPECT_EQ(RunWith({"--help"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("jobs"));
  EXPECT_EQ(RunWith({"jobs", "create", "--help"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("Examples:"));
  EXPECT_THAT(out_.str(), HasSubstr("Exit status"));
  EXPECT_EQ(RunWith({"--version"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("limbeck 0."));
  EXPECT_EQ(RunWith({"jobs", "dance"}), kExitBadInput);
  EXPECT_EQ(RunWith({"jobs", "create"}), kExitBadInput);
  EXPECT_EQ(RunWith({}), kExitBadInput);
}

TEST_F(RunTest, CreateUploadsQuotesAndCreatesWithTheQuoteItShowed) {
  SetQuote(500'000);
  const std::string file = WriteJob();
  EXPECT_EQ(RunWith({"jobs", "create", "-f", file, "--yes", "--request-id", "r1"}), kExitOk)
      << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("upper bound      $0.50"));
  EXPECT_THAT(out_.str(), HasSubstr("limbeck jobs watch job-1"));
  const auto requests = creates();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].request_id(), "r1");
  EXPECT_EQ(requests[0].quote_id(), "quote-1");
  EXPECT_EQ(requests[0].spec().data().train().id(), "sha256:" + Sha256Hex(kRows));
}

TEST_F(RunTest, CreateSendsADatasetOnce) {
  SetQuote(0);
  const std::string file = WriteJob();
  EXPECT_EQ(RunWith({"jobs", "create", "-f", file}), kExitOk) << err_.str();
  EXPECT_EQ(RunWith({"jobs", "create", "-f", file}), kExitOk) << err_.str();
  const absl::MutexLock lock(&server_.datasets.mu);
  EXPECT_EQ(server_.datasets.uploads, 1);
  EXPECT_EQ(server_.datasets.contents.begin()->second, kRows);
}

TEST_F(RunTest, CreateAsksAndTakesNoForAnAnswer) {
  SetQuote(500'000);
  const std::string file = WriteJob();
  answer_ = "n\n";
  EXPECT_EQ(RunWith({"jobs", "create", "-f", file}), kExitFailure);
  EXPECT_THAT(err_.str(), HasSubstr("Buy up to $0.50? [y/N]"));
  EXPECT_TRUE(creates().empty());
  answer_ = "y\n";
  EXPECT_EQ(RunWith({"jobs", "create", "-f", file}), kExitOk);
  EXPECT_EQ(creates().size(), 1u);
}

TEST_F(RunTest, CreateBuysNothingWithoutAnybodyToAsk) {
  SetQuote(500'000);
  EXPECT_EQ(RunWith({"jobs", "create", "-f", WriteJob()}), kExitBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("--yes"));
  EXPECT_TRUE(creates().empty());
}

TEST_F(RunTest, CreateStopsAboveMaxUsd) {
  SetQuote(2'500'000);
  const std::string file = WriteJob();
  EXPECT_EQ(RunWith({"jobs", "create", "-f", file, "--yes", "--max-usd", "2.49"}), kExitFailure);
  EXPECT_TRUE(creates().empty());
  EXPECT_EQ(RunWith({"jobs", "create", "-f", file, "--yes", "--max-usd", "2.50"}), kExitOk);
  EXPECT_EQ(RunWith({"jobs", "create", "-f", file, "--yes", "--max-usd", "lots"}), kExitBadInput);
}

TEST_F(RunTest, EstimateCreatesNothing) {
  SetQuote(500'000);
  EXPECT_EQ(RunWith({"estimate", "-f", WriteJob(), "--json"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\"high_micro_usd\": \"500000\""));
  ASSERT_EQ(creates().size(), 1u);
  EXPECT_TRUE(creates()[0].validate_only());
}

TEST_F(RunTest, ServerFaultsAreShownOneToALine) {
  SetQuote(0);
  {
    const absl::MutexLock lock(&server_.distillation.mu);
    server_.distillation.create_status =
        WithReason(InvalidFields("the job", {{"spec.teachers[0].teacher", "is not known"},
                                             {"spec.budget", "is required"}}),
                   "SPEC_INVALID");
  }
  EXPECT_EQ(RunWith({"jobs", "create", "-f", WriteJob()}), kExitBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("SPEC_INVALID"));
  EXPECT_THAT(err_.str(), HasSubstr("\n  spec.teachers[0].teacher: is not known\n"));
  EXPECT_THAT(err_.str(), HasSubstr("\n  spec.budget: is required\n"));
}

TEST_F(RunTest, MalformedRowsAreBadInput) {
  SetQuote(0);
  {
    const absl::MutexLock lock(&server_.datasets.mu);
    server_.datasets.upload_status = InvalidFields("train.jsonl", {{"row 2", "is no JSON object"}});
  }
  EXPECT_EQ(RunWith({"jobs", "create", "-f", WriteJob()}), kExitBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("row 2: is no JSON object"));
}

TEST_F(RunTest, WatchGoesOnAfterTheLastEventItSaw) {
  ScriptBrokenWatch(v1::JOB_STATE_SUCCEEDED, v1::VERDICT_ACCEPT);
  EXPECT_EQ(RunWith({"jobs", "watch", "job-1"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("event 1"));
  EXPECT_THAT(out_.str(), HasSubstr("event 2"));
  EXPECT_THAT(out_.str(), HasSubstr("verdict ACCEPT"));
  EXPECT_THAT(err_.str(), HasSubstr("connection lost"));
  const absl::MutexLock lock(&server_.distillation.mu);
  EXPECT_THAT(server_.distillation.watch_cursors, ElementsAre(0, 1));
}

TEST_F(RunTest, WatchOfAnUnknownJobFailsAtOnce) {
  EXPECT_EQ(RunWith({"jobs", "watch", "job-1"}), kExitFailure);
  EXPECT_THAT(err_.str(), HasSubstr("there is no such job"));
}

TEST_F(RunTest, WaitTellsTheEndByItsExitStatus) {
  const std::vector<std::string> wait = {"jobs", "wait", "job-1", "--exit-status"};
  ScriptBrokenWatch(v1::JOB_STATE_SUCCEEDED, v1::VERDICT_ACCEPT);
  EXPECT_EQ(RunWith(wait), kExitOk);
  ScriptBrokenWatch(v1::JOB_STATE_FAILED);
  EXPECT_EQ(RunWith(wait), kExitFailure);
  ScriptBrokenWatch(v1::JOB_STATE_SUCCEEDED, v1::VERDICT_REJECT);
  EXPECT_EQ(RunWith(wait), kExitRejected);
  ScriptBrokenWatch(v1::JOB_STATE_SUCCEEDED, v1::VERDICT_INCONCLUSIVE);
  EXPECT_EQ(RunWith(wait), kExitInconclusive);
  ScriptBrokenWatch(v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(RunWith(wait), kExitCancelled);
  ScriptBrokenWatch(v1::JOB_STATE_FAILED);
  EXPECT_EQ(RunWith({"jobs", "wait", "job-1"}), kExitOk);
}

TEST_F(RunTest, ResumeRaisesTheCeilingFirst) {
  SetQuote(0);
  EXPECT_EQ(RunWith({"jobs", "resume", "job-1", "--ceiling-usd", "30"}), kExitOk) << err_.str();
  const absl::MutexLock lock(&server_.distillation.mu);
  ASSERT_EQ(server_.distillation.updates.size(), 1u);
  EXPECT_EQ(server_.distillation.updates[0].ceiling_micro_usd(), 30'000'000);
}

TEST_F(RunTest, UpdateSetsTheCeilingAndNamesTheNextStepOfAPausedJob) {
  SetQuote(0);
  {
    const absl::MutexLock lock(&server_.distillation.mu);
    server_.distillation.job.set_state(v1::JOB_STATE_PAUSED);
  }
  EXPECT_EQ(RunWith({"jobs", "update", "job-1", "--max-usd", "12.5"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("limbeck jobs resume job-1"));
  EXPECT_EQ(RunWith({"jobs", "update", "job-1", "--max-usd", "much"}), kExitBadInput);
  EXPECT_EQ(RunWith({"jobs", "update", "job-1"}), kExitBadInput);
  const absl::MutexLock lock(&server_.distillation.mu);
  ASSERT_EQ(server_.distillation.updates.size(), 1u);
  EXPECT_EQ(server_.distillation.updates[0].ceiling_micro_usd(), 12'500'000);
}

TEST_F(RunTest, InvoicesComeAsSumsAsCsvAndAsJsonLines) {
  {
    const absl::MutexLock lock(&server_.distillation.mu);
    server_.distillation.invoice.resize(2);
    auto* entry = server_.distillation.invoice[0].mutable_entry();
    entry->set_kind(v1::INVOICE_ENTRY_KIND_BOUGHT);
    entry->set_row("train:1");
    entry->set_micro_usd(5);
    auto* total = server_.distillation.invoice[1].mutable_total();
    total->set_entries(1);
    total->mutable_account()->set_name("job/job-1");
    total->mutable_account()->set_spent_micro_usd(5);
  }
  EXPECT_EQ(RunWith({"jobs", "invoice", "job-1"}), kExitOk) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("5 micro-USD"));
  EXPECT_EQ(RunWith({"jobs", "invoice", "job-1", "--csv"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr(",bought,train:1,"));
  EXPECT_THAT(err_.str(), HasSubstr("5 micro-USD"));
  EXPECT_EQ(RunWith({"--json", "jobs", "invoice", "job-1"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"row\":\"train:1\""));
  EXPECT_THAT(out_.str(), Not(HasSubstr("bought,")));
  EXPECT_EQ(RunWith({"--json", "jobs", "invoice", "job-1", "--csv"}), kExitBadInput);
  EXPECT_EQ(RunWith({"teams", "invoice", "default", "--month", "2026-11", "--csv"}), kExitOk);
  const absl::MutexLock lock(&server_.distillation.mu);
  EXPECT_EQ(server_.distillation.invoice_requests[0].job_id(), "job-1");
  EXPECT_EQ(server_.distillation.invoice_requests.back().team().name(), "default");
  EXPECT_EQ(server_.distillation.invoice_requests.back().team().month(), "2026-11");
}

TEST_F(RunTest, AnInvoiceWithoutItsTotalIsNoInvoice) {
  {
    const absl::MutexLock lock(&server_.distillation.mu);
    server_.distillation.invoice.resize(1);
    server_.distillation.invoice[0].mutable_entry()->set_micro_usd(5);
  }
  EXPECT_EQ(RunWith({"jobs", "invoice", "job-1", "--csv"}), kExitFailure);
  EXPECT_THAT(err_.str(), HasSubstr("without its total"));
}

TEST_F(RunTest, ListReadsEveryPage) {
  {
    const absl::MutexLock lock(&server_.distillation.mu);
    server_.distillation.pages.resize(2);
    server_.distillation.pages[0].add_jobs()->set_id("job-2");
    server_.distillation.pages[1].add_jobs()->set_id("job-1");
  }
  EXPECT_EQ(RunWith({"jobs", "list"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("job-2"));
  EXPECT_THAT(out_.str(), HasSubstr("job-1"));
  EXPECT_EQ(RunWith({"jobs", "list", "--limit", "1"}), kExitOk);
  EXPECT_THAT(out_.str(), Not(HasSubstr("job-1")));
}

TEST_F(RunTest, ExportWritesCheckedFilesOrNothing) {
  v1::ArtifactChunk first;
  first.set_name("model.safetensors");
  first.set_data("abc");
  v1::ArtifactChunk last = first;
  last.set_offset(3);
  last.set_data("def");
  last.set_last(true);
  last.set_sha256(Sha256("abcdef"));
  const std::string target = (temp_.path() / "student").string();
  {
    const absl::MutexLock lock(&server_.distillation.mu);
    server_.distillation.chunks = {first, last};
  }
  EXPECT_EQ(RunWith({"students", "export", "job-1", "-o", target}), kExitOk) << err_.str();
  EXPECT_EQ(*ReadFile(target + "/model.safetensors"), "abcdef");
  EXPECT_EQ(RunWith({"students", "export", "job-1", "-o", target}), kExitFailure);
  EXPECT_THAT(err_.str(), HasSubstr("is there already"));

  for (const char* fault : {"hash", "gap", "name", "short"}) {
    {
      const absl::MutexLock lock(&server_.distillation.mu);
      v1::ArtifactChunk bad = last;
      if (fault == std::string("hash")) bad.set_sha256(Sha256("other"));
      if (fault == std::string("gap")) bad.set_offset(4);
      if (fault == std::string("name")) bad.set_name("../escape");
      if (fault == std::string("short")) bad.set_last(false);
      server_.distillation.chunks = {first, bad};
    }
    EXPECT_EQ(RunWith({"students", "export", "job-1", "-o", target + fault}), kExitFailure);
    EXPECT_FALSE(std::filesystem::exists(target + fault)) << fault;
  }
}

TEST_F(RunTest, TeachersAndCacheCommandsShowWhatServicesSay) {
  EXPECT_EQ(RunWith({"teachers", "list", "--trainable"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("open"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("closed")));
  EXPECT_EQ(RunWith({"cache", "verify"}), kExitFailure);
  EXPECT_THAT(out_.str(), HasSubstr("record 00ff"));
}

TEST_F(RunTest, TeachersAreListedWithWhatTheyGiveAndHowTheyStand) {
  EXPECT_EQ(RunWith({"teachers", "list"}), kExitOk);
  for (const char* shown :
       {"at 50 %", "OPEN_LICENCE, reviewed 2026-11-01", "TOP_K up to 20", "2026-11-24", "ready",
        "never", "stopped: insufficient_quota", "closed is stopped: you have no money left"}) {
    EXPECT_THAT(out_.str(), HasSubstr(shown));
  }
  EXPECT_EQ(RunWith({"teachers", "list", "--json"}), kExitOk);
  for (const char* shown : {"sells_by_batch", "probe_time", "training_use_reviewed_on", "support",
                            "insufficient_quota", "you have no money left"}) {
    EXPECT_THAT(out_.str(), HasSubstr(shown));
  }
}

TEST_F(RunTest, AnUnreachableServiceIsSaidPlainly) {
  std::istringstream in;
  EXPECT_EQ(
      cli::Run({"--server", "127.0.0.1:1", "jobs", "list"}, Io{in, out_, err_}, Clock::Real()),
      kExitFailure);
  EXPECT_THAT(err_.str(), HasSubstr("Is Limbeck running"));
}

TEST_F(RunTest, InitWritesAJobFileThatLoadsAndOverwritesNothing) {
  const std::string path = (temp_.path() / "new.yaml").string();
  EXPECT_EQ(RunWith({"jobs", "init", "-o", path}), kExitOk);
  EXPECT_EQ(*ReadFile(path), ExampleJobFile());
  EXPECT_EQ(RunWith({"jobs", "init", "-o", path}), kExitFailure);
}

}  // namespace
}  // namespace limbeck::cli
