#include "llmsweep/model/names.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>

#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

// How many enumerators the model's headers declare for `enumeration`: counted there, so that one
// forgotten in names.cc shows although nobody thought of it here.
size_t declared(const std::string& enumeration) {
  const std::regex declaration("enum class " + enumeration + R"(\b[^;{]*\{([^}]*)\})");
  const std::regex comment("//[^\n]*");
  const std::regex enumerator(R"(\bk[A-Z]\w*)");
  size_t count = 0;
  for (const auto& header : std::filesystem::directory_iterator(std::string(LLMSWEEP_SOURCE_DIR) +
                                                                "/include/llmsweep/model")) {
    const std::string text = std::regex_replace(read_file(header.path()), comment, std::string());
    std::smatch found;
    if (!std::regex_search(text, found, declaration)) continue;
    const std::string body = found[1];
    count += static_cast<size_t>(std::distance(
        std::sregex_iterator(body.begin(), body.end(), enumerator), std::sregex_iterator()));
  }
  return count;
}

template <class Enum>
void expect_complete(const std::string& enumeration) {
  const auto& values = all_values<Enum>();
  ASSERT_GT(values.size(), 0u);
  ASSERT_EQ(values.size(), declared(enumeration)) << enumeration;
  std::set<std::string> names;
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(values[i]), i);
    const std::string name(name_of(values[i]));
    EXPECT_FALSE(name.empty());
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string::npos);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_EQ(from_name<Enum>(name), values[i]);
  }
  EXPECT_EQ(from_name<Enum>("no such name"), std::nullopt);
}

TEST(Names, CoverEveryEnumeratorOnceAndReadBack) {
  expect_complete<Api>("Api");
  expect_complete<RequestField>("RequestField");
  expect_complete<RetryAfter>("RetryAfter");
  expect_complete<InputScope>("InputScope");
  expect_complete<PromptAs>("PromptAs");
  expect_complete<Reuse>("Reuse");
  expect_complete<Transport>("Transport");
  expect_complete<TraceFormat>("TraceFormat");
  expect_complete<TraceSessions>("TraceSessions");
  expect_complete<ThinkSource>("ThinkSource");
  expect_complete<ArrivalProcess>("ArrivalProcess");
  expect_complete<ArrivalCount>("ArrivalCount");
  expect_complete<Overload>("Overload");
  expect_complete<LoadState>("LoadState");
  expect_complete<Metric>("Metric");
  expect_complete<Statistic>("Statistic");
  expect_complete<Phase>("Phase");
  expect_complete<Outcome>("Outcome");
  expect_complete<TokenSource>("TokenSource");
  expect_complete<InvalidReason>("InvalidReason");
  expect_complete<Warning>("Warning");
  expect_complete<UsersKind>("UsersKind");
  expect_complete<Source>("Source");
}

TEST(Names, AreTheOnesOfTheRecordFormat) {
  EXPECT_EQ(all_names<Phase>(), (std::vector<std::string>{"warmup", "measured", "filler"}));
  EXPECT_EQ(all_names<Outcome>(),
            (std::vector<std::string>{"ok", "http_error", "transport_error", "timeout",
                                      "protocol_error", "cancelled"}));
  EXPECT_EQ(all_names<TokenSource>(),
            (std::vector<std::string>{"usage", "limit", "tokenizer", "chunks"}));
  EXPECT_EQ(all_names<UsersKind>(), (std::vector<std::string>{"measured", "below_sweep",
                                                              "beyond_sweep", "no_valid_level"}));
}

}  // namespace
}  // namespace llmsweep
