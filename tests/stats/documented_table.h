// Tables of docs/statistics.md are what a test measures: it fails where they differ, and writes
// them where LLMSWEEP_WRITE_DOCS is set.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace llmsweep::testing {

struct Table {
  std::string text;  // every figure replaced by '#'
  std::vector<double> figures;
};

// Figures are numbers with a decimal point; counts and changes in the first columns have none.
inline Table parse_table(const std::string& table) {
  static const std::regex kFigure(R"([+-]?\d+\.\d+)");
  Table parsed{.text = std::regex_replace(table, kFigure, "#")};
  for (std::sregex_iterator at(table.begin(), table.end(), kFigure), end; at != end; ++at) {
    parsed.figures.push_back(std::stod(at->str()));
  }
  return parsed;
}

inline bool writes_documents() {
  return std::getenv("LLMSWEEP_WRITE_DOCS") != nullptr;
}

// The text between "<!-- generated: NAME -->" and "<!-- end -->" has to be `table`.
// `tolerance` of a documented figure, for tables that a longer run has written.
inline void expect_documented(
    const std::string& name, const std::string& table,
    const std::function<double(double)>& tolerance = [](double) { return 0.2; }) {
  const std::string path = LLMSWEEP_SOURCE_DIR "/docs/statistics.md";
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::string document = text.str();
  const std::string marker = "<!-- generated: " + name + " -->\n";
  const size_t found = document.find(marker);
  ASSERT_NE(found, std::string::npos) << marker << " is missing in " << path;
  const size_t begin = found + marker.size();
  const size_t end = document.find("<!-- end -->", begin);
  ASSERT_NE(end, std::string::npos);
  if (writes_documents()) {
    std::ofstream(path) << document.replace(begin, end - begin, table);
    return;
  }
  const Table documented = parse_table(document.substr(begin, end - begin));
  const Table measured = parse_table(table);
  const char* const remedy = "run this test with LLMSWEEP_WRITE_DOCS=1 to write the table anew";
  ASSERT_EQ(documented.text, measured.text) << remedy;
  ASSERT_FALSE(measured.figures.empty());
  for (size_t i = 0; i < measured.figures.size(); ++i) {
    const double stated = documented.figures[i];
    EXPECT_NEAR(stated, measured.figures[i], tolerance(stated)) << remedy;
  }
}

}  // namespace llmsweep::testing
