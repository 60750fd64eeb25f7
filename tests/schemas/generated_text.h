// Parts of files that follow from the program: a test fails where they differ, and writes them
// where LLMSWEEP_WRITE_DOCS is set.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace llmsweep {

inline std::string text_of_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The whole file, `path` from the root of the sources.
inline void expect_generated_file(const std::string& path, const std::string& text) {
  const std::filesystem::path file = std::filesystem::path(LLMSWEEP_SOURCE_DIR) / path;
  if (std::getenv("LLMSWEEP_WRITE_DOCS") != nullptr) {
    std::ofstream(file) << text;
    return;
  }
  EXPECT_EQ(text_of_file(file), text)
      << path << ": run this test with LLMSWEEP_WRITE_DOCS=1 to write it anew";
}

// What stands between "<!-- generated: NAME -->" and "<!-- end -->".
inline void expect_generated(const std::string& path, const std::string& name,
                             const std::string& text) {
  std::string document = text_of_file(std::filesystem::path(LLMSWEEP_SOURCE_DIR) / path);
  const std::string marker = "<!-- generated: " + name + " -->\n";
  const size_t found = document.find(marker);
  ASSERT_NE(found, std::string::npos) << marker << " is missing in " << path;
  const size_t begin = found + marker.size();
  const size_t end = document.find("<!-- end -->", begin);
  ASSERT_NE(end, std::string::npos) << path;
  expect_generated_file(path, document.replace(begin, end - begin, text));
}

}  // namespace llmsweep
