#include "dataset/dataset.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr const char* kGood =
    R"({"id":"a_0","conversations":[{"from":"human","value":"Hello"},{"from":"gpt","value":"Hi"}]})";

std::string list_of(const std::vector<std::string>& records) {
  std::string text = "[";
  for (size_t i = 0; i < records.size(); ++i) text += (i > 0 ? ",\n" : "") + records[i];
  return text + "]";
}

std::string error_of(const std::string& bytes) {
  try {
    Dataset::from_bytes(bytes, "set.json");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

Record only_record(const std::string& json) {
  std::string bytes = list_of({json});
  Dataset set = Dataset::from_bytes(bytes, "set.json");
  return Dataset::Reader(set).read(0);
}

TEST(Dataset, SkipsARecordOverTheLimitAndGoesOnAfterIt) {
  const std::string large = R"({"conversations":[{"from":"human","value":")" +
                            std::string(size_t{70} << 20, 'a') + "\"}]}";
  for (const std::string& bytes :
       {list_of({kGood, large, kGood}), std::string(kGood) + "\n" + large + "\n" + kGood + "\n"}) {
    Dataset set = Dataset::from_bytes(bytes, "set.json");
    EXPECT_EQ(set.summary().records, 2);
    EXPECT_EQ(set.summary().skipped, 1);
    EXPECT_EQ(Dataset::Reader(set).read(1).turns.size(), 2U);
  }
}

TEST(Dataset, RefusesARecordThatDoesNotEnd) {
  const auto path = std::filesystem::path(testing::TempDir()) / "llmsweep-endless.json";
  for (const char* begins : {R"({"conversations": [)", R"([{"conversations": [{"value": ")"}) {
    write_file_atomically(path, begins);
    std::filesystem::resize_file(path, uintmax_t{4} << 30);  // a hole: NUL bytes
    try {
      Dataset::open(path, 1);
      ADD_FAILURE() << begins;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("record 0, at byte"));
      EXPECT_THAT(error.what(), HasSubstr("does not end within 1 GiB"));
    }
  }
  std::filesystem::remove(path);
}

TEST(ShareGpt, ReadsTurnsInOrder) {
  Record record = only_record(kGood);
  ASSERT_EQ(record.turns.size(), 2U);
  EXPECT_EQ(record.turns[0], (std::pair<std::string, std::string>("user", "Hello")));
  EXPECT_EQ(record.turns[1], (std::pair<std::string, std::string>("assistant", "Hi")));
}

TEST(ShareGpt, ToleratesWhatTheRealFileHas) {
  EXPECT_EQ(only_record(R"({"conversation":[{"from":"user","value":"A"}],"extra":{"x":[1,2]}})")
                .turns[0]
                .second,
            "A")
      << "another key, other keys beside it";
  EXPECT_EQ(
      only_record(R"({"conversations":["{\"from\":\"human\",\"value\":\"B\"}"]})").turns[0].second,
      "B")
      << "a turn that is text holding JSON";
  EXPECT_EQ(
      only_record(R"({"conversations":[7, null, {"from":"human","value":"C"}]})").turns.size(), 1U)
      << "turns that are no objects";
  EXPECT_EQ(only_record(R"({"conversations":[{"from":"system","value":"S"},
                           {"from":"human","value":"D"}]})")
                .turns[1]
                .first,
            "user");
  EXPECT_EQ(only_record(R"({"conversations":[{"from":"human","value":"\u00e9 \ud83d\ude00 é"}]})")
                .turns[0]
                .second,
            "é 😀 é");
  EXPECT_EQ(only_record("{\"conversations\":[{\"from\":\"human\",\"value\":\" a\\u0000b\\n\"}]}")
                .turns[0]
                .second,
            "a b")
      << "white space at the ends and NUL";
}

