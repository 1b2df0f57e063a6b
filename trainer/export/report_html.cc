#include "trainer/export/report_html.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "trainer/export/report_style.h"
#include "trainer/export/svg_chart.h"

namespace limbeck::trainer {
namespace {

std::string Show(const v1::Estimate& estimate) {
  return absl::StrFormat("%.3f <small>[%.3f, %.3f]</small>", estimate.value(), estimate.low(),
                         estimate.high());
}

std::string Count(uint64_t number) {
  std::string digits = absl::StrCat(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return digits;
}

std::string Row(std::string_view name, std::string_view value) {
  return absl::StrCat("<tr><th>", EscapeHtml(name), "</th><td class=\"n\">", std::string(value),
                      "</td></tr>");
}

std::string VerdictBox(const v1::AcceptanceReport& report) {
  const char* word = "INCONCLUSIVE";
  const char* css = "open";
  if (report.verdict() == v1::VERDICT_ACCEPT) word = "ACCEPT", css = "accept";
  if (report.verdict() == v1::VERDICT_REJECT) word = "REJECT", css = "reject";
  std::string box = absl::StrCat("<div class=\"verdict ", css, "\"><b>", word, "</b><p>",
                                 EscapeHtml(report.decision().sentence()), "</p>");
  if (report.decision().rows_needed() > 0) {
    absl::StrAppend(&box, "<p>About ", Count(report.decision().rows_needed()),
                    " more held-out rows would decide, if the difference stays as it is.</p>");
  }
  return box + "</div>\n";
}

std::string QualityTable(const v1::AcceptanceReport& report) {
  const auto line = [](std::string_view name, const v1::Estimate& student,
                       const v1::Estimate& teacher) {
    return absl::StrCat("<tr><th>", std::string(name), "</th><td class=\"n\">", Show(student),
                        "</td><td class=\"n\">", Show(teacher), "</td></tr>");
  };
  const v1::Quality& s = report.student();
  const v1::Quality& t = report.teacher();
  return absl::StrCat(
      "<h2>Quality on held-out rows, against gold</h2>",
      "<table><tr><th></th><th>student</th><th>teacher</th></tr>",
      line("accuracy", s.accuracy(), t.accuracy()), line("macro F1", s.macro_f1(), t.macro_f1()),
      line("expected calibration error", s.expected_calibration_error(),
           t.expected_calibration_error()),
      "<tr><th>agreement with the teacher</th><td class=\"n\">", Show(report.agreement()),
      "</td><td></td></tr><tr><th>", EscapeHtml(report.decision().metric()), "(student) &minus; ",
      EscapeHtml(report.decision().metric()), "(teacher), paired</th><td class=\"n\">",
      Show(report.decision().difference()), "</td><td></td></tr></table>",
      absl::StrFormat("<p><small>Brackets: %.0f %% bootstrap intervals, %s resamples of the same "
                      "rows for both. Accepted loss: %.3f.</small></p>\n",
                      100 * report.decision().confidence(), Count(report.decision().resamples()),
                      report.decision().margin()));
}

std::vector<ReliabilityPoint> Reliability(const v1::Quality& quality) {
  uint64_t total = 0;
  for (const v1::ReliabilityBin& bin : quality.reliability()) total += bin.rows();
  std::vector<ReliabilityPoint> points;
  for (const v1::ReliabilityBin& bin : quality.reliability()) {
    points.push_back(
        {bin.confidence(), bin.accuracy(),
         total == 0 ? 0.0 : static_cast<double>(bin.rows()) / static_cast<double>(total)});
  }
  return points;
}

std::string Charts(const v1::AcceptanceReport& report) {
  Series loss{"training loss", "s0", {}};
  Series kl{"validation KL(teacher || student), nats", "s1", {}};
  Series agreement{"validation agreement", "s2", {}};
  for (const v1::LearningPoint& point : report.learning_curve()) {
    loss.points.emplace_back(point.epoch(), point.train_loss());
    kl.points.emplace_back(point.epoch(), point.validation_kl());
    agreement.points.emplace_back(point.epoch(), point.validation_agreement());
  }
  const std::vector<std::string> labels(report.labels().begin(), report.labels().end());
  const auto matrix = [](const v1::Quality& quality) {
    return std::vector<uint64_t>(quality.confusion().begin(), quality.confusion().end());
  };
  std::string html = "<h2>Learning curve</h2><div class=\"grid2\">";
  // The training loss changes its meaning with the schedules, so it has an axis of its own.
  html += LineChart("Training loss (its scale moves with temperature and hard weight)", "epoch",
                    {loss});
  html += LineChart("On validation rows", "epoch", {kl, agreement});
  html += "</div><h2>Confusion</h2><div class=\"grid2\">";
  html += ConfusionTable("Student", labels, matrix(report.student()));
  html += ConfusionTable("Teacher", labels, matrix(report.teacher()));
  html += "</div><h2>Reliability</h2><div class=\"grid2\">";
  html += ReliabilityChart("Student", Reliability(report.student()));
  html += ReliabilityChart("Teacher", Reliability(report.teacher()));
  return html + "</div>\n";
}

std::string Facts(const v1::AcceptanceReport& report) {
  const v1::StudentFacts& s = report.student_facts();
  const v1::DataFacts& d = report.data_facts();
  const v1::Method& m = report.method();
  std::string models;
  for (const std::string& model : d.teacher_models()) {
    absl::StrAppend(&models, models.empty() ? "" : ", ", EscapeHtml(model));
  }
  std::string html = "<div class=\"grid2\"><div><h2>Student</h2><table>";
  html += Row("kind", EscapeHtml(s.kind()));
  html += Row("parameters", Count(s.parameters()));
  html += Row("size", absl::StrFormat("%.2f MB", static_cast<double>(s.bytes()) / 1e6));
  html += Row("speed", absl::StrFormat("%.0f texts/s, one thread", s.texts_per_second()));
  html += Row("trained by", absl::StrCat(report.workers(), " worker(s)"));
  html += "</table><h2>Method</h2><table>";
  html += Row("temperature",
              absl::StrFormat("%.3g &rarr; %.3g", m.temperature().start(), m.temperature().end()));
  html += Row("hard weight",
              absl::StrFormat("%.3g &rarr; %.3g", m.hard_weight().start(), m.hard_weight().end()));
  html += Row("hard labels",
              m.hard_labels() == v1::HARD_LABEL_SOURCE_GOLD ? "gold" : "the teacher's choice");
  html += Row("epochs", Count(m.epochs()));
  html += Row("rows per step", Count(m.global_batch()));
  html += Row("learning rate", absl::StrFormat("%.3g", m.learning_rate()));
  html += Row("weight decay", absl::StrFormat("%.3g", m.weight_decay()));
  html += Row("seed", absl::StrCat(m.seed()));
  html += "</table></div><div><h2>Data and money</h2><table>";
  html += Row("trained on", absl::StrCat(Count(d.train_rows()), " rows"));
  html += Row("learning curve", absl::StrCat(Count(d.validation_rows()), " rows"));
  html += Row("held out", absl::StrCat(Count(d.held_out_rows()), " rows"));
  html += Row("without usable answer", absl::StrCat(Count(d.rejected_rows()), " rows"));
  html += Row("label probabilities from", EscapeHtml(d.label_source()));
  html += Row("teacher's mass outside the labels",
              absl::StrFormat("%.3f on average", d.mean_leftover_mass()));
  html += Row("answers bought", Count(d.answers_bought()));
  html += Row("answers from the cache", Count(d.answers_cached()));
  html += Row("spent", absl::StrFormat("$%.4f", static_cast<double>(d.spent_micro_usd()) / 1e6));
  html += Row("teacher, by its own name", models);
  html += Row("training snapshot",
              absl::StrCat(EscapeHtml(d.train_snapshot_id().substr(0, 16)), "&hellip;"));
  html += Row("held-out snapshot",
              absl::StrCat(EscapeHtml(d.held_out_snapshot_id().substr(0, 16)), "&hellip;"));
  return html + "</table></div></div>\n";
}

}  // namespace

std::string ReportHtml(const v1::AcceptanceReport& report) {
  const absl::Time time = absl::FromUnixSeconds(report.create_time().seconds());
  std::string html = absl::StrCat(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\"><title>Acceptance report ",
      EscapeHtml(report.job_id()), "</title><style>", kReportStyle, "</style></head><body><main>",
      "<h1>May the student replace the teacher?</h1><p class=\"job\">", EscapeHtml(report.job_id()),
      " &middot; ", absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone()), "</p>\n");
  html += VerdictBox(report);
  html += QualityTable(report);
  if (report.warnings_size() > 0) {
    html += "<h2>What to doubt</h2><ul>";
    for (const std::string& warning : report.warnings()) {
      absl::StrAppend(&html, "<li>", EscapeHtml(warning), "</li>");
    }
    html += "</ul>\n";
  }
  html += Charts(report);
  html += Facts(report);
  html +=
      "<footer>Made by Limbeck. The same numbers, for programs: report.json.</footer>"
      "</main></body></html>\n";
  return html;
}

}  // namespace limbeck::trainer
