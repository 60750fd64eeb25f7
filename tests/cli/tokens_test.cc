// `llmsweep tokens` and `llmsweep prompts`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/process.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
using nlohmann::json;
using ::testing::HasSubstr;

// A rank file of the printable ASCII letters alone, in base64: 'a' is "YQ==".
std::string write_ranks(const std::filesystem::path& folder) {
  const auto path = folder / "ranks.tiktoken";
  write_file_atomically(path, "YQ== 0\nYg== 1\nIA== 2\nYWI= 3\n");  // a, b, space, ab
  return path.string() + "#cl100k_base";
}

TEST(Tokens, CountsPrintsIdsAndChecksTheRoundTrip) {
  const auto folder = test_folder();
  write_file_atomically(folder / "text.txt", "ab ab");
  const ProcessResult result = run_llmsweep({"tokens", "--tokenizer", write_ranks(folder), "--text",
                                             "ab a", "--ids", folder / "text.txt"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("3 tokens"));
  EXPECT_THAT(result.out, HasSubstr("[3, 2, 0]"));
  EXPECT_THAT(result.out, HasSubstr("[3, 2, 3]"));
  EXPECT_THAT(result.out, HasSubstr("round trip exact"));
}

TEST(Tokens, TurnsLinesOfTextIntoLinesOfIdsInOrder) {
  const auto folder = test_folder();
  write_file_atomically(folder / "in.jsonl",
                        "\xEF\xBB\xBF{\"text\": \"ab\"}\n{\"text\": \"\"}\n{\"text\": \"b\"}\n");
  const ProcessResult result =
      run_llmsweep({"tokens", "--tokenizer", write_ranks(folder), "--jsonl", folder / "in.jsonl"});
  EXPECT_EQ(result.out, "{\"ids\": [3]}\n{\"ids\": []}\n{\"ids\": [1]}\n");
}

TEST(Tokens, ABadInputIsOneErrorThatNamesItsPlace) {
  const auto folder = test_folder();
  write_file_atomically(folder / "in.jsonl", "{\"text\": \"ab\"}\n{\"txt\": 1}\n");
  const std::string ranks = write_ranks(folder);
  const ProcessResult line =
      run_llmsweep({"tokens", "--tokenizer", ranks, "--jsonl", folder / "in.jsonl"});
  EXPECT_EQ(line.exit_code, 2);
  EXPECT_THAT(line.err, HasSubstr("in.jsonl:2"));
  write_file_atomically(folder / "in.jsonl", std::string("\xFF\xFE{\0\n\0", 6));
  const ProcessResult wide =
      run_llmsweep({"tokens", "--tokenizer", ranks, "--jsonl", folder / "in.jsonl"});
  EXPECT_EQ(wide.exit_code, 2);
  EXPECT_THAT(wide.err, HasSubstr("UTF-16"));
  const ProcessResult absent =
      run_llmsweep({"tokens", "--tokenizer", "absent.json", "--text", "x"});
  EXPECT_EQ(absent.exit_code, 2);
  EXPECT_THAT(absent.err, HasSubstr("absent.json"));
  EXPECT_EQ(run_llmsweep({"tokens", "--tokenizer", ranks}).exit_code, 2);
  EXPECT_EQ(run_llmsweep({"tokens", "--text", "x"}).exit_code, 2);
}

TEST(Prompts, AreWrittenAsASpecAsksForThem) {
  const auto folder = test_folder();
  write_file_atomically(folder / "spec.yaml",
                        "name: p\nsystem: {gpus: 1}\nendpoint: {url: \"http://127.0.0.1:1/v1\"}\n"
                        "workload: {input_tokens: 100, output_tokens: 7}\n"
                        "load: {concurrency: [1]}\n");
  const ProcessResult result = run_llmsweep({"prompts", folder / "spec.yaml", "--count", "300"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  std::istringstream lines(result.out);
  std::set<std::string> texts;
  for (std::string line; std::getline(lines, line);) {
    const json prompt = json::parse(line);
    EXPECT_EQ(prompt["output_tokens"], 7);
    EXPECT_EQ(prompt["input_tokens"], 0) << "unknown without a tokenizer";
    texts.insert(prompt["text"]);
  }
  EXPECT_EQ(texts.size(), 300U);
}

// Each bad input that people have: the exit code, and what standard error says.
struct BadInput {
  const char* name;
  const char* dataset;    // contents of set.json; null: the file is not there
  const char* tokenizer;  // contents of tokenizer.json; null: the good ranks
  const char* workload;
  int exit_code;
  const char* says;
};

constexpr const char* kTurn = R"([{"conversations":[{"from":"human","value":"ab ab ab ab"}]}])";
constexpr BadInput kBadInputs[] = {
    {"truncated JSON", R"([{"conversations":[{"from":"human","value":"ab)", nullptr,
     "input_tokens: 2", 2, "truncated"},
    {"lone surrogate",
     R"([{"conversations":[{"from":"human","value":"\ud83d"}]},
         {"conversations":[{"from":"human","value":"ab ab ab ab"}]}])",
     nullptr, "input_tokens: 2", 0, "1 skipped: 1 records that are not valid JSON text"},
    {"wrong top level", "{\n \"data\": []\n}\n", nullptr, "input_tokens: 2", 2,
     "top level is an object"},
    {"empty set", "[]", nullptr, "input_tokens: 2", 2, "no usable record"},
    {"empty file", "", nullptr, "input_tokens: 2", 2, "is empty"},
    {"missing file", nullptr, nullptr, "input_tokens: 2", 2, "there is no file"},
    {"unknown tokenizer model", kTurn, R"({"model": {"type": "WordPiece", "vocab": {}}})",
     "input_tokens: 2", 2, "the tokenizer model 'WordPiece'"},
    {"N beyond the set", kTurn, nullptr, "input_tokens: 5000", 2, "more text than the dataset has"},
    {"prefix beyond N", kTurn, nullptr, "input_tokens: 4, prefix_tokens: 9", 2,
     "must be below input_tokens"},
};

TEST(Prompts, ABadInputIsOneClearErrorOrACountedSkip) {
  for (const BadInput& bad : kBadInputs) {
    SCOPED_TRACE(bad.name);
    const auto folder = test_folder();
    if (bad.dataset != nullptr) write_file_atomically(folder / "set.json", bad.dataset);
    std::string tokenizer = write_ranks(folder);
    if (bad.tokenizer != nullptr) {
      tokenizer = folder / "tokenizer.json";
      write_file_atomically(tokenizer, bad.tokenizer);
    }
    write_file_atomically(
        folder / "spec.yaml",
        "name: p\nsystem: {gpus: 1}\nendpoint: {url: \"http://127.0.0.1:1/v1\"}\nworkload: "
        "{dataset: set.json, reuse: allow, tokenizer: \"" +
            tokenizer + "\", " + bad.workload + "}\nload: {concurrency: [1]}\n");
    const ProcessResult result = run_llmsweep({"prompts", folder / "spec.yaml", "--count", "1"});
    EXPECT_EQ(result.exit_code, bad.exit_code);
    EXPECT_THAT(result.err, HasSubstr(bad.says));
    const std::string said = result.err.substr(0, result.err.find("note: "));
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << result.err;
    if (bad.exit_code != 0) {
      EXPECT_EQ(said, result.err);
    }
  }
}

}  // namespace
}  // namespace llmsweep