TEST(ShareGpt, SkipsAndCountsWhatIsOfNoUse) {
  std::string bytes = list_of(
      {kGood, R"({"id":"x"})", R"({"conversations":[]})",
       R"({"conversations":[{"from":"gpt","value":"no question"}]})",
       R"({"conversations":[{"from":"human","value":"\ud83d"}]})",
       R"({"conversations":[{"from":"human","value":"  "}]})", "17", R"("text, with [brackets]")",
       "[]", "{\"conversations\":[{\"from\":\"human\",\"value\":\"\xff\"}]}",
       "{\"conversations\":[{\"from\":\"human\",\"value\":\"a\nb\"}]}", kGood});
  Dataset set = Dataset::from_bytes(bytes, "set.json");
  EXPECT_EQ(set.summary().records, 2);
  EXPECT_EQ(set.summary().skipped, 10);
  EXPECT_THAT(set.summary().skip_reasons,
              Contains("2 records that are not valid JSON text (first: record 4)"));
  EXPECT_THAT(set.summary().skip_reasons,
              Contains(HasSubstr("1 records that are not valid UTF-8")));
  EXPECT_THAT(set.summary().skip_reasons,
              Contains("3 records that are not objects (first: record 6)"));
  EXPECT_THAT(set.summary().skip_reasons,
              Contains("1 records that do not begin with the user's turn (first: record 3)"));
  Dataset::Reader reader(set);
  EXPECT_EQ(reader.read(1).turns[0].second, "Hello");
}

TEST(ShareGpt, FindsRecordsWhateverTheirTextLooksLike) {
  std::vector<std::string> records;
  for (const char* text : {R"(a \" ] } , [)", R"(\\)", R"(\\\")", R"(\\\\ {\"a\":1})", "", "]["}) {
    records.push_back(R"({"conversations":[{"from":"human","value":"x)" + std::string(text) +
                      R"("}]})");
  }
  std::string bytes = "\xEF\xBB\xBF \n" + list_of(records) + " \n";
  Dataset set = Dataset::from_bytes(bytes, "set.json");
  EXPECT_EQ(set.size(), 6);
  Dataset::Reader reader(set);
  EXPECT_EQ(reader.read(0).turns[0].second, "xa \" ] } , [");
  EXPECT_EQ(reader.read(2).turns[0].second, "x\\\"");
  EXPECT_EQ(reader.read(5).turns[0].second, "x][");
}

TEST(ShareGpt, RecordsMayStraddleEveryEdgeOfWhatIsReadAtOnce) {
  // Escapes and quotes fall on the edges of the pieces of 1 MiB at 40 different phases.
  std::string filler;
  while (filler.size() < 26'000) filler += R"(\"quoted\\ \n)";
  for (int phase = 0; phase < 40; ++phase) {
    std::vector<std::string> records;
    records.push_back(R"({"conversations":[{"from":"human","value":"s)" +
                      std::string(static_cast<size_t>(phase), 'x') + R"("}]})");
    for (int i = 0; i < 100; ++i) {
      records.push_back(R"({"conversations":[{"from":"human","value":")" + std::to_string(i) + " " +
                        filler + R"("}]})");
    }
    std::string bytes = list_of(records);
    Dataset set = Dataset::from_bytes(bytes, "set.json");
    ASSERT_EQ(set.size(), 101);
    Dataset::Reader reader(set);
    ASSERT_THAT(reader.read(80).turns[0].second, testing::StartsWith("79 \"quoted\\"));
  }
}

TEST(ShareGpt, AFileIsReadAsBytesAre) {
  auto path = std::filesystem::path(testing::TempDir()) /
              ("sharegpt." + std::to_string(::getpid()) + ".json");
  write_file_atomically(path, list_of({kGood, kGood}));
  Dataset set = Dataset::open(path.string(), 1);
  EXPECT_EQ(set.size(), 2);
  EXPECT_EQ(set.summary().format, "sharegpt");
  write_file_atomically(path, list_of({kGood}));
  std::filesystem::resize_file(path, 3);
  Dataset::Reader reader(set);
  EXPECT_EQ(reader.read(1).turns[0].second, "Hello") << "the file it opened is still the old one";
}

TEST(ShareGpt, TheSampleIsWhole) {
  Dataset set = Dataset::open("sample", 1);
  EXPECT_GE(set.size(), 300);
  EXPECT_EQ(set.summary().skipped, 0);
}

