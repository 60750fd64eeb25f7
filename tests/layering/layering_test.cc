// Reads every #include of the sources and fails on one that goes up or sideways.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace {
namespace fs = std::filesystem;

// docs/architecture.md: includes only go down, neighbours do not include each other.
const std::map<std::string, int> kLayer = {
    {"base", 0},      {"model", 1},     {"protocol", 2}, {"schedule", 2}, {"stats", 2},
    {"tokenizer", 2}, {"http", 3},      {"dataset", 3},  {"spec", 3},     {"results", 3},
    {"analysis", 3},  {"simulator", 3}, {"load", 4},     {"import", 4},   {"telemetry", 4},
    {"trace", 4},     {"report", 4},    {"sweep", 5},    {"verify", 5},   {"cli", 6}};

struct Include {
  fs::path file;
  int line;
  std::string from;
  std::string to;
};

std::vector<Include> includes_below(const fs::path& root) {
  static const std::regex kInclude(R"re(^\s*#include "(?:llmsweep/)?([a-z_]+)/[^"]+")re");
  std::vector<Include> found;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() ||
        (entry.path().extension() != ".cc" && entry.path().extension() != ".h")) {
      continue;
    }
    const std::string module = fs::relative(entry.path(), root).begin()->string();
    if (module == "main.cc") continue;
    std::ifstream file(entry.path());
    std::string text;
    for (int line = 1; std::getline(file, text); ++line) {
      std::smatch match;
      if (std::regex_search(text, match, kInclude)) {
        found.push_back({entry.path(), line, module, match[1]});
      }
    }
  }
  return found;
}

std::vector<Include> all_includes() {
  const fs::path source = LLMSWEEP_SOURCE_DIR;
  std::vector<Include> all = includes_below(source / "src");
  const std::vector<Include> headers = includes_below(source / "include" / "llmsweep");
  all.insert(all.end(), headers.begin(), headers.end());
  return all;
}

TEST(Layering, IncludesOnlyGoDown) {
  const std::vector<Include> includes = all_includes();
  ASSERT_GT(includes.size(), 100u) << "the includes were not found";
  for (const Include& include : includes) {
    ASSERT_TRUE(kLayer.contains(include.from)) << "unknown module of " << include.file;
    ASSERT_TRUE(kLayer.contains(include.to)) << include.file << ":" << include.line;
    if (include.from == include.to) continue;
    EXPECT_GT(kLayer.at(include.from), kLayer.at(include.to))
        << include.file.string() << ":" << include.line << ": " << include.from << " includes "
        << include.to;
  }
}

// Two types of one name in one namespace are linked into one, whichever comes first.
TEST(Layering, ATypeIsDefinedInOneHeader) {
  static const std::regex kNamespace(R"(^namespace ([a-z_:]+) \{)");
  static const std::regex kType(R"(^(?:class|struct) ([A-Za-z0-9]+) (?:final )?(?::.*)?\{)");
  std::map<std::string, fs::path> defined;
  const fs::path source = LLMSWEEP_SOURCE_DIR;
  for (const char* root : {"src", "include"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / root)) {
      if (!entry.is_regular_file() || entry.path().extension() != ".h") continue;
      std::ifstream file(entry.path());
      std::string space;
      std::smatch match;
      for (std::string line; std::getline(file, line);) {
        if (std::regex_search(line, match, kNamespace)) space = match[1];
        if (!std::regex_search(line, match, kType)) continue;
        const auto [at, first] = defined.emplace(space + "::" + match[1].str(), entry.path());
        EXPECT_TRUE(first) << at->first << " is in " << at->second << " and in " << entry.path();
      }
    }
  }
  EXPECT_GT(defined.size(), 100u) << "the types were not found";
}

