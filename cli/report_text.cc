#include "cli/report_text.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/print.h"

namespace limbeck::cli {
namespace {

std::string Show(const v1::Estimate& estimate) {
  return absl::StrFormat("%.3f [%.3f, %.3f]", estimate.value(), estimate.low(), estimate.high());
}

void PrintConfusion(const v1::AcceptanceReport& report, std::ostream& out) {
  const int labels = report.labels_size();
  // Above a dozen labels the matrix no longer fits a screen; --json has it.
  if (labels == 0 || labels > 12 || report.student().confusion_size() != labels * labels) return;
  std::vector<std::string> header = {"gold \\ student"};
  header.insert(header.end(), report.labels().begin(), report.labels().end());
  std::vector<std::vector<std::string>> rows;
  for (int gold = 0; gold < labels; ++gold) {
    rows.push_back({report.labels(gold)});
    for (int predicted = 0; predicted < labels; ++predicted) {
      rows.back().push_back(FormatCount(report.student().confusion(gold * labels + predicted)));
    }
  }
  out << '\n';
  PrintTable(header, rows, out);
}

void PrintData(const v1::DataFacts& data, std::ostream& out) {
  out << "\nrows        " << FormatCount(data.train_rows()) << " trained on, "
      << FormatCount(data.validation_rows()) << " for the learning curve, "
      << FormatCount(data.held_out_rows()) << " held out, " << FormatCount(data.rejected_rows())
      << " rejected\n"
      << "answers     " << FormatCount(data.answers_bought()) << " bought, "
      << FormatCount(data.answers_cached()) << " from the cache, "
      << FormatUsd(data.spent_micro_usd()) << '\n'
      << "labels      from " << data.label_source() << ", "
      << absl::StrFormat("%.3f", data.mean_leftover_mass())
      << " of the teacher's probability lay outside them\n";
  for (const auto& model : data.teacher_models()) out << "teacher     " << model << '\n';
}

}  // namespace

void PrintReport(const v1::AcceptanceReport& report, std::ostream& out) {
  const v1::Decision& decision = report.decision();
  out << "verdict     " << EnumName(v1::Verdict_Name(report.verdict()), "VERDICT_") << '\n';
  if (!decision.sentence().empty()) out << "            " << decision.sentence() << '\n';
  if (decision.rows_needed() > 0) {
    out << "            " << FormatCount(decision.rows_needed())
        << " more held-out rows would decide\n";
  }
  out << '\n';
  PrintTable({"", "student", "teacher"},
             {{"accuracy", Show(report.student().accuracy()), Show(report.teacher().accuracy())},
              {"macro F1", Show(report.student().macro_f1()), Show(report.teacher().macro_f1())},
              {"calibration error", Show(report.student().expected_calibration_error()),
               Show(report.teacher().expected_calibration_error())}},
             out);
  out << "agreement          " << Show(report.agreement()) << '\n'
      << absl::StrFormat("%s(student) - %s(teacher): %s, margin %.3f, confidence %.3f\n",
                         decision.metric(), decision.metric(), Show(decision.difference()),
                         -decision.margin(), decision.confidence());
  PrintConfusion(report, out);
  const v1::StudentFacts& student = report.student_facts();
  out << "\nstudent     " << student.kind() << ", " << FormatCount(student.parameters())
      << " parameters, " << FormatBytes(student.bytes()) << ", "
      << absl::StrFormat("%.0f", student.texts_per_second()) << " texts/s on one thread";
  PrintData(report.data_facts(), out);
  for (const auto& warning : report.warnings()) out << "warning     " << warning << '\n';
  out << std::flush;
}

}  // namespace limbeck::cli