std::string gzip_of(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd_of(const std::string& bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

std::filesystem::path compressed_file(const std::string& bytes) {
  auto path = std::filesystem::path(testing::TempDir()) / "llmsweep-compressed";
  write_file_atomically(path, bytes);
  return path;
}

// An Error's words, else the number of records and the last one's first text.
std::string opened(const std::filesystem::path& path) {
  try {
    const Dataset set = Dataset::open(path.string(), 1);
    const Record last = Dataset::Reader(set).read(static_cast<uint64_t>(set.size() - 1));
    return std::to_string(set.size()) + " " + last.turns[0].second;
  } catch (const Error& error) {
    return error.what();
  }
}

std::string opened(const std::string& bytes) {
  return opened(compressed_file(bytes));
}

TEST(CompressedDataset, IsReadAsTheFileThatItHolds) {
  std::string lines;
  for (int i = 0; i < 40'000; ++i) {
    lines += R"({"prompt": "number )" + std::to_string(i * 7919 % 40'000) + "\"}\n";
  }
  const std::string last = "40000 number " + std::to_string(39'999 * 7919 % 40'000);
  for (const std::string& whole : {gzip_of(lines), zstd_of(lines)}) {
    EXPECT_EQ(opened(whole), last);
    for (size_t size : {size_t{8}, whole.size() / 2, whole.size() - 1}) {
      EXPECT_THAT(opened(whole.substr(0, size)), HasSubstr("damaged or cut short"));
    }
  }
  const std::string more = "{\"prompt\": \"more\"}\n";
  EXPECT_EQ(opened(gzip_of(lines) + gzip_of(more)), "40001 more");
  EXPECT_EQ(opened(zstd_of(lines) + zstd_of(more)), "40001 more");
  std::string broken = gzip_of(lines);
  broken[broken.size() / 2] = static_cast<char>(broken[broken.size() / 2] ^ 0x55);
  EXPECT_THAT(opened(broken), HasSubstr("damaged or cut short"));
  EXPECT_EQ(opened(gzip_of("id,prompt\n1,a\n")), "1 a");
  EXPECT_THAT(opened(gzip_of("id,riddle\n1,a\n")), HasSubstr("a CSV table"));
  EXPECT_THAT(opened(gzip_of("")), HasSubstr("the dataset is empty"));
}

TEST(CompressedDataset, WithoutRoomForItIsAnErrorThatNamesTheFolder) {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before ? before : "";
  const std::filesystem::path path = compressed_file(gzip_of("[]"));
  ::setenv("TMPDIR", "/nowhere", 1);
  EXPECT_THAT(opened(path), HasSubstr("TMPDIR"));
  if (before) {
    ::setenv("TMPDIR", kept.c_str(), 1);
  } else {
    ::unsetenv("TMPDIR");
  }
}

TEST(DatasetErrors, ATruncatedListSaysWhere) {
  std::string whole = list_of({kGood, kGood, kGood});
  for (size_t size : {whole.size() - 1, whole.size() - 2, whole.size() / 2, size_t{1}}) {
    EXPECT_THAT(error_of(whole.substr(0, size)), HasSubstr("truncated")) << size;
  }
}

TEST(DatasetErrors, AWrongTopLevelIsNamed) {
  EXPECT_THAT(error_of("\"text\""), HasSubstr("not a list"));
  EXPECT_THAT(error_of("<html>"), HasSubstr("an HTML or XML page, not JSON"));
  EXPECT_THAT(error_of("{\n \"data\": [\n  1\n ]\n}\n"), HasSubstr("top level is an object"));
  EXPECT_THAT(error_of(list_of({kGood}) + list_of({kGood})), HasSubstr("text follows the list"));
}

TEST(DatasetErrors, NothingUsableIsAnErrorWithTheReasons) {
  EXPECT_THAT(error_of(""), HasSubstr("is empty"));
  EXPECT_THAT(error_of(" \n"), HasSubstr("is empty"));
  EXPECT_THAT(error_of("[]"), HasSubstr("no usable record"));
  EXPECT_THAT(error_of(R"([{"conversations":[]}])"),
              HasSubstr("1 records without a readable turn"));
}

TEST(DatasetErrors, AFolderOrAMissingFileIsNamed) {
  EXPECT_THROW(Dataset::open("/nowhere/x.json", 1), Error);
  EXPECT_THROW(Dataset::open(testing::TempDir(), 1), Error);
}

TEST(DatasetErrors, NestingWithoutEndIsSkipped) {
  std::string deep =
      R"({"conversations":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  std::string bytes = list_of({deep, kGood});
  Dataset set = Dataset::from_bytes(bytes, "set.json");
  EXPECT_EQ(set.summary().skipped, 1);
}

TEST(JsonLines, ReadsPromptsMessagesAndConversations) {
  std::string bytes =
      "{\"prompt\": \"one\", \"max_tokens\": 40}\n"
      "\n"
      "{\"messages\": [{\"role\": \"system\", \"content\": \"be brief\"},"
      " {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"two\"}]}]}\r\n" +
      std::string(kGood) + "\n{\"prompt\": \"last\"}";
  Dataset set = Dataset::from_bytes(bytes, "set.jsonl");
  EXPECT_EQ(set.summary().format, "jsonl");
  ASSERT_EQ(set.size(), 4);
  Dataset::Reader reader(set);
  EXPECT_EQ(reader.read(0).turns[0].second, "one");
  EXPECT_EQ(reader.read(0).max_tokens, 40);
  EXPECT_TRUE(reader.read(1).messages);
  EXPECT_EQ(reader.read(1).turns[1].second, "two");
  EXPECT_EQ(reader.read(2).turns[0].second, "Hello");
  EXPECT_EQ(reader.read(3).turns[0].second, "last");
}

TEST(JsonLines, ABadLineCostsOneLine) {
  std::string bytes =
      "{\"prompt\": \"one\"}\n{\"prompt\": \n{\"prompt\": \"\"}\n{\"prompt\": \"x\", "
      "\"max_tokens\": -1}\n{\"prompt\": \"two\"}\n{\"prompt\": \"cut";
  Dataset set = Dataset::from_bytes(bytes, "set.jsonl");
  EXPECT_EQ(set.summary().records, 2);
  EXPECT_EQ(set.summary().skipped, 4);
}

TEST(DatasetErrors, AnotherKindOfFileIsNamed) {
  const auto says = [](std::string_view bytes, const char* kind) {
    EXPECT_THAT(error_of(std::string(bytes)), HasSubstr(kind)) << bytes;
  };
  says("\x1f\x8b\x08", "gzip");
  says("\x28\xb5\x2f\xfd", "zstd");
  says("PAR1....", "Parquet");
  says("PAR1....", "pandas.read_parquet('FILE')");
  says("id,riddle\n", "FILE#COLUMN");
  says("\xff\xfe[\0", "iconv -f UTF-16");
  says("\x04\x22\x4d\x18", "lz4");
  says(std::string("data.json") + std::string(248, '\0') + "ustar\0", "an archive (tar)");
  says("PK\x03\x04", "zip");
  says("\xff\xfe[\0", "UTF-16");
  says(std::string_view("[\0{\0", 4), "UTF-16");
  says(std::string_view("\0[\0{", 4), "UTF-16");
  says(std::string_view("\xff\xfe\0\0[\0\0\0", 8), "UTF-32");
  says(std::string_view("[\0\0\0", 4), "UTF-32");
  says(std::string_view("\0\0\0\0", 4), "binary");
  says("id,prompt\n1,hello\n", "CSV");
  says("\"id\",\"prompt\"\n", "CSV");
  says("Shall I compare thee\nto a summer's day\n", "plain text");
  says("never was a story\n", "plain text");
  says("version https://git-lfs.github.com/spec/v1\n", "Git LFS");
}

TEST(DatasetErrors, UnknownKeysAreAnsweredWithTheKeysThatAreRead) {
  const std::string said = error_of("{\"riddle\": \"q\", \"answer\": \"a\"}\n{\"riddle\": \"r\"}");
  EXPECT_THAT(said, HasSubstr("riddle, answer"));
  for (const char* key : {"prompt", "messages", "conversations", "instruction", "max_tokens"}) {
    EXPECT_THAT(said, HasSubstr(key));
  }
  EXPECT_THAT(error_of(R"(["one", "two"])"), HasSubstr("write each record as {\"prompt\""));
}

TEST(JsonLines, TheLengthOfTheAnswerMayHaveOtherNamesAndAFraction) {
  for (const char* key :
       {"max_tokens", "max_completion_tokens", "max_new_tokens", "output_tokens",
        "output_tokens_count", "output_length", "max_output_tokens", "output_len",
        "expected_output_len", "completion_tokens", "max_gen_tokens", "num_output_tokens",
        "output_token_count", "response_tokens", "n_predict", "num_predict"}) {
    for (const char* value : {"128", "128.0", "1.28e2", "\"128\""}) {
      const std::string line = std::string("{\"prompt\": \"x\", \"") + key + "\": " + value + "}";
      EXPECT_EQ(only_record(line).max_tokens, 128) << line;
    }
    EXPECT_EQ(only_record(std::string("{\"prompt\": \"x\", \"") + key + "\": null}").max_tokens, 0);
  }
  for (const char* value : {"128.5", "0", "-1", "\"many\"", "\"\"", "1e300", "true"}) {
    EXPECT_THAT(error_of(std::string("{\"prompt\": \"x\", \"max_tokens\": ") + value + "}"),
                HasSubstr("not a positive whole number"));
  }
}

using Turns = std::vector<std::pair<std::string, std::string>>;

TEST(PublicForms, AreReadAsTheirOwnToolsReadThem) {
  const Turns asked = {{"user", "why?"}};
  const Turns instructed = {{"system", "be brief"}, {"user", "why?"}};
  for (const char* record :
       {R"({"text": "why?"})", R"({"texts": ["why?"]})", R"({"prompt": ["why?"]})",
        R"({"texts": [{"name": "text", "contents": ["why?"]}]})", R"({"text_input": "why?"})",
        R"({"inputs": "why?"})", R"({"instruction": "why?", "input": "", "output": "so"})",
        R"({"system_prompt": "", "question": "why?", "response": "so"})", R"({"input": "why?"})",
        R"({"custom_id": "0", "body": {"prompt": "why?"}})",
        R"({"row_idx": 0, "row": {"query": "why?"}})", R"({"turns": ["why?"]})",
        R"({"session_id": "a", "turns": [{"text": "why?", "delay": 3}]})",
        R"({"turns": [{"texts": ["why?"]}]})",
        R"({"dialog": [{"role": "user", "content": "why?"}]})",
        R"({"items": [{"from": "human", "value": "why?"}]})"}) {
    EXPECT_EQ(only_record(record).turns, asked) << record;
    EXPECT_FALSE(only_record(record).messages) << record;
  }
  for (
      const char* record :
      {R"({"system_prompt": "be brief", "question": "why?", "response": "so"})",
       R"({"prompt": [{"role": "System", "content": "be brief"}, {"role": "user", "content": "why?"}]})",
       R"({"body": {"messages": [{"role": "system", "content": "be brief"},
                                  {"role": "user", "content": "why?"}]}})",
       R"({"input": [{"role": "system", "content": "be brief"},
                      {"role": "user", "content": [{"type": "input_text", "text": "why?"}]}]})"}) {
    EXPECT_EQ(only_record(record).turns, instructed) << record;
    EXPECT_TRUE(only_record(record).messages) << record;
  }
  EXPECT_EQ(only_record(R"({"instruction": "Sort:", "input": "b a", "output": "a b"})").turns,
            (Turns{{"user", "Sort:\n\nb a"}}));
  EXPECT_EQ(only_record(R"({"instruction": "Sort:", "context": "b a", "response": "a b"})").turns,
            (Turns{{"user", "Sort:\n\nb a"}}));
  EXPECT_EQ(only_record(R"({"turns": ["one", "two"]})").turns,
            (Turns{{"user", "one"}, {"user", "two"}}));
}

