#include "llmsweep/base/regular_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path fresh_folder() {
  const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  const fs::path path =
      fs::path(testing::TempDir()) / ("llmsweep-" + name + std::to_string(::getpid()));
  fs::remove_all(path);
  fs::create_directories(path);
  return path;
}

fs::path file_with(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

template <class Function>
std::string error_of(const Function& function) {
  try {
    function();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

std::string opening(const fs::path& path) {
  return error_of([&] { const RegularFile file(path); });
}

TEST(RegularFile, RefusesWhatIsNoneWithoutWaitingForIt) {
  const fs::path folder = fresh_folder();
  ::mkfifo((folder / "fifo").c_str(), 0600);
  fs::create_symlink(folder / "loop", folder / "loop");
  fs::create_symlink(folder / "fifo", folder / "to-fifo");
  EXPECT_THAT(opening(folder / "fifo"), HasSubstr("is a FIFO, not a regular file"));
  EXPECT_THAT(opening(folder / "to-fifo"), HasSubstr("is a FIFO"));
  EXPECT_THAT(opening(folder), HasSubstr("is a folder"));
  EXPECT_THAT(opening("/dev/zero"), HasSubstr("is a character device"));
  EXPECT_THAT(opening(folder / "loop"), HasSubstr("Too many levels of symbolic links"));
  EXPECT_THAT(opening(folder / "none"), HasSubstr("No such file"));
  EXPECT_FALSE(there_is(folder / "loop"));
  EXPECT_FALSE(is_folder(folder / "loop"));
  EXPECT_FALSE(is_file(folder / "fifo"));
  EXPECT_TRUE(is_folder(folder));
}

TEST(RegularFile, IsReadFromWhereOneSeeks) {
  RegularFile file(file_with(fresh_folder() / "x", "abcdef"));
  char bytes[8];
  file.seek(4);
  EXPECT_EQ(file.read(bytes, sizeof bytes), 2u);
  EXPECT_EQ(std::string(bytes, 2), "ef");
  EXPECT_EQ(file.read(bytes, sizeof bytes), 0u);
}

TEST(OwnFile, IsAbsentOrRegularAndNoLink) {
  const fs::path folder = fresh_folder();
  const fs::path target = file_with(folder / "target", "PRECIOUS");
  fs::create_symlink(target, folder / "link");
  ::mkfifo((folder / "fifo").c_str(), 0600);
  const auto check = [](const fs::path& path) { return error_of([&] { require_own_file(path); }); };
  EXPECT_EQ(check(folder / "none"), "none");
  EXPECT_EQ(check(target), "none");
  EXPECT_THAT(check(folder / "link"), HasSubstr("is a symbolic link"));
  EXPECT_THAT(check(folder / "fifo"), HasSubstr("is a FIFO"));
  EXPECT_THAT(check(folder), HasSubstr("is a folder"));
}

TEST(LineReader, GivesLinesAndSaysWhetherTheLastIsWhole) {
  LineReader lines(file_with(fresh_folder() / "x", "one\n\nthree\nfo"));
  EXPECT_EQ(lines.next(), "one");
  EXPECT_EQ(lines.next(), "");
  EXPECT_EQ(lines.next(), "three");
  EXPECT_EQ(lines.end(), 11);
  EXPECT_TRUE(lines.whole());
  EXPECT_EQ(lines.next(), "fo");
  EXPECT_EQ(lines.number(), 4);
  EXPECT_FALSE(lines.whole());
  EXPECT_FALSE(lines.next());
  LineReader nothing(file_with(fresh_folder() / "x", ""));
  EXPECT_FALSE(nothing.next());
}

TEST(LineReader, NamesALineWithoutMeasureAndGoesOnAfterIt) {
  const fs::path path = fresh_folder() / "x";
  std::string text = "first\n" + std::string(kMaxLineBytes + 1, 'a') + "\nthird\n";
  LineReader lines(file_with(path, text));
  EXPECT_EQ(lines.next(), "first");
  EXPECT_THAT(error_of([&] { lines.next(); }), HasSubstr("x:2: the line is longer than 16 MiB"));
  EXPECT_EQ(lines.next(), "third");
  EXPECT_EQ(lines.end(), static_cast<int64_t>(text.size()));
  EXPECT_FALSE(lines.next());

  text = std::string(kMaxLineBytes, 'a') + "\n";
  LineReader longest(file_with(path, text));
  EXPECT_EQ(longest.next()->size(), kMaxLineBytes);
  text = std::string(kMaxLineBytes + 1, 'a');
  LineReader endless(file_with(path, text));
  EXPECT_THROW(endless.next(), Error);
  EXPECT_FALSE(endless.next());
}

TEST(LineReader, HasNothingMoreOnceAReadHasFailed) {
  LineReader lines([](char*, size_t) -> size_t { throw Error({.what = "broken"}); }, "x");
  EXPECT_THROW(lines.next(), Error);
  EXPECT_FALSE(lines.next());
}

TEST(WholeLines, EndWhereTheLastNewlineIs) {
  const fs::path path = fresh_folder() / "x";
  EXPECT_EQ(end_of_whole_lines(file_with(path, "")), 0);
  EXPECT_EQ(end_of_whole_lines(file_with(path, "half")), 0);
  EXPECT_EQ(end_of_whole_lines(file_with(path, "one\n")), 4);
  EXPECT_EQ(end_of_whole_lines(file_with(path, "one\nha")), 4);
  EXPECT_EQ(end_of_whole_lines(file_with(path, "one\n" + std::string(200'000, 'a'))), 4);
  fs::resize_file(path, uintmax_t{4} << 30);  // a hole: no newline in 4 GiB
  EXPECT_THAT(error_of([&] { end_of_whole_lines(path); }), HasSubstr("longer than 16 MiB"));
}

}  // namespace
}  // namespace llmsweep
