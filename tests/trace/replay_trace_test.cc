// What a spec's trace is cut to, and what it cannot replay.
#include "llmsweep/trace/replay_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/model/describe.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Three chats: 1 at 0 and 7 s, 2 at 1 and 9 s, 5 at 8 s.
constexpr const char* kChats =
    R"({"chat_id":1,"parent_chat_id":-1,"timestamp":0,"input_length":30,"output_length":9,"turn":1,"hash_ids":[4,5]}
{"chat_id":2,"parent_chat_id":-1,"timestamp":1,"input_length":16,"output_length":70,"turn":1,"hash_ids":[6]}
{"chat_id":3,"parent_chat_id":1,"timestamp":7,"input_length":50,"output_length":12,"turn":2,"hash_ids":[4,7,8,9]}
{"chat_id":5,"parent_chat_id":-1,"timestamp":8,"input_length":20,"output_length":9,"turn":1,"hash_ids":[4,5]}
{"chat_id":4,"parent_chat_id":2,"timestamp":9,"input_length":17,"output_length":5,"turn":2,"hash_ids":[6,10]}
)";

class ReplayTraceTest : public testing::Test {
 protected:
  ReplayTraceTest()
      : path_(fs::path(testing::TempDir()) / ("replay-" + std::to_string(::getpid()) + ".jsonl")) {
    spec_.load.trace.file = path_;
    spec_.load.warmup = 0s;
    spec_.load.measure = 2s;
    write(kChats);
  }
  ~ReplayTraceTest() override { fs::remove(path_); }

