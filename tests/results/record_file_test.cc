#include "llmsweep/results/record_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "llmsweep/base/error.h"
#include "results/full_result.h"

namespace llmsweep {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(RecordLine, AFullRecordReadsBackEqual) {
  EXPECT_EQ(parse_record(record_to_jsonl(full_record()), "x"), full_record());
}

TEST(RecordLine, AnEmptyRecordReadsBackEqual) {
  EXPECT_EQ(parse_record(record_to_jsonl({}), "x"), RequestRecord{});
}

TEST(RecordLine, OfARateOrOfUsersReadsBackEqual) {
  for (const LoadPoint point : {at_rate(2.5), with_users(16)}) {
    RequestRecord record = full_record();
    record.run.point = point;
    const std::string line = record_to_jsonl(record);
    EXPECT_THAT(line, HasSubstr("{\"level\":null,\"load_point\":\"" + name_of(point) + "\","));
    EXPECT_EQ(parse_record(line, "x"), record);
  }
}

TEST(RecordLine, NamesALoad) {
  const std::string line = record_to_jsonl({.run = {at_rate(2.5), 0}});
  const auto with = [&line](const std::string& load_point) {
    const std::string named = "\"load_point\":\"r2.5\",";
    std::string other = line;
    other.replace(other.find(named), named.size(), load_point);
    return error_of([&] { parse_record(other, "x"); });
  };
  EXPECT_THAT(with(""), HasSubstr("the line names no load: level is null"));
  EXPECT_THAT(with("\"load_point\":\"r0\","),
              HasSubstr("the line load_point has the unknown value 'r0'"));
}

TEST(RecordLine, HasTheDocumentedKeysInOrder) {
  const auto json = nlohmann::ordered_json::parse(record_to_jsonl(full_record()));
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"level",
                                            "repeat",
                                            "superseded",
                                            "index",
                                            "slot",
                                            "url",
                                            "phase",
                                            "session",
                                            "turn",
                                            "turns_planned",
                                            "think_ns",
                                            "response_id",
                                            "model",
                                            "trace_id",
                                            "scheduled_ns",
                                            "sent_ns",
                                            "first_byte_ns",
                                            "first_token_ns",
                                            "first_answer_token_ns",
                                            "last_token_ns",
                                            "first_choice_ns",
                                            "last_choice_ns",
                                            "end_ns",
                                            "first_token_delay_ns",
                                            "first_answer_token_delay_ns",
                                            "last_token_delay_ns",
                                            "first_token_merged",
                                            "input_tokens",
                                            "planned_input_tokens",
                                            "cached_tokens",
                                            "output_tokens",
                                            "token_source",
                                            "streamed_tokens",
                                            "reasoning_tokens",
                                            "chunks",
                                            "coalesced_chunks",
                                            "outcome",
                                            "http_status",
                                            "error",
                                            "retry_after_ms",
                                            "finish_reason",
                                            "other_model",
                                            "repaired_chunks",
                                            "planned_output_tokens",
                                            "inputs",
                                            "first_chunk_tokens",
                                            "reconnected",
                                            "server_prefill_us",
                                            "server_decode_us",
                                            "icl_hist",
                                            "itl_hist",
                                            "gaps_left_out"}));
  EXPECT_EQ(json["phase"], "filler");
  EXPECT_EQ(json["outcome"], "protocol_error");
  EXPECT_EQ(json["last_token_ns"], 9'000'000'000'000'000'006);
  EXPECT_EQ(json["icl_hist"].size(), 3u);
}

TEST(RecordLine, OfEarlierVersionsIsReadWithoutTheLaterKeys) {
  nlohmann::ordered_json line = nlohmann::ordered_json::parse(record_to_jsonl(full_record()));
  line.erase("first_choice_ns");
  line.erase("last_choice_ns");
  RequestRecord expected = full_record();
  expected.first_choice.reset();
  expected.last_choice.reset();
  EXPECT_EQ(parse_record(line.dump(), "x"), expected);
}

TEST(RecordLine, IsOneLineOfValidJsonWhateverTheServerSent) {
  RequestRecord record;
  for (int c = 0; c < 256; ++c) record.error += static_cast<char>(c);
  record.response_id = "\xf0\x9f\x98";
  const std::string line = record_to_jsonl(record);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_NO_THROW(nlohmann::json::parse(line));
  EXPECT_EQ(parse_record(line, "x").response_id, "\xEF\xBF\xBD");
}

