// The formats, by rows as their publishers write them.
#include "llmsweep/trace/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

#include "llmsweep/base/error.h"
#include "llmsweep/trace/describe_trace.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

fs::path written(const std::string& text) {
  static int files = 0;
  const fs::path path = fs::path(::testing::TempDir()) /
                        ("trace-" + std::to_string(::getpid()) + "-" + std::to_string(files++));
  std::ofstream(path) << text;
  return path;
}

Trace read(const std::string& text, const TraceOptions& options = {}) {
  const fs::path path = written(text);
  Trace trace = read_trace(path, options);
  fs::remove(path);
  return trace;
}

std::string error_of(const std::string& text, const TraceOptions& options = {}) {
  try {
    read(text, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::vector<double> seconds_of(const Trace& trace) {
  std::vector<double> at;
  for (const TraceRequest& request : trace.requests) at.push_back(to_seconds(request.at));
  return at;
}

std::vector<uint32_t> inputs_of(const Trace& trace) {
  std::vector<uint32_t> tokens;
  for (const TraceRequest& request : trace.requests) tokens.push_back(request.input_tokens);
  return tokens;
}

constexpr const char* kMooncake =
    "{\"timestamp\":0,\"input_length\":1300,\"output_length\":120,\"hash_ids\":[0,1,2]}\n"
    "{\"timestamp\":0,\"input_length\":600,\"output_length\":35,\"hash_ids\":[3,4]}\n"
    "{\"timestamp\":3000,\"input_length\":1800,\"output_length\":260,\"hash_ids\":[0,1,5,6]}\n"
    "{\"timestamp\":3000,\"input_length\":512,\"output_length\":8,\"hash_ids\":[7]}\n"
    "{\"timestamp\":6001,\"input_length\":2049,\"output_length\":77,\"hash_ids\":[0,1,5,8,9]}\n";

TEST(ReadTrace, OfMooncake) {
  const Trace trace = read(kMooncake);
  EXPECT_EQ(trace.format, TraceFormat::kMooncake);
  EXPECT_THAT(seconds_of(trace), ElementsAre(0, 0, 3, 3, 6.001));
  EXPECT_THAT(inputs_of(trace), ElementsAre(1300, 600, 1800, 512, 2049));
  EXPECT_EQ(trace.requests[4].output_tokens, 77U);
  EXPECT_FALSE(trace.has_sessions);
  EXPECT_EQ(trace.block_tokens, 512);
  EXPECT_EQ(trace.block_ids, 10);
  EXPECT_THAT(trace.blocks_of(2), ElementsAre(0, 1, 5, 6));
  EXPECT_THAT(trace.blocks_of(4), ElementsAre(0, 1, 5, 8, 9));
}

TEST(ReadTrace, OfMooncakeWithAiperfsSessions) {
  const Trace trace = read(
      "{\"session_id\":\"a\",\"timestamp\":0,\"input_length\":100,\"output_length\":50}\n"
      "{\"session_id\":\"a\",\"delay\":2000,\"input_length\":180,\"output_length\":20}\n");
  EXPECT_TRUE(trace.has_sessions);
  EXPECT_EQ(trace.requests[0].session, trace.requests[1].session);
  EXPECT_THAT(seconds_of(trace), ElementsAre(0, 2));
  EXPECT_EQ(trace.block_tokens, 0);
}

// AIPerf waits so long after the answer before, of the same session wherever its rows stand.
TEST(ReadTrace, OfAiperfsSessionsTellsTheTimeToThink) {
  const Trace trace = read(
      "{\"session_id\":\"a\",\"timestamp\":0,\"input_length\":100,\"output_length\":50}\n"
      "{\"session_id\":\"b\",\"timestamp\":900,\"input_length\":10,\"output_length\":5}\n"
      "{\"session_id\":\"a\",\"delay\":2000,\"input_length\":180,\"output_length\":20}\n"
      "{\"session_id\":\"b\",\"timestamp\":5000,\"input_length\":10,\"output_length\":5}\n"
      "{\"session_id\":\"b\",\"timestamp\":6000,\"delay\":250.5,\"input_length\":9,"
      "\"output_length\":5}\n");
  EXPECT_THAT(seconds_of(trace), ElementsAre(0, 0.9, 2, 5, 6));
  EXPECT_EQ(trace.requests[2].think, 2s);
  EXPECT_LT(trace.requests[3].think, 0s) << "not told";
  EXPECT_EQ(trace.requests[4].think, 250'500us);
  EXPECT_EQ(summarise_trace(trace).think_source, ThinkSource::kInstants) << "one lacks it";
}

TEST(ReadTrace, OfBailianWhoseTurnsBelongToTheirFirstAncestor) {
  const Trace trace = read(
      R"({"chat_id":1,"parent_chat_id":-1,"timestamp":0.5,"input_length":30,"output_length":9,"type":"text","turn":1,"hash_ids":[4,5]}
{"chat_id":2,"parent_chat_id":-1,"timestamp":0.9,"input_length":16,"output_length":70,"type":"search","turn":1,"hash_ids":[6]}
{"chat_id":3,"parent_chat_id":1,"timestamp":7.25,"input_length":50,"output_length":12,"type":"text","turn":2,"hash_ids":[4,7,8,9]}
{"chat_id":5,"parent_chat_id":3,"timestamp":31.0,"input_length":64,"output_length":40,"type":"file","turn":3,"hash_ids":[4,7,8,16]}
)");
  EXPECT_EQ(trace.format, TraceFormat::kBailian);
  EXPECT_THAT(seconds_of(trace), ElementsAre(0, 0.4, 6.75, 30.5));
  EXPECT_EQ(trace.requests[0].session, trace.requests[3].session);
  EXPECT_NE(trace.requests[0].session, trace.requests[1].session);
  EXPECT_EQ(summarise_trace(trace).sessions, 2);
}

TEST(ReadTrace, OfAzureToItsSeventhDecimal) {
  const Trace trace = read(
      "\xEF\xBB\xBFTIMESTAMP,ContextTokens,GeneratedTokens\r\n"
      "2023-11-16 18:20:00.0000000,812,64\r\n2023-11-16 18:20:00.0130000,55,301\r\n"
      "2023-11-16 18:20:02.5000001,4090,7\r\n2023-11-17 18:20:09.9999999,1020,1000");
  EXPECT_EQ(trace.format, TraceFormat::kAzure);
  ASSERT_EQ(trace.requests.size(), 4U);
  EXPECT_EQ(trace.requests[2].at, 2s + 500ms + 100ns);
  EXPECT_EQ(trace.requests[3].at, 24h + 9s + 999'999'900ns);
  EXPECT_EQ(trace.requests[3].output_tokens, 1000U);
}

TEST(ReadTrace, OfAzuresLaterColumns) {
  const Trace trace = read(
      "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-15 08:00:00.1,0,900,120\n"
      "2024-10-15 08:00:00.4+00:00,2,1750,60\n");
  EXPECT_THAT(inputs_of(trace), ElementsAre(900, 1750));
  EXPECT_EQ(trace.requests[1].at, 300ms);
}

TEST(ReadTrace, OfBurstGptWithoutItsFailures) {
  const Trace trace = read(
      "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log "
      "Type\n5,s1,3.2,ChatGPT,40,210,250,Conversation log\n19,,1.1,GPT-4,700,30,730,API log\n"
      "44,s1,6.0,ChatGPT,300,0,300,Conversation log\n60,s1,2.5,GPT-4,90,120,210,Conversation "
      "log\n");
  EXPECT_THAT(seconds_of(trace), ElementsAre(0, 14, 55));
  EXPECT_EQ(trace.without_output.count, 1);
  EXPECT_EQ(trace.without_output.first_line, 4);
  EXPECT_EQ(summarise_trace(trace).sessions, 2);
}

TEST(ReadTrace, OfWekaWithItsSubagentsAndBlocksOfTheSession) {
  const std::string session =
      R"({"id":"s1","models":["big"],"block_size":64,"hash_id_scope":"local","tool_tokens":64,"system_tokens":64,"requests":[{"t":0,"type":"n","model":"big","in":200,"out":40,"hash_ids":[1,2,3],"stop":"tool_use","api_time":2.0,"think_time":0},{"t":9,"type":"s","model":"big","in":330,"out":25,"hash_ids":[1,2,3,4,5],"stop":"end_turn","api_time":1.1,"think_time":7.0},{"t":20,"type":"subagent","agent_id":"a1","requests":[{"t":20,"type":"n","model":"small","in":64,"out":9,"hash_ids":[9],"api_time":0.4,"think_time":0}]}]})";
  std::string other = session;
  other.replace(other.find("s1"), 2, "s2");
  const Trace trace = read(session + "\n" + other + "\n");
  EXPECT_EQ(trace.format, TraceFormat::kWeka);
  EXPECT_FALSE(trace.has_instants);
  EXPECT_THAT(inputs_of(trace), ElementsAre(200, 330, 64, 200, 330, 64));
  EXPECT_EQ(trace.block_ids, 12) << "an id is one session's";
  EXPECT_EQ(summarise_trace(trace).sessions, 2);
  EXPECT_EQ(summarise_trace(trace).rate_rps, std::nullopt);
}

TEST(ReadTrace, OfTracelabsTableWhosePrefixIsInput) {
  const Trace trace = read(
      "id,input_len,output_len,arrival_time,round_idx,tool_wait_after_ms,prefix_len\n"
      "0,4000,500,0,0,12000,20000\n0,900,70,0,1,0,24000\n1,900,410,1500,0,250,0\n");
  EXPECT_EQ(trace.format, TraceFormat::kTracelab);
  EXPECT_THAT(inputs_of(trace), ElementsAre(24000, 24900, 900));
  EXPECT_THAT(seconds_of(trace), ElementsAre(0, 0, 1.5));
  EXPECT_EQ(trace.requests[1].think, 12s) << "as the row before says of its tools";
  const TraceSummary summary = summarise_trace(trace);
  EXPECT_EQ(summary.think_source, ThinkSource::kTold);
  EXPECT_THAT(trace_text(trace, summary, "t"), HasSubstr("think      told, from the end"));
  EXPECT_THAT(trace_json(trace, summary), HasSubstr("\"think\": \"told\""));
  EXPECT_LT(trace.requests[2].think, 0s) << "no row of its session is before it";
  EXPECT_THAT(error_of("id,input_len,output_len,arrival_time,tool_wait_after_ms,prefix_len\n"
                       "0,1,1,0,soon,0\n"),
              HasSubstr("'soon' is no time to wait"));
}

TEST(ReadTrace, OfAnyTableByItsColumns) {
  const Trace trace =
      read("who,\"when, ms\",in,out\nx,1.5,10,2\n\"y, z\",4,20,3\n",
           {.format = TraceFormat::kCsv,
            .columns = {{"at", "when, ms"}, {"input", "in"}, {"output", "out"}, {"session", "who"}},
            .unit = 1ms});
  EXPECT_THAT(inputs_of(trace), ElementsAre(10, 20));
  EXPECT_EQ(trace.requests[1].at, 2500us);
  EXPECT_TRUE(trace.has_sessions);
}

TEST(ReadTrace, SortsByTimeAndKeepsBlocksWithTheirRequests) {
  const Trace trace = read(
      "{\"timestamp\":9,\"input_length\":3,\"output_length\":1,\"hash_ids\":[18446744073709551615]}"
      "\n{\"timestamp\":4,\"input_length\":600,\"output_length\":2,\"hash_ids\":[7,8]}\n");
  EXPECT_TRUE(trace.sorted);
  EXPECT_THAT(inputs_of(trace), ElementsAre(600, 3));
  EXPECT_EQ(trace.blocks_of(0).size(), 2U);
  EXPECT_EQ(trace.blocks_of(1).size(), 1U);
}

TEST(ReadTrace, NamesWhatIsWrong) {
  EXPECT_THAT(error_of(""), HasSubstr("the trace is empty"));
  EXPECT_THAT(error_of("\n\n"), HasSubstr("the trace is empty"));
  EXPECT_THAT(error_of("a,b\n1,2\n"), AllOf(HasSubstr("a,b"), HasSubstr("--columns")));
  EXPECT_THAT(error_of("{\"x\":1}\n"), HasSubstr("no known trace begins so"));
  EXPECT_THAT(error_of("TIMESTAMP,ContextTokens,GeneratedTokens\n"), HasSubstr("has no request"));
  EXPECT_THAT(error_of("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:20:00,1\n"),
              AllOf(HasSubstr(":2"), HasSubstr("fewer cells")));
  EXPECT_THAT(error_of("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-13-16 18:20:00,1,2\n"),
              HasSubstr("is no instant"));
  EXPECT_THAT(error_of("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:20:00,-1,2\n"),
              HasSubstr("its input is no number"));
  EXPECT_THAT(
      error_of("{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1]}\n"),
      HasSubstr("1 hash ids for 600 tokens in blocks of 512"));
  EXPECT_THAT(error_of(std::string(kMooncake) + "{\"timestamp\":0,"), HasSubstr(":6"));
  EXPECT_THAT(error_of("{\"timestamp\":0,\"input_length\":6,\"output_length\":1,\"block_size\":0,"
                       "\"hash_ids\":[1]}\n"),
              HasSubstr("its block_size is no number"));
  EXPECT_THAT(error_of("{\"session_id\":\"a\",\"timestamp\":9000000000000,\"input_length\":6,"
                       "\"output_length\":1}\n{\"session_id\":\"a\",\"delay\":9000000000000,"
                       "\"input_length\":6,\"output_length\":1}\n"),
              HasSubstr("has no timestamp"));
  EXPECT_THAT(error_of("TIMESTAMP,ContextTokens,GeneratedTokens\n9999-11-16 18:20:00,1,2\n"),
              HasSubstr("is no instant"));
  EXPECT_THAT(error_of("id,input_len,output_len,arrival_time,prefix_len\n"
                       "0,9000000000000000000,1,0,9000000000000000000\n"),
              HasSubstr("its input is no number"));
  EXPECT_THAT(error_of(kMooncake, {.format = TraceFormat::kAzure}), HasSubstr("--as"));
  EXPECT_THAT(
      error_of("t,i,o\n1,2,3\n", {.format = TraceFormat::kCsv,
                                  .columns = {{"at", "t"}, {"input", "i"}, {"output", "x"}}}),
      HasSubstr("no column 'x'"));
}

TEST(SummariseTrace, FindsTheBusiestTime) {
  std::string text;
  for (const int ms : {0, 4000, 4500, 4999, 5400, 5900, 20'000}) {
    text += "{\"timestamp\":" + std::to_string(ms) + ",\"input_length\":9,\"output_length\":5}\n";
  }
  const Trace trace = read(text);
  EXPECT_DOUBLE_EQ(busiest_rate(trace, 1s), 3) << "4 s to 4.999 s, and 4.5 s to 5.4 s";
  EXPECT_DOUBLE_EQ(busiest_rate(trace, 2s), 5 / 2.0);
  EXPECT_DOUBLE_EQ(busiest_rate(trace, 1ms), 1000);
  EXPECT_DOUBLE_EQ(busiest_rate(trace, 1h), 7 / 3600.0);
}

// By hand: of 6,261 input tokens, requests 3 and 5 find blocks 0 and 1, and request 5 also 5.
TEST(SummariseTrace, CountsWhatAnEndlessCacheWouldHold) {
  const TraceSummary summary = summarise_trace(read(kMooncake));
  ASSERT_EQ(summary.prefixes.size(), 4U);
  for (const PrefixShare& each : summary.prefixes) {
    EXPECT_NEAR(each.share, (2 * 512 + 3 * 512) / 6261.0, 1e-12) << each.engine_block;
  }
}

TEST(SummariseTrace, NeverHoldsAllOfAPrompt) {
  const std::string line =
      "{\"timestamp\":0,\"input_length\":512,\"output_length\":8,\"hash_ids\":[7]}\n";
  const TraceSummary summary = summarise_trace(read(line + line));
  EXPECT_NEAR(summary.prefixes[0].share, 496 / 1024.0, 1e-12);
  EXPECT_EQ(summary.prefixes[3].share, 0);
}

std::string rows_at(const std::vector<double>& seconds) {
  std::string text = "Timestamp,Session ID,Request tokens,Response tokens\n";
  for (const double at : seconds) text += std::to_string(at) + ",,10,5\n";
  return text;
}

TEST(SummariseTrace, SaysHowUnevenArrivalsAre) {
  // Four requests in the first second, none in the next three, one at 4: counts 4, 0, 0, 0.
  const TraceSummary summary = summarise_trace(read(rows_at({0, 0.1, 0.2, 0.3, 4})));
  EXPECT_EQ(summary.span_s, 4);
  EXPECT_EQ(summary.rate_rps, 1);
  ASSERT_EQ(summary.dispersion.size(), 3U);
  EXPECT_NEAR(*summary.dispersion[0].index, 4.0, 1e-9);  // variance 4, mean 1
  EXPECT_EQ(summary.dispersion[1].index, std::nullopt);
  EXPECT_NEAR(*summary.gap_cv, 1.8, 1e-9);  // gaps 0.1, 0.1, 0.1, 3.7: sd 1.8, mean 1
  EXPECT_FALSE(summary.tick);
}

TEST(SummariseTrace, FindsTheClockOfWhoRecorded) {
  std::vector<double> seconds;
  for (int i = 0; i < 100; ++i) seconds.push_back(3.0 * (i / 5) + 0.001 * ((i / 5) % 2));
  const TraceSummary summary = summarise_trace(read(rows_at(seconds)));
  ASSERT_TRUE(summary.tick);
  EXPECT_EQ(summary.tick->instants, 20);
  EXPECT_NEAR(summary.tick->apart_s, 3, 0.002);
}

TEST(TraceText, SaysWhatIsKnownAndWhatIsNot) {
  const Trace mooncake = read(kMooncake);
  const std::string text = trace_text(mooncake, summarise_trace(mooncake), "conversation.jsonl");
  EXPECT_THAT(text, AllOf(HasSubstr("conversation.jsonl: Mooncake, 5 requests, 6s"),
                          HasSubstr("10 blocks of 512 tokens"), HasSubstr("40.9 % in blocks of 16"),
                          Not(HasSubstr("sessions"))));
  const Trace burst = read(rows_at({0, 1, 2}));
  const std::string other = trace_text(burst, summarise_trace(burst), "b.csv");
  EXPECT_THAT(other, AllOf(HasSubstr("1.00 requests/s"), HasSubstr("prefixes   not told")));
}

}  // namespace
}  // namespace llmsweep
