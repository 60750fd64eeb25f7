// The values of a spec that have a form of their own. Each reads a node that is present; what is
// wrong there is an Error at the node. Private to spec/.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llmsweep/base/config.h"
#include "llmsweep/model/spec.h"
#include "spec/spec_paths.h"

namespace llmsweep {

// One line of text that people read: no control characters, at most kMaxTextBytes.
std::string read_text(const ConfigNode& node);
// "2026-11-28".
std::string read_date(const ConfigNode& node);

// The base URL, without a slash at its end. Credentials in it would reach every file we write.
std::string read_url(const ConfigNode& node);
std::vector<std::string> read_urls(const ConfigNode& node);
std::vector<ModelShare> read_models(const ConfigNode& node);
std::string read_variable_name(const ConfigNode& node);
bool is_header_name(std::string_view name);
std::vector<std::pair<std::string, std::string>> read_headers(const ConfigNode& node);
std::string read_extra_body(const ConfigNode& node);  // a JSON object

TokenCount read_tokens(const ConfigNode& node);
// The same, or a list of numbers: TokenCount::by_turn.
TokenCount read_turn_tokens(const ConfigNode& node);
DrawnTime read_drawn_time(const ConfigNode& node);
// The largest number of tokens that `count` stands for; of a normal distribution its mean.
int64_t largest(const TokenCount& count);
// Steps of a rate, not all of them 0.
std::vector<RateStep> read_profile(const ConfigNode& node);
// "server", or the path of a file, maybe with a "#PATTERN" at its end.
std::string read_tokenizer(const ConfigNode& node, SpecPaths paths);
// The path of a file, with the "#PART" that follows it where no file has the whole name.
std::string find_with_part(const ConfigNode& node, const SpecPaths& paths);

}  // namespace llmsweep