TEST(PublicForms, WhereNobodyIsNamedTheUserBegins) {
  const Turns alternating = {{"user", "why?"}, {"assistant", "so"}, {"user", "oh?"}};
  for (const char* key : {"content", "value"}) {
    std::string turns;
    for (const auto& [role, text] : alternating) {
      turns += (turns.empty() ? "" : ", ") + fmt::format(R"({{"{}": "{}"}})", key, text);
    }
    for (const char* name : {"conversations", "conversation", "items"}) {
      const std::string record = fmt::format(R"({{"{}": [{}]}})", name, turns);
      EXPECT_EQ(only_record(record).turns, alternating) << record;
    }
  }
}

TEST(PublicForms, LengthsInsideOtherObjectsAreRead) {
  for (const char* record :
       {R"({"body": {"messages": [{"role": "user", "content": "x"}], "max_tokens": 20}})",
        R"({"text": "x", "sampling_params": {"max_new_tokens": 20}})",
        R"({"inputs": "x", "parameters": {"max_new_tokens": 20}})",
        R"({"prompt": "x", "options": {"num_predict": 20}})",
        R"({"turns": [{"text": "x", "max_tokens": 20}, {"text": "y", "max_tokens": 30}]})"}) {
    EXPECT_EQ(only_record(record).max_tokens, 20) << record;
  }
}

