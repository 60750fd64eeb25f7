// Every recorded and every hand-written stream, cut in every way.
#include "protocol/recordings.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "llmsweep/base/random.h"
#include "llmsweep/model/names.h"

namespace llmsweep::protocol_test {
namespace {

// The body with other line ends; what is inside JSON never holds a bare LF.
std::string with_line_ends(std::string_view body, std::string_view line_end) {
  std::string changed;
  for (char c : body) {
    if (c == '\n') {
      changed += line_end;
    } else {
      changed += c;
    }
  }
  return changed;
}

class EveryRecording : public ::testing::TestWithParam<Expected> {
 protected:
  ChunkParser parser_;
};

TEST_P(EveryRecording, IsReadAsWhatTheServerMeant) {
  const Expected& expected = GetParam();
  const Recording recording = load_recording(expected.file);
  const RequestRecord record = read(expected.api, recording, paced(recording.body, {}), parser_);
  EXPECT_EQ(record.outcome, expected.outcome) << record.error;
  EXPECT_EQ(record.chunks, expected.chunks);
  EXPECT_EQ(record.output_tokens, expected.output_tokens);
  EXPECT_EQ(record.token_source, expected.source);
  EXPECT_EQ(record.input_tokens, expected.input_tokens);
  EXPECT_EQ(record.cached_tokens, expected.cached_tokens);
  EXPECT_EQ(record.finish_reason, expected.finish_reason);
  EXPECT_EQ(record.error.empty(), expected.outcome == Outcome::kOk) << record.error;
  EXPECT_NE(record.error.find(expected.error), std::string::npos) << record.error;
  EXPECT_EQ(record.first_chunk_tokens, expected.first_chunk_tokens);
  EXPECT_EQ(record.coalesced_chunks, 0);
  EXPECT_EQ(record.http_status, recording.status);
  EXPECT_TRUE(record.end.has_value());
}

TEST_P(EveryRecording, IsTheSameForEverySplitInTwo) {
  const Expected& expected = GetParam();
  const Recording recording = load_recording(expected.file);
  const std::string_view body = recording.body;
  const std::string paced_record = shown(read(expected.api, recording, paced(body, {}), parser_));
  const std::string whole_record = shown(read(expected.api, recording, whole(body), parser_));
  for (size_t cut = 0; cut <= body.size(); ++cut) {
    ASSERT_EQ(shown(read(expected.api, recording, paced(body, {cut}), parser_)), paced_record)
        << "cut at " << cut;
    if (body.size() > 10'000) continue;  // in one arrival: the short ones show it, this is slow
    const std::vector<Piece> halves = {{body.substr(0, cut), 1}, {body.substr(cut), 1}};
    ASSERT_EQ(shown(read(expected.api, recording, halves, parser_)), whole_record)
        << "cut at " << cut;
  }
}

TEST_P(EveryRecording, IsTheSameByteByByteAndInRandomPieces) {
  const Expected& expected = GetParam();
  const Recording recording = load_recording(expected.file);
  const std::string_view body = recording.body;
  const std::string once = shown(read(expected.api, recording, paced(body, {}), parser_));
  std::vector<size_t> cuts(body.size());
  for (size_t i = 0; i < cuts.size(); ++i) cuts[i] = i;
  EXPECT_EQ(shown(read(expected.api, recording, paced(body, cuts), parser_)), once);

  Random random(7);
  for (int round = 0; round < 100; ++round) {
    cuts.clear();
    const uint64_t pieces = 1 + random.below(40);
    for (uint64_t i = 0; i < pieces; ++i) cuts.push_back(random.below(body.size() + 1));
    std::sort(cuts.begin(), cuts.end());
    ASSERT_EQ(shown(read(expected.api, recording, paced(body, cuts), parser_)), once)
        << "round " << round;
  }
}

TEST_P(EveryRecording, IsTheSameWithEveryLineEndAndAfterAByteOrderMark) {
  const Expected& expected = GetParam();
  const Recording recording = load_recording(expected.file);
  const bool is_stream = recording.body.find("data:") != std::string::npos;
  if (!is_stream) return;
  const std::string once = shown(read(expected.api, recording, paced(recording.body, {}), parser_));
  for (std::string_view line_end : {"\r\n", "\r"}) {
    Recording changed = recording;
    changed.body = with_line_ends(recording.body, line_end);
    EXPECT_EQ(shown(read(expected.api, changed, paced(changed.body, {}), parser_)), once);
    const size_t last = std::min<size_t>(changed.body.size(), 1'500);
    for (size_t cut = 0; cut <= last; ++cut) {
      ASSERT_EQ(shown(read(expected.api, changed, paced(changed.body, {cut}), parser_)), once)
          << "cut at " << cut;
    }
  }
  Recording marked = recording;
  marked.body = "\xEF\xBB\xBF" + recording.body;
  for (size_t cut = 0; cut < 12; ++cut) {
    EXPECT_EQ(shown(read(expected.api, marked, paced(marked.body, {cut}), parser_)), once);
  }
}

std::string test_name(const ::testing::TestParamInfo<Expected>& info) {
  std::string name = info.param.file.substr(info.param.file.find('/') + 1);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '-'; }, '_');
  return name.append("_by_").append(name_of(info.param.api));
}

INSTANTIATE_TEST_SUITE_P(Stream, EveryRecording, ::testing::ValuesIn(expected_recordings()),
                         test_name);

}  // namespace
}  // namespace llmsweep::protocol_test
