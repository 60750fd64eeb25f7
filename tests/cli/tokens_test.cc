// `llmsweep tokens` and `llmsweep prompts`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "cli/process.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {
using nlohmann::json;
using testing::HasSubstr;

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
                        "{\"text\": \"ab\"}\n{\"text\": \"\"}\n{\"text\": \"b\"}\n");
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

}  // namespace
}  // namespace llmsweep
