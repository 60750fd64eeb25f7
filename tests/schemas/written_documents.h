// Files of the repository that are written from the lists of keys: a test compares them byte for
// byte, and writes them where LLMSWEEP_WRITE_DOCS is set.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "llmsweep/base/files.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

inline std::string repository_file(const std::string& path) {
  return std::string(LLMSWEEP_SOURCE_DIR) + "/" + path;
}

inline void expect_written(const std::string& path, const std::string& text) {
  const std::string file = repository_file(path);
  if (std::getenv("LLMSWEEP_WRITE_DOCS") != nullptr) write_file_atomically(file, text);
  EXPECT_EQ(read_file(file), text)
      << "run this test with LLMSWEEP_WRITE_DOCS=1 to write " << path << " again";
}

// Replaces in `document` what stands after `from` between the start of `begin` and `end`.
inline void replace_between(std::string& document, const std::string& from,
                            const std::string& begin, const std::string& end,
                            const std::string& text) {
  const size_t section = document.find(from);
  ASSERT_NE(section, std::string::npos) << from;
  const size_t at = document.find(begin, section);
  ASSERT_NE(at, std::string::npos) << begin << " after " << from;
  const size_t stop = document.find(end, at);
  ASSERT_NE(stop, std::string::npos) << end << " after " << from;
  document.replace(at, stop - at, text);
}

// The table of keys of the section under `heading`. `table` ends its last row with a line break.
inline void replace_table(std::string& document, const std::string& heading,
                          const std::string& table) {
  replace_between(document, "\n" + heading + "\n", "| key |", "\n\n",
                  table.substr(0, table.size() - 1));
}

// What stands in the file `path` between "<!-- generated: NAME -->" and "<!-- end -->".
inline void expect_written_part(const std::string& path, const std::string& name,
                                const std::string& text) {
  std::string document = read_file(repository_file(path));
  const std::string marker = "<!-- generated: " + name + " -->\n";
  replace_between(document, marker, marker, "<!-- end -->", marker + text);
  expect_written(path, document);
}

// Names as code: `a`, `b`.
inline std::string in_backticks(const std::vector<std::string>& names, std::string_view between) {
  std::vector<std::string> quoted;
  for (const std::string& name : names) quoted.push_back("`" + name + "`");
  return join(quoted, between);
}

}  // namespace llmsweep
