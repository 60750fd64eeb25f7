#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "import/import_folder.h"

namespace llmsweep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string minimal(const std::string& model, int concurrency, int tokens = 100) {
  return R"({"model_id": ")" + model + R"(", "max_concurrency": )" + std::to_string(concurrency) +
         R"(, "duration": 10, "completed": 10, "total_input_tokens": 1000, "total_output_tokens": )" +
         std::to_string(10 * tokens) + R"(, "output_throughput": 3.0, "median_e2el_ms": 5})";
}

TEST(ImportErrors, NameTheFileAndWhatIsWrong) {
  const ImportFolder folder;
  const auto error = [](const std::filesystem::path& path) {
    return error_text([&] { import_results({path}, on_gpus(1)); });
  };
  EXPECT_THAT(error(folder.path() / "none.json"), HasSubstr("none.json"));
  EXPECT_THAT(error(folder.add("empty.json", "")), HasSubstr("empty.json"));
  EXPECT_THAT(error(folder.add("half.json", minimal("m", 8).substr(0, 60))),
              AllOf(HasSubstr("half.json"), HasSubstr("not JSON at line 1, column 6"),
                    HasSubstr("whole"), Not(HasSubstr("exception"))));
  EXPECT_THAT(error(folder.add("half.jsonl", minimal("m", 8) + "\n" + "{\"completed\": ")),
              HasSubstr("half.jsonl:2"));
  EXPECT_THAT(error(folder.add("other.json", "{\"a\": 1}")),
              AllOf(HasSubstr("no known benchmark result"), HasSubstr("GuideLLM")));
  EXPECT_THAT(error(folder.add("list.json", "[1, 2]")), HasSubstr("no known benchmark result"));
  EXPECT_THAT(error(folder.add("text.json", "\"x\"")), HasSubstr("no known benchmark result"));
  EXPECT_THAT(error(folder.add("deep.json", std::string(100'000, '['))), HasSubstr("nesting"));
  EXPECT_THAT(error(folder.add("binary.json", std::string("\x00\xff\xfe{", 4))),
              HasSubstr("not JSON"));
  EXPECT_THAT(error(folder.add("type.json", R"({"completed": "many", "duration": 1,
"output_throughput": 1, "total_output_tokens": 1})")),
              HasSubstr("'completed'"));
  std::filesystem::create_directories(folder.path() / "nothing");
  EXPECT_THAT(error(folder.path() / "nothing"), HasSubstr("no known benchmark result"));
}

TEST(ImportErrors, AskForWhatNoFileSays) {
  const ImportFolder folder;
  const auto file = folder.add("a.json", minimal("m", 8));
  EXPECT_THAT(error_text([&] { import_results({file}); }), HasSubstr("--gpus"));
  std::string open = minimal("m", 8);
  open.replace(open.find("\"max_concurrency\": 8"), 20, "\"max_concurrency\": null");
  EXPECT_THAT(error_text([&] { import_results({folder.add("o.json", open)}, on_gpus(1)); }),
              HasSubstr("--concurrency"));
  EXPECT_THAT(error_text([] { import_results({}); }), HasSubstr("nothing to import"));
}

TEST(ImportErrors, RefuseFilesOfDifferentSweeps) {
  const ImportFolder folder;
  const auto a = folder.add("a.json", minimal("m", 8));
  const auto refusal = [&a](const std::filesystem::path& b) {
    return error_text([&] { import_results({a, b}, on_gpus(1)); });
  };
  EXPECT_THAT(refusal(folder.add("b.json", minimal("n", 8))), HasSubstr("models"));
  EXPECT_THAT(refusal(folder.add("c.json", minimal("m", 8, 200))), HasSubstr("output tokens"));
  std::string gpus = minimal("m", 16);
  gpus.insert(1, "\"num_gpus\": \"8\", ");
  std::string more = minimal("m", 32);
  more.insert(1, "\"num_gpus\": \"4\", ");
  EXPECT_THAT(error_text([&] {
                import_results({folder.add("d.json", gpus), folder.add("e.json", more)});
              }),
              HasSubstr("8 and 4 GPUs"));
  EXPECT_EQ(import_results({a, folder.add("f.json", minimal("m", 16))}, on_gpus(1)).levels.size(),
            2u);
}

TEST(Import, LetsTheUserCorrectWhatAFileSaysOfTheSystem) {
  const ImportFolder folder;
  std::string text = minimal("m", 16);
  text.insert(1, "\"tp\": \"8\", \"gpu_type\": \"H100\", ");
  const auto file = folder.add("a.json", text);
  const SweepResult said = import_results({file});
  EXPECT_EQ(said.system.gpus, 8);
  EXPECT_EQ(said.system.accelerator, "H100");
  const SweepResult stated = import_results(
      {file}, {.name = "n", .system = {.accelerator = "H200", .gpus = 16, .precision = "FP8"}});
  EXPECT_EQ(stated.name, "n");
  EXPECT_EQ(stated.system.gpus, 16);
  EXPECT_EQ(stated.system.accelerator, "H200");
  EXPECT_EQ(stated.system.precision, "FP8");
  EXPECT_EQ(stated.system.tensor_parallel, 8);
}

TEST(ImportErrors, ANegativeFigureIsRefused) {
  const ImportFolder folder;
  for (const char* key : {"output_throughput", "request_throughput", "duration"}) {
    const auto value = [key](const char* name, int positive) {
      return std::string("\"") + name +
             "\": " + (std::string(name) == key ? "-3" : std::to_string(positive));
    };
    const auto file = folder.add(
        "a.json", "{" + value("output_throughput", 100) + ", " + value("request_throughput", 2) +
                      ", " + value("duration", 10) +
                      R"(, "completed": 20, "total_output_tokens": 1000, "max_concurrency": 2})");
    EXPECT_THAT(error_text([&] { import_results({file}, on_gpus(1)); }),
                AllOf(HasSubstr("a.json"), HasSubstr("is negative: -3")));
  }
}

}  // namespace
}  // namespace llmsweep
