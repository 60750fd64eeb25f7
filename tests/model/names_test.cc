#include "llmsweep/model/names.h"

#include <gtest/gtest.h>

#include <set>

namespace llmsweep {
namespace {

// An enumerator is its own index in all_values(): with the last one named here, a forgotten one
// shows as a size that differs.
template <class Enum>
void expect_complete(Enum last) {
  const auto& values = all_values<Enum>();
  ASSERT_EQ(values.size(), static_cast<size_t>(last) + 1);
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
  expect_complete(Api::kCompletions);
  expect_complete(RequestField::kContinuousUsage);
  expect_complete(RetryAfter::kHold);
  expect_complete(InputScope::kContent);
  expect_complete(PromptAs::kIds);
  expect_complete(Reuse::kAllow);
  expect_complete(Transport::kLibcurl);
  expect_complete(Metric::kIcl);
  expect_complete(Statistic::kMean);
  expect_complete(Phase::kFiller);
  expect_complete(Outcome::kCancelled);
  expect_complete(TokenSource::kChunks);
  expect_complete(InvalidReason::kInterrupted);
  expect_complete(Warning::kWithDrain);
  expect_complete(UsersKind::kNoValidLevel);
  expect_complete(Source::kPublished);
}

TEST(Names, AreTheOnesOfTheRecordFormat) {
  EXPECT_EQ(all_names<Phase>(), (std::vector<std::string>{"warmup", "measured", "filler"}));
  EXPECT_EQ(all_names<Outcome>(),
            (std::vector<std::string>{"ok", "http_error", "transport_error", "timeout",
                                      "protocol_error", "cancelled"}));
  EXPECT_EQ(all_names<TokenSource>(), (std::vector<std::string>{"usage", "tokenizer", "chunks"}));
  EXPECT_EQ(all_names<UsersKind>(), (std::vector<std::string>{"measured", "below_sweep",
                                                              "beyond_sweep", "no_valid_level"}));
}

}  // namespace
}  // namespace llmsweep