TEST(RecordLine, BrokenLinesAreNamed) {
  const std::string good = record_to_jsonl(full_record());
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string line = good;
    const size_t at = line.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    line.replace(at, from.size(), to);
    return error_of([&] { parse_record(line, "f:3"); });
  };
  EXPECT_THAT(replaced("\"level\":8,", ""), HasSubstr("f:3: the line has no 'level'"));
  EXPECT_THAT(replaced("\"level\":8", "\"level\":-8"), HasSubstr("level must be a whole number"));
  EXPECT_THAT(replaced("\"level\":8", "\"level\":1e3"), HasSubstr("level must be a whole number"));
  EXPECT_THAT(replaced("\"level\":8", "\"level\":99999999999"), HasSubstr("level must be"));
  EXPECT_THAT(replaced("\"filler\"", "\"fillerr\""), HasSubstr("unknown value 'fillerr'"));
  EXPECT_THAT(replaced("\"repeat\"", "\"level\""), HasSubstr("duplicate key 'level'"));
  EXPECT_THAT(replaced("\"icl_hist\":[[", "\"icl_hist\":[[1],["), HasSubstr("icl_hist"));
  EXPECT_THAT(replaced("\"icl_hist\":[[", "\"icl_hist\":[[29602,1],["), HasSubstr("bucket"));
  EXPECT_THAT(replaced("\"icl_hist\":[[", "\"icl_hist\":[[1,-1],["), HasSubstr("icl_hist"));
  EXPECT_THAT(error_of([] { parse_record("[1]", "f:3"); }), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of([] { parse_record("", "f:3"); }), HasSubstr("is not JSON"));
  EXPECT_THAT(error_of([] { parse_record(std::string(100, '['), "f:3"); }), HasSubstr("not JSON"));
}

class RecordFile : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  std::filesystem::path path_ = std::filesystem::path(testing::TempDir()) /
                                ("requests." + std::to_string(::getpid()) + ".jsonl");
};

TEST_F(RecordFile, ReadsRecordAfterRecord) {
  std::string text;
  for (uint32_t i = 0; i < 3000; ++i) {
    RequestRecord record = full_record();
    record.index = i;
    text += record_to_jsonl(record);
  }
  write(text);
  RecordReader reader(path_);
  for (uint32_t i = 0; i < 3000; ++i) {
    const auto record = reader.next();
    ASSERT_TRUE(record);
    ASSERT_EQ(record->index, i);
    ASSERT_EQ(reader.line(), i + 1);
  }
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.truncated());
  EXPECT_EQ(reader.whole_bytes(), static_cast<int64_t>(text.size()));
}

TEST_F(RecordFile, EveryCutOfTheLastLineIsTolerated) {
  const std::string first = record_to_jsonl(full_record());
  const std::string last = record_to_jsonl({});
  for (size_t cut = 0; cut + 1 < last.size(); ++cut) {
    write(first + last.substr(0, cut));
    RecordReader reader(path_);
    ASSERT_TRUE(reader.next());
    ASSERT_FALSE(reader.next()) << cut;
    ASSERT_EQ(reader.truncated(), cut > 0);
    ASSERT_EQ(reader.whole_bytes(), static_cast<int64_t>(first.size()));
  }
  write(first + last.substr(0, last.size() - 1));  // whole but for its newline
  RecordReader reader(path_);
  ASSERT_TRUE(reader.next());
  ASSERT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.truncated());
  EXPECT_EQ(reader.whole_bytes(), static_cast<int64_t>(first.size()));
}

TEST_F(RecordFile, ABrokenLineInTheMiddleIsAnError) {
  write(record_to_jsonl({}) + "{broken\n" + record_to_jsonl(full_record()));
  RecordReader reader(path_);
  ASSERT_TRUE(reader.next());
  EXPECT_THAT(error_of([&] { reader.next(); }), HasSubstr(".jsonl:2: the line is not JSON"));
  const auto record = reader.next();
  ASSERT_TRUE(record);
  EXPECT_EQ(*record, full_record());
  EXPECT_EQ(reader.line(), 3);
}

TEST_F(RecordFile, AnEmptyFileHasNoRecords) {
  write("");
  RecordReader reader(path_);
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.truncated());
}

TEST_F(RecordFile, AMissingFileIsAnError) {
  EXPECT_THROW(RecordReader(path_ / "absent"), Error);
  EXPECT_THROW(RecordReader{testing::TempDir()}, Error);
}

TEST_F(RecordFile, AnEndlessLineIsAnError) {
  write(std::string(18 << 20, ' ') + "\n");
  RecordReader reader(path_);
  EXPECT_THAT(error_of([&] { reader.next(); }), HasSubstr("longer than 16 MiB"));
}

}  // namespace
}  // namespace llmsweep
