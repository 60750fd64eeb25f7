// Other tools' JSON: read forgivingly, with limits. Private to import/.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmsweep::foreign {

using Json = nlohmann::json;

// A JSON value of a file, and what errors call it: the file, with :line in JSON Lines.
struct Document {
  Json value;
  std::string where;
  std::filesystem::path path;
};

// At most 512 MiB. Throws Error where it cannot be read.
std::string read_text(const std::filesystem::path& path);

// The documents of a file: one value, or one a line; of YAML, each. Bare NaN and Infinity, which
// Python writes, become null. At most 64 levels of nesting and 512 MiB. Throws Error naming
// file:line.
std::vector<Document> read_documents(const std::filesystem::path& path);
std::vector<Document> parse_documents(std::string text, const std::filesystem::path& path);

// The member at a path such as "results.latency.p50"; null pointer: not there, or null.
const Json* find(const Json& value, std::string_view path);
// A member whose name itself has dots or other marks in it.
const Json* member(const Json& value, const std::string& key);

// Numbers, also those written as strings ("8"); nothing for "inf", text, or what is not finite or
// beyond 64 bits.
std::optional<double> number(const Json* value);
std::optional<double> number(const Json& value, std::string_view path);
// Of users or GPUs: absent unless between 1 and a million, so that a nonsensical one is none.
std::optional<int> headcount(std::optional<double> found);
// Of requests or tokens: absent unless between 0 and 10^12.
std::optional<int64_t> count_of(std::optional<double> found);
std::string text(const Json& value, std::string_view path);  // empty: not there or no string
std::vector<double> numbers(const Json* value);              // of a list; others are left out
bool is_true(const Json& value, std::string_view path);      // true, or text that says so
bool has(const Json& value, std::initializer_list<std::string_view> paths);

// The first number below `value` whose key satisfies `wanted`, depth first, keys in order.
std::optional<double> search(const Json& value,
                             const std::function<bool(const std::string& key)>& wanted);

}  // namespace llmsweep::foreign
