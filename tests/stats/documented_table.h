// Tables of docs/statistics.md are what a test measures: it fails where they differ, and writes
// them where LLMSWEEP_WRITE_DOCS is set.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace llmsweep::testing {

// The text between "<!-- generated: NAME -->" and "<!-- end -->" has to be `table`.
inline void expect_documented(const std::string& name, const std::string& table) {
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
  if (std::getenv("LLMSWEEP_WRITE_DOCS") != nullptr) {
    std::ofstream(path) << document.replace(begin, end - begin, table);
    return;
  }
  EXPECT_EQ(document.substr(begin, end - begin), table)
      << "run this test with LLMSWEEP_WRITE_DOCS=1 to write the table anew";
}

}  // namespace llmsweep::testing
