// Small charts as inline SVG, coloured by the page's CSS variables so that they follow its theme.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace limbeck::trainer {

// `text` safe inside HTML text and quoted attributes.
std::string EscapeHtml(std::string_view text);

struct Series {
  std::string name;
  std::string css_class;                          // Of the stroke: "s0", "s1", "s2".
  std::vector<std::pair<double, double>> points;  // Ascending x; points that are not finite are
                                                  // left out.
};

// Lines over one x axis, with a grid, tick labels and a legend. Empty series give axes only.
std::string LineChart(std::string_view title, std::string_view x_label,
                      const std::vector<Series>& series);

struct ReliabilityPoint {
  double confidence = 0.0;
  double accuracy = 0.0;
  double share = 0.0;  // Of all rows, 0 … 1.
};

// Accuracy over confidence with the diagonal; the area of a dot follows the share of rows.
std::string ReliabilityChart(std::string_view title, const std::vector<ReliabilityPoint>& points);

// matrix[gold · labels + predicted], shaded by the share of its gold label.
std::string ConfusionTable(std::string_view title, const std::vector<std::string>& labels,
                           const std::vector<uint64_t>& matrix);

}  // namespace limbeck::trainer
