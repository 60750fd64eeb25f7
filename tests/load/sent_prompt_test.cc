#include "load/sent_prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "llmsweep/base/base64.h"

namespace llmsweep {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SentPrompt, IsHiddenWithItsImages) {
  std::string bytes;
  for (int i = 0; i < 90'000; ++i) bytes += static_cast<char>(i * 31 + i / 7);
  const auto image =
      std::make_shared<const std::string>("data:image/png;base64," + base64_encoded(bytes));
  const Prompt prompt{.text = "what does this picture show?", .images = {image}};
  const std::string begin = image->substr(22, 40);
  const std::string end = image->substr(image->size() - 40);
  RequestRecord record;
  record.error = "HTTP 400: cannot read 'data:image/png;base64," + begin + "…" + end + "'";
  hide_sent_prompt(record, prompt);
  EXPECT_THAT(record.error, HasSubstr("HTTP 400: cannot read"));
  EXPECT_THAT(record.error, HasSubstr("<prompt>"));
  EXPECT_THAT(record.error, Not(HasSubstr(begin.substr(4, 16))));
  EXPECT_THAT(record.error, Not(HasSubstr(end.substr(4, 16))));
}

}  // namespace
}  // namespace llmsweep
