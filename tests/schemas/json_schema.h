// Validates a JSON text against a schema of configs/ with an independent implementation.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace llmsweep {

enum class SchemaVerdict { kValid, kInvalid, kNoValidator };

// `extension`: "json", or "jsonl" for one document a line. All texts in one start of Python.
inline SchemaVerdict validate_against(const std::string& schema, const std::string& extension,
                                      const std::vector<std::string>& texts) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("schema." + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string root = LLMSWEEP_SOURCE_DIR;
  std::string command =
      "python3 '" + root + "/tests/schemas/validate.py' '" + root + "/configs/" + schema + "'";
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::filesystem::path path = folder / (std::to_string(i) + "." + extension);
    std::ofstream(path) << texts[i];
    command += " '" + path.string() + "'";
  }
  const int status = std::system(command.c_str());
  std::filesystem::remove_all(folder);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  if (code == 0) return SchemaVerdict::kValid;
  return code == 77 || code == 127 ? SchemaVerdict::kNoValidator : SchemaVerdict::kInvalid;
}

}  // namespace llmsweep
