#include "gateway/jobs/quote.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/hash.h"
#include "base/status.h"
#include "cache/client/accounts.h"
#include "gateway/jobs/deterministic_bytes.h"
#include "gateway/jobs/distinct_queries.h"
#include "gateway/jobs/proto_time.h"
#include "gateway/jobs/query_maker.h"
#include "gateway/jobs/row_walk.h"
#include "gateway/jobs/spec_defaults.h"
#include "gateway/jobs/spec_validation.h"
#include "gateway/jobs/token_fit.h"
#include "gateway/jobs/votes_together.h"
#include "gateway/teachers/canonical.h"
#include "gateway/teachers/cost.h"

namespace limbeck::gateway {
namespace {

constexpr size_t kMaxRowFaults = 20;
constexpr size_t kLookupBatch = 1024;
constexpr absl::Duration kQuoteLife = absl::Hours(1);
// What answers usually have, tokens: a JSON object with a label, a name and number in JSON.
constexpr uint64_t kLikelySchemaTokens = 10;
constexpr uint64_t kLikelyTokensPerNumber = 8;

// Gives the spec the same bytes whatever the order in which it was filled.
std::string SpecHash(const v1::JobSpec& spec) {
  return Sha256Hex(DeterministicBytes(spec)).substr(0, 32);
}

// `fit`, with the method's usual answer where it knows nothing of the teacher's.
TokenFit WithUsualAnswer(TokenFit fit, const v1::ClassifyTask& task) {
  if (fit.calls > 0) return fit;
  if (task.label_method() == v1::ClassifyTask::LABEL_METHOD_VERBALISED) {
    fit.output_likely = kLikelyTokensPerNumber * (1 + static_cast<uint64_t>(task.labels_size()));
  } else if (task.label_method() == v1::ClassifyTask::LABEL_METHOD_SCHEMA) {
    fit.output_likely = kLikelySchemaTokens;
  }
  return fit;
}

// One walk over a job's queries.
class QuoteWalk {
 public:
  QuoteWalk(const JobContext& context, CheckedJob* job, QueryMaker maker, const TokenFit& fit)
      : context_(context),
        job_(job),
        maker_(std::move(maker)),
        votes_per_call_(VotesPerCall(context, job->spec)),
        fit_(WithUsualAnswer(fit, job->spec.task().classify())) {
    for (const v1::Label& label : job->spec.task().classify().labels()) {
      labels_.insert(label.name());
    }
  }

  absl::Status Run() {
    LIMBECK_ASSIGN_OR_RETURN(walk_, RowWalk::Open(*context_.datasets, job_->spec, WalkPart::kAll));
    while (true) {
      absl::StatusOr<std::optional<JobRow>> row = walk_->Next();
      if (absl::IsInvalidArgument(row.status())) {
        AddRowFault("data", std::string(ToStd(row.status().message())));
        continue;
      }
      LIMBECK_RETURN_IF_ERROR(row.status());
      if (!row->has_value()) break;
      LIMBECK_RETURN_IF_ERROR(AddRow(**row));
    }
    LIMBECK_RETURN_IF_ERROR(LookUp());
    Summarise();
    if (faults_total_ > kMaxRowFaults) {
      job_->faults.push_back(
          {"data", absl::StrCat("and ", faults_total_ - kMaxRowFaults, " more rows with faults"),
           std::string(kRowInvalid)});
    }
    RequireRows();
    return absl::OkStatus();
  }

 private:
  void AddRowFault(const std::string& field, std::string description) {
    if (++faults_total_ > kMaxRowFaults) return;
    job_->faults.push_back({field, std::move(description), std::string(kRowInvalid)});
  }

  void CheckGold(const JobRow& row) {
    const bool gold_trains = job_->spec.method().hard_labels() == v1::HARD_LABEL_SOURCE_GOLD;
    if (row.part != DatasetPart::kHeldOut && !gold_trains) return;
    const std::string gold = walk_->GoldOf(row);
    if (labels_.contains(gold)) return;
    const std::string& column = job_->spec.data().label_column();
    AddRowFault("data.label_column",
                absl::StrCat(row.dataset, " row ", row.number, " has ",
                             gold.empty() ? std::string("no text") : absl::StrCat("\"", gold, "\""),
                             " in column \"", column, "\"; expected one of ",
                             absl::StrJoin(labels_, ", ")));
  }

