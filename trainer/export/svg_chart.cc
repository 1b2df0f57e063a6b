#include "trainer/export/svg_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/string_view.h"

namespace limbeck::trainer {
namespace {

constexpr double kWidth = 460;
constexpr double kHeight = 250;
constexpr double kLeft = 52;
constexpr double kRight = 12;
constexpr double kTop = 12;
constexpr double kBottom = 40;
constexpr int kTicks = 5;

// A linear map from data to the drawing's coordinates.
struct Axis {
  double low = 0.0;
  double high = 1.0;
  double from = 0.0;
  double to = 1.0;

  double At(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

Axis HorizontalAxis(double low, double high) { return {low, high, kLeft, kWidth - kRight}; }
Axis VerticalAxis(double low, double high) { return {low, high, kHeight - kBottom, kTop}; }

std::string Frame(const Axis& x, const Axis& y, std::string_view x_label) {
  std::string out;
  for (int i = 0; i <= kTicks; ++i) {
    const double share = static_cast<double>(i) / kTicks;
    const double value = y.low + share * (y.high - y.low);
    absl::StrAppendFormat(&out,
                          "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                          x.from, x.to, y.At(value), y.At(value));
    absl::StrAppendFormat(
        &out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>",
        x.from - 6, y.At(value) + 4, value);
    const double across = x.low + share * (x.high - x.low);
    absl::StrAppendFormat(
        &out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.3g</text>",
        x.At(across), y.from + 16, across);
  }
  absl::StrAppendFormat(
      &out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>",
      (x.from + x.to) / 2, kHeight - 6, EscapeHtml(x_label));
  return out;
}

std::string Figure(std::string_view title, std::string_view body, std::string_view legend) {
  return absl::StrFormat(
      "<figure><figcaption>%s</figcaption><svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
      "aria-label=\"%s\">%s</svg>%s</figure>\n",
      EscapeHtml(title), kWidth, kHeight, EscapeHtml(title), std::string(body),
      std::string(legend));
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        // Control characters have no business on a page.
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
    }
  }
  return out;
}

std::string LineChart(std::string_view title, std::string_view x_label,
                      const std::vector<Series>& series) {
  double x_low = std::numeric_limits<double>::infinity();
  double x_high = -x_low;
  double y_high = 0.0;
  for (const Series& line : series) {
    for (const auto& [x, y] : line.points) {
      if (!std::isfinite(x) || !std::isfinite(y)) continue;
      x_low = std::min(x_low, x);
      x_high = std::max(x_high, x);
      y_high = std::max(y_high, y);
    }
  }
  if (!(x_high > x_low)) x_high = (x_low = std::isfinite(x_low) ? x_low : 0.0) + 1.0;
  if (y_high <= 0.0) y_high = 1.0;
  const Axis x = HorizontalAxis(x_low, x_high);
  const Axis y = VerticalAxis(0.0, y_high);
  std::string body = Frame(x, y, x_label);
  std::string legend = "<p class=\"legend\">";
  for (const Series& line : series) {
    std::string path;
    for (const auto& [px, py] : line.points) {
      if (!std::isfinite(px) || !std::isfinite(py)) continue;
      absl::StrAppendFormat(&path, "%s%.1f,%.1f", path.empty() ? "" : " ", x.At(px), y.At(py));
    }
    absl::StrAppend(&body, "<polyline class=\"line ", line.css_class, "\" points=\"", path, "\"/>");
    absl::StrAppend(&legend, "<span class=\"key ", line.css_class, "\"></span>",
                    EscapeHtml(line.name), " ");
  }
  return Figure(title, body, legend + "</p>");
}

std::string ReliabilityChart(std::string_view title, const std::vector<ReliabilityPoint>& points) {
  const Axis x = HorizontalAxis(0.0, 1.0);
  const Axis y = VerticalAxis(0.0, 1.0);
  std::string body = Frame(x, y, "confidence");
  absl::StrAppendFormat(
      &body, "<line class=\"diagonal\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x.At(0),
      y.At(0), x.At(1), y.At(1));
  for (const ReliabilityPoint& point : points) {
    if (point.share <= 0) continue;
    absl::StrAppendFormat(
        &body,
        "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>confidence "
        "%.3f, accuracy %.3f, %.1f %% of rows</title></circle>",
        x.At(point.confidence), y.At(point.accuracy), 3 + 14 * std::sqrt(point.share),
        point.confidence, point.accuracy, 100 * point.share);
  }
  return Figure(title, body,
                "<p class=\"legend\">accuracy over confidence; larger dots hold more rows</p>");
}

std::string ConfusionTable(std::string_view title, const std::vector<std::string>& labels,
                           const std::vector<uint64_t>& matrix) {
  const size_t n = labels.size();
  if (matrix.size() != n * n) return "";
  std::string out =
      absl::StrCat("<figure><figcaption>", EscapeHtml(title),
                   "</figcaption><table class=\"confusion\"><tr><th>gold \\ said</th>");
  for (const std::string& label : labels) absl::StrAppend(&out, "<th>", EscapeHtml(label), "</th>");
  out += "</tr>";
  for (size_t gold = 0; gold < n; ++gold) {
    uint64_t total = 0;
    for (size_t said = 0; said < n; ++said) total += matrix[gold * n + said];
    absl::StrAppend(&out, "<tr><th>", EscapeHtml(labels[gold]), "</th>");
    for (size_t said = 0; said < n; ++said) {
      const uint64_t count = matrix[gold * n + said];
      const double share =
          total == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(total);
      absl::StrAppendFormat(&out, "<td class=\"%s\" style=\"--share:%.3f\">%d</td>",
                            gold == said ? "right" : "wrong", share, count);
    }
    out += "</tr>";
  }
  return out + "</table></figure>\n";
}

}  // namespace limbeck::trainer
