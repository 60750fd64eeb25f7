// Sweeps whose prompts carry images, through the real binary: what arrives is the files' bytes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/sha256.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class ImagesRun : public ::testing::Test {
 protected:
  // A beginning that says what it is, and then every byte there is, many times.
  std::string write_image(const std::string& name, size_t bytes, unsigned step) const {
    std::string image("\x89PNG\r\n\x1a\n", 8);
    for (size_t i = 0; image.size() < bytes; ++i) image += static_cast<char>(i * step + i / 251);
    fs::create_directories(folder_ / "pictures");
    write_file_atomically(folder_ / "pictures" / name, image);
    return sha256_hex(image);
  }
  fs::path write_spec(const std::string& images, const std::string& rest = {}) const {
    std::ofstream(folder_ / "spec.yaml")
        << "name: test\nendpoint: {url: \"" << simulator_.base_url() << "\"" << rest
        << "}\nworkload: {input_tokens: 30, output_tokens: 3, images: " << images
        << "}\nload: {concurrency: [3], requests_per_slot: 4, repeats: 1}\n";
    return folder_ / "spec.yaml";
  }

  const fs::path folder_ = test_folder();
  const Simulator simulator_{quick_profile(Dialect::kVllm), {.truth_log = folder_ / "truth.jsonl"}};
};

TEST_F(ImagesRun, SendEveryByteOfTheFiles) {
  const std::set<std::string> files = {write_image("a.png", 40'000, 7),
                                       write_image("b.png", 100'003, 11),
                                       write_image("c.png", 9, 1)};
  const ProcessResult ran =
      run_llmsweep({"run", write_spec("{files: pictures, per_request: 2}"), "--out", folder_});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const ProcessResult verified = run_llmsweep(
      {"verify", folder_ / "test", "--truth", folder_ / "truth.jsonl", "--tolerance", "30s"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
  std::set<std::string> sent;
  int with_images = 0;
  for (const TruthRecord& truth : read_truth_log(folder_ / "truth.jsonl")) {
    if (truth.images.empty()) continue;  // a probe
    ++with_images;
    EXPECT_EQ(truth.images.size(), 2u);
    EXPECT_GT(truth.prompt_tokens, 2 * 256);
    sent.insert(truth.images.begin(), truth.images.end());
  }
  EXPECT_GT(with_images, 15);
  EXPECT_EQ(sent, files);
  RecordReader reader(folder_ / "test" / "requests.jsonl");
  while (const auto record = reader.next()) {
    if (record->outcome == Outcome::kCancelled) continue;  // a filler
    EXPECT_EQ(record->planned_input_tokens, 0);
    EXPECT_GT(record->input_tokens.value_or(0), 2 * 256);
  }
  const json level = json::parse(read_file(folder_ / "test" / "result.json"))["levels"][0];
  EXPECT_GT(level["input_tokens_mean"], 2 * 256);
  EXPECT_THAT(level["warnings"].dump(), Not(HasSubstr("input_estimated")));
  EXPECT_THAT(level["invalid_reasons"].dump(), Not(HasSubstr("input_tokens_off")));
}

TEST_F(ImagesRun, ResumesFromAnotherFolderWithTheSameFilesAlone) {
  write_image("a.png", 100, 3);
  const fs::path spec = write_spec("{files: pictures}");
  ASSERT_EQ(run_llmsweep({"run", spec, "--out", folder_, "--quiet"}).exit_code, 0);
  const std::vector<std::string> resume = {"run", "spec.yaml", "--resume", "test", "--quiet"};
  std::vector<std::string> with_another = resume;
  with_another.insert(with_another.end(), {"--set", "workload.images.files=pictures/a.png"});
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  const ProcessResult resumed = run_llmsweep(resume);
  const ProcessResult refused = run_llmsweep(with_another);
  fs::current_path(before);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_THAT(refused.err, HasSubstr("workload.images.files"));
}

TEST_F(ImagesRun, AreOfChatAlone) {
  write_image("a.png", 100, 3);
  const ProcessResult checked =
      run_llmsweep({"check", write_spec("{files: [pictures/a.png]}", ", api: completions")});
  EXPECT_NE(checked.exit_code, 0);
  EXPECT_THAT(checked.err, HasSubstr("workload.images"));
  EXPECT_THAT(checked.err, HasSubstr("set endpoint.api: chat"));
}

TEST_F(ImagesRun, ThatAreNoneAreRefusedBeforeTheRun) {
  write_image("a.png", 100, 3);
  write_file_atomically(folder_ / "pictures" / "b.png", "<svg/>");
  const ProcessResult ran =
      run_llmsweep({"run", write_spec("{files: pictures}"), "--out", folder_, "--quiet"});
  EXPECT_NE(ran.exit_code, 0);
  EXPECT_THAT(ran.err, HasSubstr("b.png: is no PNG, JPEG, WebP, GIF or BMP"));
}

}  // namespace
}  // namespace llmsweep