  absl::Status AddRow(const JobRow& row) {
    (row.part == DatasetPart::kHeldOut ? held_out_rows_ : train_rows_) += 1;
    CheckGold(row);
    distinct_.StartRow();
    for (uint32_t variant = 0; variant < maker_.VariantsOf(row); ++variant) {
      const absl::StatusOr<TeacherQuery> query = maker_.QueryOf(row, variant);
      if (!query.ok()) {
        AddRowFault("data.prompt", std::string(ToStd(query.status().message())));
        return absl::OkStatus();
      }
      for (uint32_t sample = 0; sample < maker_.samples(); ++sample) {
        LIMBECK_RETURN_IF_ERROR(AddQuery(*query, sample));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddQuery(TeacherQuery query, uint32_t sample) {
    maker_.SetSample(sample, &query);
    job_->quote.set_queries(job_->quote.queries() + 1);
    std::string canonical = CanonicalRequest(maker_.teacher().config, query);
    if (!distinct_.Add(Xxh3(canonical))) return absl::OkStatus();
    const TeacherConfig& config = maker_.teacher().config;
    Priced priced;
    priced.tokens = LikelyTokens(fit_, PromptBytes(query), query.sampling.max_tokens);
    priced.tokens.low = PartOfCall(priced.tokens.low, votes_per_call_);
    priced.tokens.likely = PartOfCall(priced.tokens.likely, votes_per_call_);
    priced.longest_output = query.sampling.max_tokens;
    priced.bound = UpperBoundMicroUsd(config, query);
    priced.certain = sample < maker_.first_samples();
    batch_.push_back(priced);
    items_.push_back({std::move(canonical), query.top_logprobs, priced.bound});
    return items_.size() < kLookupBatch ? absl::OkStatus() : LookUp();
  }

  absl::Status LookUp() {
    if (items_.empty()) return absl::OkStatus();
    cache::AcquireRequest request;
    request.domain = context_.domain;
    request.items = std::move(items_);
    request.lookup_only = true;
    LIMBECK_ASSIGN_OR_RETURN(const auto results, context_.cache->Acquire(request));
    v1::Quote& quote = job_->quote;
    for (size_t i = 0; i < results.size() && i < batch_.size(); ++i) {
      if (results[i].kind == cache::AcquireResult::Kind::kHit) {
        quote.set_cached(quote.cached() + 1);
        continue;
      }
      quote.set_to_buy(quote.to_buy() + 1);
      quote.set_output_tokens(quote.output_tokens() + batch_[i].longest_output);
      quote.set_high_micro_usd(Sum(quote.high_micro_usd(), batch_[i].bound));
      // Votes that sequential stopping may spare: most rows are decided without them.
      if (batch_[i].certain) {
        low_.Add(maker_.teacher().config, batch_[i].tokens.low);
        likely_.Add(maker_.teacher().config, batch_[i].tokens.likely);
      }
      high_.Add(maker_.teacher().config, batch_[i].tokens.high);
    }
    items_.clear();
    batch_.clear();
    return absl::OkStatus();
  }

  void Summarise() {
    v1::Quote& quote = job_->quote;
    quote.set_distinct_queries(distinct_.count());
    quote.set_fitted_calls(fit_.calls);
    quote.set_input_tokens_low(static_cast<uint64_t>(low_.tokens.input));
    quote.set_input_tokens(static_cast<uint64_t>(likely_.tokens.input));
    quote.set_input_tokens_high(static_cast<uint64_t>(high_.tokens.input));
    quote.set_output_tokens_low(static_cast<uint64_t>(low_.tokens.output));
    quote.set_output_tokens_likely(static_cast<uint64_t>(likely_.tokens.output));
    quote.set_output_tokens_high(static_cast<uint64_t>(high_.tokens.output));
    quote.set_low_micro_usd(std::min(low_.micro_usd, quote.high_micro_usd()));
    quote.set_likely_micro_usd(std::min(likely_.micro_usd, quote.high_micro_usd()));
    quote.set_estimate_high_micro_usd(std::min(high_.micro_usd, quote.high_micro_usd()));
    const QuotaPoolOptions& limits = maker_.teacher().config.limits;
    const TimeEstimate longest = EstimateTime(limits, fit_, quote.to_buy(), high_.tokens);
    quote.set_seconds_low(EstimateTime(limits, fit_, quote.to_buy(), low_.tokens).seconds);
    quote.set_seconds_high(longest.seconds);
    quote.set_time_limit(longest.limit);
  }

  void RequireRows() {
    if (train_rows_ == 0) {
      job_->faults.push_back(
          {"data.train", "leaves no rows to train on", std::string(kRowInvalid)});
    }
    if (held_out_rows_ == 0) {
      job_->faults.push_back({"data.held_out_share",
                              "leaves no held-out rows for the verdict; give more rows, a larger "
                              "share or a held-out dataset",
                              std::string(kRowInvalid)});
    }
  }

  struct Priced {
    TokenRange tokens;
    uint32_t longest_output = 0;
    int64_t bound = 0;
    bool certain = true;  // That it will be asked.
  };

  static int64_t Sum(int64_t a, int64_t b) { return a + std::min(b, cache::kNoCeiling - a); }

  struct Totals {
    void Add(const TeacherConfig& config, const TokenCount& call) {
      tokens.input += call.input;
      tokens.output += call.output;
      micro_usd = Sum(micro_usd, CostMicroUsd(config, call));
    }
    TokenCount tokens;
    int64_t micro_usd = 0;
  };

  const JobContext& context_;
  CheckedJob* const job_;
  const QueryMaker maker_;
  const uint32_t votes_per_call_;
  const TokenFit fit_;
  Totals low_, likely_, high_;  // Of what is to be bought.
  std::unique_ptr<RowWalk> walk_;
  std::set<std::string> labels_;
  DistinctQueries distinct_;
  std::vector<cache::AcquireItem> items_;
  std::vector<Priced> batch_;
  uint64_t faults_total_ = 0;
  uint64_t train_rows_ = 0;
  uint64_t held_out_rows_ = 0;
};

// The dataset; nullopt where it is not stored.
absl::StatusOr<std::optional<v1::Dataset>> FindDataset(const DatasetStore& datasets,
                                                       const std::string& id) {
  absl::StatusOr<v1::Dataset> dataset = datasets.Get(id);
  if (dataset.ok()) return std::optional<v1::Dataset>(*std::move(dataset));
  if (absl::IsNotFound(dataset.status())) return std::optional<v1::Dataset>();
  return dataset.status();
}

TeacherCatalog CatalogOf(const JobContext& context) {
  TeacherCatalog catalog;
  for (const auto& [name, teacher] : *context.teachers) {
    TeacherFacts& facts = catalog.emplace(name, teacher.facts).first->second;
    if (context.apply_probe != nullptr) context.apply_probe(&facts);
  }
  return catalog;
}

void CheckCeiling(CheckedJob* job) {
  const v1::Budget& budget = job->spec.budget();
  if (budget.on_exhausted() == v1::Budget::ON_EXHAUSTED_TRAIN_WITH_PARTIAL) return;
  if (budget.ceiling_micro_usd() >= job->quote.likely_micro_usd()) return;
  job->faults.push_back(
      {"budget.ceiling_micro_usd",
       absl::StrCat("is ", budget.ceiling_micro_usd(), " micro-USD, but the job will likely cost ",
                    job->quote.likely_micro_usd(), " and at most ", job->quote.high_micro_usd(),
                    "; raise it, use fewer rows, or set on_exhausted to "
                    "ON_EXHAUSTED_TRAIN_WITH_PARTIAL"),
       std::string(kBudgetExceeded)});
}

// Walks what the job would ask.
absl::Status CheckRows(const JobContext& context, CheckedJob* job) {
  auto maker = QueryMaker::Create(job->spec, *context.teachers, *context.datasets);
  // The templates were checked: what is left is a pool with too few rows.
  if (absl::IsInvalidArgument(maker.status())) {
    job->faults.push_back({"data.expansion.few_shot", std::string(ToStd(maker.status().message())),
                           std::string(kRowInvalid)});
    return absl::OkStatus();
  }
  LIMBECK_RETURN_IF_ERROR(maker.status());
  LIMBECK_ASSIGN_OR_RETURN(const TokenFit fit, ReadTokenFit(context.cache, context.domain,
                                                            maker->teacher().config.name));
  QuoteWalk walk(context, job, *std::move(maker), fit);
  LIMBECK_RETURN_IF_ERROR(walk.Run());
  CheckCeiling(job);
  return absl::OkStatus();
}

}  // namespace

v1::JobSpec WithDefaults(const JobContext& context, v1::JobSpec asked) {
  FillDefaults(CatalogOf(context), &asked);
  return asked;
}

absl::StatusOr<CheckedJob> CheckJob(const JobContext& context, const v1::JobSpec& asked) {
  CheckedJob job;
  job.spec = WithDefaults(context, asked);
  const TeacherCatalog catalog = CatalogOf(context);

  LIMBECK_ASSIGN_OR_RETURN(const std::optional<v1::Dataset> train,
                           FindDataset(*context.datasets, job.spec.data().train().id()));
  LIMBECK_ASSIGN_OR_RETURN(const std::optional<v1::Dataset> held_out,
                           FindDataset(*context.datasets, job.spec.data().held_out().id()));
  LIMBECK_ASSIGN_OR_RETURN(
      const std::optional<v1::Dataset> pool,
      FindDataset(*context.datasets, job.spec.data().expansion().few_shot().pool().id()));
  SpecContext facts;
  facts.teachers = &catalog;
  facts.train = train.has_value() ? &*train : nullptr;
  facts.held_out = held_out.has_value() ? &*held_out : nullptr;
  facts.pool = pool.has_value() ? &*pool : nullptr;
  facts.team_ceiling_micro_usd = context.team_ceiling_micro_usd;
  job.faults = ValidateSpec(job.spec, facts);
  job.quote.set_rows((train.has_value() ? train->rows() : 0) +
                     (held_out.has_value() ? held_out->rows() : 0));
  if (job.faults.empty()) {
    LIMBECK_RETURN_IF_ERROR(CheckRows(context, &job));
  }
  const absl::Time expires = context.clock->WallNow() + kQuoteLife;
  *job.quote.mutable_expire_time() = ToProto(expires);
  job.quote.set_id(absl::StrCat("quote-", SpecHash(job.spec), "-", job.quote.high_micro_usd(), "-",
                                absl::ToUnixSeconds(expires)));
  job.quote.set_allowed(job.faults.empty());
  for (const Fault& fault : job.faults) {
    job.quote.add_reasons(absl::StrCat(fault.field, " ", fault.description));
  }
  return job;
}

std::vector<Fault> CheckQuoteId(const std::string& quote_id, const CheckedJob& job,
                                absl::Time now) {
  const auto stale = [](std::string why) {
    return std::vector<Fault>{{"quote_id", std::move(why), std::string(kQuoteStale)}};
  };
  if (quote_id.empty()) return {};
  const std::vector<std::string> parts = absl::StrSplit(quote_id, '-');
  int64_t high = 0;
  int64_t expires = 0;
  if (parts.size() != 4 || parts[0] != "quote" || !absl::SimpleAtoi(parts[2], &high) ||
      !absl::SimpleAtoi(parts[3], &expires)) {
    return stale(absl::StrCat("\"", quote_id, "\" is not the id of a quote; ask for a quote"));
  }
  if (parts[1] != SpecHash(job.spec)) return stale("was given for another spec; ask again");
  if (now > absl::FromUnixSeconds(expires)) return stale("has expired; ask for a new quote");
  if (job.quote.high_micro_usd() > high) {
    return stale(absl::StrCat("promised at most ", high, " micro-USD, but now it may be ",
                              job.quote.high_micro_usd(), "; ask for a new quote"));
  }
  return {};
}

}  // namespace limbeck::gateway