// A name leads to one file: nobody who looks for "response.h" has two to open.
TEST(Layering, AFileNameIsUsedOnce) {
  std::map<std::string, fs::path> named;
  const fs::path source = LLMSWEEP_SOURCE_DIR;
  for (const char* root : {"src", "include", "tests", "benchmarks"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / root)) {
      const fs::path& path = entry.path();
      if (path.extension() != ".cc" && path.extension() != ".h") continue;
      const auto [at, first] = named.emplace(path.filename().string(), path);
      EXPECT_TRUE(first) << path << " has the name of " << at->second;
    }
  }
  EXPECT_GT(named.size(), 400u) << "the files were not found";
}

// The header that declares what a .cc defines is its first include: its own, or where several files
// share one (the parts of a class, the importers, the commands) that one, of the same module.
TEST(Layering, ASourceBeginsWithItsHeader) {
  static const std::regex kFirst(R"re(#include ["<](?:llmsweep/)?([^">]+)[">])re");
  const fs::path source = LLMSWEEP_SOURCE_DIR;
  int sources = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source / "src")) {
    const fs::path& path = entry.path();
    if (path.extension() != ".cc" || path.filename() == "main.cc") continue;
    ++sources;
    const std::string module = path.parent_path().filename().string();
    const std::string own = module + "/" + path.stem().string() + ".h";
    const bool has_own =
        fs::exists(source / "src" / own) || fs::exists(source / "include" / "llmsweep" / own);
    std::ifstream file(path);
    std::string line;
    std::smatch match;
    while (std::getline(file, line) && !std::regex_search(line, match, kFirst)) continue;
    ASSERT_FALSE(match.empty()) << path << " includes nothing";
    if (has_own) {
      EXPECT_EQ(match[1], own) << path;
    } else {
      EXPECT_TRUE(match[1].str().starts_with(module + "/"))
          << path << " has no header of its name and begins with none of its module";
    }
  }
  EXPECT_GT(sources, 200);
}

TEST(Layering, TheSimulatorSharesNothingButTheBase) {
  for (const Include& include : all_includes()) {
    if (include.from != "simulator") continue;
    EXPECT_TRUE(include.to == "simulator" || include.to == "base")
        << include.file.string() << ":" << include.line;
  }
}

TEST(Layering, OnlyBaseReadsAClockOfTheSystem) {
  static const std::regex kClock(
      R"(steady_clock::now|system_clock|high_resolution_clock|gettimeofday)");
  const fs::path source = LLMSWEEP_SOURCE_DIR;
  for (const char* root : {"src", "include"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / root)) {
      if (!entry.is_regular_file() || entry.path().filename() == "clock.h") continue;
      std::ifstream file(entry.path());
      std::string text;
      for (int line = 1; std::getline(file, text); ++line) {
        EXPECT_FALSE(std::regex_search(text, kClock)) << entry.path().string() << ":" << line;
      }
    }
  }
}

// A spec or a result is data: nothing in it can become a command, and no shell is ever started.
TEST(Layering, NothingStartsAProgram) {
  static const std::regex kStart(
      R"re(\b(system|popen|fork|vfork|posix_spawnp?|exec[lv]p?e?|dlopen)\s*\()re");
  const fs::path source = LLMSWEEP_SOURCE_DIR;
  for (const char* root : {"src", "include"}) {
    for (const auto& entry : fs::recursive_directory_iterator(source / root)) {
      if (!entry.is_regular_file() || entry.path().extension() == ".js") continue;
      if (entry.path().stem() == "child_process") continue;  // selftest: llmsweep itself
      if (entry.path().stem() == "png") continue;   // rsvg-convert, our own SVG in: decision 16
      if (entry.path().stem() == "nvml") continue;  // the driver's library, by a name of its own
      std::ifstream file(entry.path());
      std::string text;
      for (int line = 1; std::getline(file, text); ++line) {
        EXPECT_FALSE(std::regex_search(text, kStart))
            << entry.path().string() << ":" << line << ": " << text;
      }
    }
  }
}

}  // namespace
