#include "cli/own_input.h"

#include <filesystem>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace fs = std::filesystem;
namespace {

bool is_path(const std::string& name) {
  return !name.empty() && name != "-";
}

// Of regular files that exist; a device or a FIFO may well be named twice.
bool are_one_file(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::is_regular_file(a, error) && fs::equivalent(a, b, error);
}

}  // namespace

void refuse_own_inputs(const std::vector<std::string>& outputs,
                       const std::vector<std::string>& inputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!is_path(outputs[i])) continue;
    for (const std::string& input : inputs) {
      if (!is_path(input)) continue;
      if (are_one_file(outputs[i], input) ||
          are_one_file(outputs[i], fs::path(input) / "result.json")) {
        throw Error({.what = "is what the command reads, and would be replaced",
                     .where = outputs[i],
                     .next = "name another file"});
      }
    }
    for (size_t j = i + 1; j < outputs.size(); ++j) {
      const bool same_name = outputs[i] == outputs[j] && !fs::exists(outputs[i]);
      if (is_path(outputs[j]) && (same_name || are_one_file(outputs[i], outputs[j]))) {
        throw Error(
            {.what = "is named for two outputs", .where = outputs[i], .next = "name two files"});
      }
    }
  }
}

}  // namespace llmsweep