TEST(PublicForms, WhatCannotBeSentIsNamed) {
  EXPECT_THAT(error_of(R"([{"prompt": ["a", "b"]}])"), HasSubstr("a list of several texts"));
  EXPECT_THAT(error_of(R"([{"prompt": [1, 2, 3]}])"), HasSubstr("or of token ids"));
  EXPECT_THAT(error_of(R"([{"text": "what is this?", "image": "a.png"}])"), HasSubstr("picture"));
  EXPECT_THAT(error_of(R"([{"conversations": [{"from": "human", "value": "<image>?"}],
                            "images": ["a.png"]}])"),
              HasSubstr("picture"));
  EXPECT_EQ(only_record(R"({"text": "x", "images": [], "image": null, "audio": ""})").turns.size(),
            1U);
  const std::string tools = R"([{"messages": [{"role": "user", "content": "x"}], "tools": [{}]}])";
  EXPECT_THAT(Dataset::from_bytes(tools, "set").summary().notes,
              testing::ElementsAre(HasSubstr("1 records that offer tools")));
}

TEST(PublicForms, TheRoleHasAnyCaseAndSpelling) {
  for (const char* role : {"human", "Human", "USER", "prompter", "Prompter", "user ",
                           "### Human:", "human_1", "Customer", "usr"}) {
    EXPECT_EQ(only_record(std::string(R"({"conversations": [{"from": ")") + role +
                          R"(", "value": "why?"}, {"from": "GPT-4", "value": "so"}]})")
                  .turns,
              (Turns{{"user", "why?"}, {"assistant", "so"}}))
        << role;
  }
  EXPECT_EQ(only_record(R"({"messages": [{"role": "System", "content": "be brief"},
                                         {"role": "Human", "content": "why?"}]})")
                .turns,
            (Turns{{"system", "be brief"}, {"user", "why?"}}));
}

