// The last self-test of this user on this machine, as JSON. The keys: docs/selftest.md.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "llmsweep/model/selftest_result.h"

namespace llmsweep {

std::string selftest_to_json(const Selftest& selftest);
// Throws Error that names `name` for what is no self-test.
Selftest parse_selftest(std::string_view text, const std::string& name);

// $XDG_STATE_HOME/llmsweep/selftest.json, else ~/.local/state/…; empty where neither is known.
std::filesystem::path selftest_path(const std::function<const char*(const char*)>& get_env);

}  // namespace llmsweep