  void write(const std::string& text) {
    text_ = text;
    write_file_atomically(path_, text);
  }
  const ReplayTrace& replay() {
    load_trace(spec_);
    return *spec_.load.trace.replay;
  }
  std::string error() {
    try {
      load_trace(spec_);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path path_;
  std::string text_;
  SweepSpec spec_;
};

TEST_F(ReplayTraceTest, ASpecWithoutOneStaysAsItIs) {
  SweepSpec none;
  load_trace(none);
  EXPECT_EQ(none, SweepSpec{});
}

TEST_F(ReplayTraceTest, ItsLengthsAreTheWorkloads) {
  const ReplayTrace& read = replay();
  EXPECT_EQ(read.sha256, sha256_hex(text_));
  EXPECT_EQ(read.sessions, 3);
  EXPECT_EQ(read.span, 9s);
  EXPECT_EQ(read.most_blocks, 4u);
  EXPECT_EQ(read.trace.block_tokens, 16);
  EXPECT_DOUBLE_EQ(mean_tokens(*spec_.workload.input_tokens), (30 + 16 + 50 + 20 + 17) / 5.0);
  EXPECT_DOUBLE_EQ(mean_tokens(spec_.workload.output_tokens), (9 + 70 + 12 + 9 + 5) / 5.0);
  // Of 133 tokens: 16 of the third, 16 of the fourth (20 tokens share 30's first two blocks, never
  // all of a prompt) and 16 of the last.
  EXPECT_DOUBLE_EQ(read.ideal_cached_share, 48 / 133.0);
}

TEST_F(ReplayTraceTest, IsCutByTheBeginOfSessions) {
  spec_.load.trace.from = 500ms;
  spec_.load.trace.length = 5s;
  const ReplayTrace& read = replay();
  ASSERT_EQ(read.trace.requests.size(), 2u) << "chat 2, with its turn that comes after that time";
  EXPECT_EQ(read.trace.requests[0].at, 500ms);
  EXPECT_EQ(read.trace.requests[1].at, 8500ms);
  EXPECT_EQ(read.span, 5s);
  EXPECT_EQ(read.sessions, 1);
  EXPECT_EQ(read.trace.blocks_of(1).size(), 2u);
  EXPECT_EQ(read.trace.blocks_of(0)[0], read.trace.blocks_of(1)[0]);
}

TEST_F(ReplayTraceTest, RefusesMoreTimeThanItHas) {
  spec_.load.measure = 8s;
  spec_.load.warmup = 2s;
  EXPECT_THAT(error(), HasSubstr("warmup and measure ask for 10s, and what is replayed of the "
                                 "trace lasts 9s"));
  spec_.load.warmup = 0s;
  EXPECT_EQ(error(), "no error");
  spec_.load.trace.speed = {2};
  EXPECT_THAT(error(), HasSubstr("lasts 4.5s"));
}

TEST_F(ReplayTraceTest, RefusesWhatNothingIsLeftOf) {
  spec_.load.trace.from = 1h;
  EXPECT_THAT(error(), HasSubstr("no session of the trace, which lasts 9s"));
  spec_.load.trace.from = 0s;
  spec_.load.warmup = 2s;
  EXPECT_THAT(error(), HasSubstr("no request of trace 1 comes in the window"));
}

TEST_F(ReplayTraceTest, RefusesATraceWithoutInstants) {
  write(R"({"id":"s","requests":[{"t":0,"type":"n","in":20,"out":4}]})"
        "\n");
  EXPECT_THAT(error(), HasSubstr("does not say when requests came"));
  write(R"({"timestamp":5,"input_length":20,"output_length":4})"
        "\n");
  EXPECT_THAT(error(), HasSubstr("at one instant"));
}

TEST_F(ReplayTraceTest, TakesTheTimeToThinkFromInstantsWhereItIsNotTold) {
  const ReplayTrace& read = replay();
  EXPECT_EQ(read.think_source, ThinkSource::kInstants);
  const std::deque<TraceRequest>& requests = read.trace.requests;
  EXPECT_EQ(requests[0].think, 0s);
  EXPECT_EQ(requests[2].think, 7s) << "chat 1 at 0 and 7 s";
  EXPECT_EQ(requests[4].think, 8s) << "chat 2 at 1 and 9 s";

  const std::string told =
      "{\"session_id\":\"a\",\"timestamp\":0,\"input_length\":9,\"output_length\":5}\n"
      "{\"session_id\":\"a\",\"delay\":3000,\"input_length\":18,\"output_length\":2}\n";
  write(told);
  EXPECT_EQ(replay().think_source, ThinkSource::kTold);
  write(told +
        "{\"session_id\":\"a\",\"timestamp\":4000,\"input_length\":20,\"output_length\":2}\n");
  EXPECT_EQ(replay().think_source, ThinkSource::kInstants) << "of one of them it is not known";
}

TEST_F(ReplayTraceTest, KnowsNotHowManyTurnsOfClosedSessionsAWindowHas) {
  spec_.load.stop_over_error_rate = true;
  EXPECT_THAT(error(), HasSubstr("load.stop_over_error_rate"));
  spec_.load.trace.sessions = TraceSessions::kOpen;
  EXPECT_EQ(error(), "no error");
}

TEST_F(ReplayTraceTest, RefusesWhatIsOfSessionsWhereItHasNone) {
  write(
      "{\"timestamp\":0,\"input_length\":9,\"output_length\":5}\n"
      "{\"timestamp\":3000,\"input_length\":18,\"output_length\":2}\n");
  EXPECT_EQ(replay().think_source, std::nullopt);
  spec_.load.trace.think_cap = 5s;
  EXPECT_THAT(error(), AllOf(HasSubstr("load.trace.think_cap"), HasSubstr("has a later turn")));
  spec_.load.trace.think_cap.reset();
  spec_.endpoint.session_header = "X-Session";
  EXPECT_THAT(error(), AllOf(HasSubstr("endpoint.session_header"), HasSubstr("no sessions")));
}

TEST_F(ReplayTraceTest, BlocksMayBeOfAnotherSizeThanTheFormats) {
  write(
      R"({"timestamp":0,"input_length":64,"output_length":4,"hash_ids":[1,2]}
{"timestamp":3000,"input_length":33,"output_length":4,"hash_ids":[1,3]}
)");
  EXPECT_THAT(error(), HasSubstr("2 hash ids for 64 tokens in blocks of 512"));
  spec_.load.trace.block_tokens = 32;
  EXPECT_EQ(replay().trace.block_tokens, 32);
}

}  // namespace
}  // namespace llmsweep