TEST(PublicForms, AListInsideAnObjectIsFound) {
  for (const char* whole :
       {R"({"data": [{"prompt": "a"}, {"prompt": "b"}]})",
        R"({"version": "1 \"data\": [{", "info": {"data": [{"prompt": "no"}]},
            "data": [ {"prompt": "a"}, {"prompt": "b"} ], "count": 2})",
        "\xEF\xBB\xBF{\n \"records\": [\n{\"prompt\": \"a\"},\n{\"prompt\": \"b\"}\n]}\n",
        R"({"features": [{"name": "prompt"}],
            "rows": [{"row_idx": 0, "row": {"prompt": "a"}}, {"row": {"prompt": "b"}}]})"}) {
    Dataset set = Dataset::from_bytes(whole, "set");
    EXPECT_EQ(set.size(), 2) << whole;
    EXPECT_EQ(set.summary().skipped, 0) << whole;
    EXPECT_EQ(Dataset::Reader(set).read(1).turns, (Turns{{"user", "b"}})) << whole;
  }
  const std::string lines = R"({"prompt": "a", "examples": [{"prompt": "no"}]})"
                            "\n"
                            R"({"prompt": "b", "examples": [{"prompt": "no"}]})";
  Dataset set = Dataset::from_bytes(lines, "set");
  EXPECT_EQ(set.size(), 2);
  EXPECT_EQ(Dataset::Reader(set).read(1).turns, (Turns{{"user", "b"}}));
  EXPECT_THAT(error_of(R"({"data": [{"prompt": "a"}, {"prom)"), HasSubstr("truncated"));
}

std::string conversation(const std::vector<std::string>& messages) {
  std::string list;
  for (const std::string& message : messages) list += (list.empty() ? "" : ", ") + message;
  return "{\"messages\": [" + list + "]}";
}

