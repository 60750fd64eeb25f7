#include "llmsweep/dataset/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "llmsweep/base/error.h"
#include "llmsweep/dataset/prompts.h"

namespace llmsweep {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Images : public ::testing::Test {
 protected:
  Images() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Images() override { fs::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  std::string error_of(const std::vector<std::string>& paths) const {
    try {
      read_images(paths);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  const fs::path folder_ =
      fs::path(::testing::TempDir()) / ("images-" + std::to_string(::getpid()));
};

const std::string kPng("\x89PNG\r\n\x1a\n\0rest", 13);

TEST_F(Images, AreDataUrlsOfTheirKind) {
  const auto images =
      read_images({write("a.png", kPng), write("b", "\xff\xd8\xff\xe0"), write("c", "GIF89a"),
                   write("d", "RIFF1234WEBPVP8"), write("e", "BM1")});
  ASSERT_EQ(images.size(), 5u);
  EXPECT_EQ(*images[0], "data:image/png;base64,iVBORw0KGgoAcmVzdA==");
  EXPECT_EQ(*images[1], "data:image/jpeg;base64,/9j/4A==");
  EXPECT_THAT(*images[2], HasSubstr("data:image/gif;"));
  EXPECT_THAT(*images[3], HasSubstr("data:image/webp;"));
  EXPECT_THAT(*images[4], HasSubstr("data:image/bmp;"));
}

TEST_F(Images, OfAFolderComeByName) {
  write("b.PNG", kPng + "b");
  write("a.jpg", kPng + "a");
  write("notes.txt", "no image");
  const auto images = read_images({folder_});
  ASSERT_EQ(images.size(), 2u);
  EXPECT_EQ(*images[0], *read_images({folder_ / "a.jpg"}).front());
}

TEST_F(Images, ThatAreNoneAreRefused) {
  EXPECT_THAT(error_of({write("a.png", "<svg/>")}), HasSubstr("is no PNG, JPEG, WebP, GIF or BMP"));
  EXPECT_THAT(error_of({write("empty.png", "")}), HasSubstr("empty.png"));
  EXPECT_THAT(error_of({folder_ / "missing.png"}), HasSubstr("missing.png"));
  fs::create_directory(folder_ / "none");
  EXPECT_THAT(error_of({folder_ / "none"}), HasSubstr("the folder holds no image"));
}

TEST_F(Images, ArePartOfAPromptAndOfItsFingerprint) {
  PromptPlan plan{.workload = {.input_tokens = TokenCount{.fixed = 20}}, .needs = {{.count = 40}}};
  const PromptSet without = build_prompts(plan);
  plan.workload.images = {
      .files = {write("1.png", kPng + "1"), write("2.png", kPng + "2"), write("3.png", kPng + "3")},
      .per_request = 2};
  const PromptSet with = build_prompts(plan);
  EXPECT_NE(with.sha256, without.sha256);
  EXPECT_EQ(with.sha256, build_prompts(plan).sha256);
  std::set<std::string> first;
  for (size_t i = 0; i < with.prompts.size(); ++i) {
    const Prompt& prompt = with.prompts[i];
    EXPECT_EQ(prompt.text, without.prompts[i].text);
    EXPECT_EQ(prompt.planned_input_tokens, 0);
    ASSERT_EQ(prompt.images.size(), 2u);
    EXPECT_NE(*prompt.images[0], *prompt.images[1]);
    first.insert(*prompt.images[0]);
  }
  EXPECT_EQ(first.size(), 3u);
}

}  // namespace
}  // namespace llmsweep
