// versus.json: what two sweeps that are measured side by side have in common, and how they are to
// go on after a kill. Layout: docs/result-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace llmsweep {

struct VersusPlan {
  std::string tool;        // what wrote it
  std::string created_at;  // UTC
  std::string id;          // of the comparison; both results have it as pairing.id
  int rounds = 0;
  std::string order;  // a name of PairRule
  uint64_t seed = 0;  // of the order
  std::string nonce;  // of the prompts of side a, and of b where they are not at one address

  bool operator==(const VersusPlan&) const = default;
};

// `comparison`: what comparison_json() says of the two; "null" while they are measured.
std::string versus_to_json(const VersusPlan& plan, std::string_view comparison = "null");
// The plan in it. Throws Error naming the file and what is wrong.
VersusPlan parse_versus(std::string_view text, const std::string& name);
VersusPlan read_versus(const std::filesystem::path& path);

}  // namespace llmsweep