const std::string kAsked = R"({"role": "user", "content": "why?"})";
const std::string kAnswered = R"({"role": "assistant", "content": "because"})";
const std::string kCalled =
    R"({"role": "assistant", "content": null, "tool_calls": [{"id": "c"}]})";
const std::string kResult = R"({"role": "tool", "content": "42", "tool_call_id": "c"})";
const std::string kPicture =
    R"({"role": "user", "content": [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {}}]})";
const std::string kEmpty = R"({"role": "user", "content": ""})";

TEST(Messages, AConversationThatEndsWithTheAnswerAsksItsQuestion) {
  const std::string line = conversation({kAsked, kAnswered, kAsked, kAnswered});
  EXPECT_EQ(only_record(line).turns.size(), 3U);
  EXPECT_EQ(only_record(line).turns.back().first, "user");
  EXPECT_THAT(Dataset::from_bytes(line, "set").summary().notes,
              Contains(HasSubstr("1 conversations that end with the assistant's answer")));
  EXPECT_TRUE(Dataset::from_bytes(conversation({kAsked}), "set").summary().notes.empty());
}

TEST(Messages, AreSentUpToTheLastQuestionBeforeWhatIsNoText) {
  const auto note_of = [](const std::string& line) {
    EXPECT_EQ(only_record(line).turns.size(), 1U) << line;
    const std::vector<std::string> notes = Dataset::from_bytes(line, "set").summary().notes;
    return notes.empty() ? std::string() : notes.front();
  };
  EXPECT_THAT(note_of(conversation({kAsked, kCalled, kResult, kAnswered})),
              HasSubstr("tool calls"));
  EXPECT_THAT(note_of(conversation({kAsked, kAnswered, kPicture})), HasSubstr("pictures"));
  EXPECT_THAT(note_of(conversation({kAsked, kAnswered, kEmpty})), HasSubstr("empty message"));
}

TEST(Messages, WithoutAQuestionBeforeThatAreSkippedForThatReason) {
  EXPECT_THAT(error_of(conversation({kCalled, kAsked})), HasSubstr("before a tool call"));
  EXPECT_THAT(error_of(conversation({kPicture})), HasSubstr("picture"));
  EXPECT_THAT(error_of(conversation({kEmpty})), HasSubstr("empty prompt"));
  EXPECT_THAT(error_of(conversation({kAnswered, kAsked})), HasSubstr("begin with the user's turn"));
}

TEST(ShareGpt, ATurnWithoutTextIsLeftOutAndCounted) {
  const std::string asked = R"({"from": "human", "value": "why?"})";
  const auto turns_and_note = [&](const std::string& turn) {
    const std::string line = R"({"conversations": [)" + asked + ", " + turn + ", " + asked + "]}\n";
    const std::vector<std::string> notes = Dataset::from_bytes(line, "set").summary().notes;
    return std::pair(only_record(line).turns.size(), notes.empty() ? std::string() : notes.front());
  };
  for (const std::string turn :
       {R"({"from": "gpt", "value": ""})", R"({"from": "gpt", "value": " \n"})",
        R"({"from": "gpt", "value": null})", R"({"from": "gpt"})", R"({"value": "lost"})", "7",
        R"("{\"from\": \"gpt\", \"value\": \"\"}")", R"("no object")",
        R"({"role": "user", "content": [{"type": "image_url", "image_url": {}}]})"}) {
    EXPECT_EQ(turns_and_note(turn),
              std::pair(size_t{2}, std::string("1 conversations with turns that are empty or have "
                                               "no text: these turns are left out")))
        << turn;
  }
  const std::string parts = R"({"role": "assistant", "content": [{"type": "text", "text": "so"}]})";
  EXPECT_EQ(turns_and_note(parts), std::pair(size_t{3}, std::string()));
}

TEST(Messages, AnEmptyInstructionIsLeftOutAndCounted) {
  const std::string line = conversation({R"({"role": "system", "content": ""})", kAsked});
  EXPECT_EQ(only_record(line).turns.size(), 1U);
  EXPECT_EQ(Dataset::from_bytes(line, "set").summary().notes.size(), 1U);
}

}  // namespace
}  // namespace llmsweep
