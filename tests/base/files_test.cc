#include "llmsweep/base/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

class OddFiles : public ::testing::Test {
 protected:
  OddFiles() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) /
              ("llmsweep-odd-" + std::to_string(::getpid()) + test->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~OddFiles() override { fs::remove_all(folder_); }

  fs::path fifo() const {
    const fs::path path = folder_ / "fifo";
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    return path;
  }
  fs::path link_to(const fs::path& target) const {
    fs::create_symlink(target, folder_ / "link");
    return folder_ / "link";
  }

  template <class Function>
  static std::string error_of(const Function& function) {
    try {
      function();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  static std::string write_error(const fs::path& path) {
    return error_of([&] { write_file_atomically(path, "x"); });
  }
  static std::string read_error(const fs::path& path) {
    return error_of([&] { read_file(path); });
  }

  fs::path folder_;
};

TEST_F(OddFiles, AFifoThatIsReadIsWrittenInto) {
  const fs::path path = fifo();
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  write_file_atomically(path, "verdict");
  char bytes[16] = {};
  EXPECT_EQ(::read(reader, bytes, sizeof bytes), 7);
  EXPECT_STREQ(bytes, "verdict");
  EXPECT_TRUE(fs::is_fifo(path));
  ::close(reader);
}

TEST_F(OddFiles, AFifoThatNobodyReadsIsRefusedAtOnce) {
  const fs::path path = fifo();
  EXPECT_THAT(write_error(path), HasSubstr("a FIFO that nobody reads"));
  EXPECT_THAT(error_of([&] { AppendFile file(path); }), HasSubstr("a FIFO that nobody reads"));
  EXPECT_THAT(read_error(path), HasSubstr("is a FIFO, not a regular file"));
  EXPECT_TRUE(fs::is_fifo(path));
}

TEST_F(OddFiles, ADeviceIsWrittenIntoAndStaysOne) {
  const fs::path path = folder_ / "null";
  if (::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) GTEST_SKIP() << "may not mknod";
  write_file_atomically(path, "x");
  EXPECT_TRUE(fs::is_character_file(path));
  EXPECT_THAT(read_error(path), HasSubstr("is a character device"));
  EXPECT_THAT(write_error("/dev/full"), HasSubstr("No space left on device"));
}

TEST_F(OddFiles, ALinkIsNeitherFollowedNorReplaced) {
  const fs::path target = folder_ / "target";
  std::ofstream(target) << "precious";
  const fs::path path = link_to(target);
  EXPECT_THAT(write_error(path), HasSubstr("it is a symbolic link; name the file"));
  EXPECT_THAT(error_of([&] { AppendFile file(path); }), HasSubstr("it is a symbolic link"));
  EXPECT_EQ(read_file(target), "precious");
  EXPECT_EQ(read_file(path), "precious");  // reading through one harms nobody
  EXPECT_TRUE(fs::is_symlink(path));
}

TEST_F(OddFiles, ALinkToItselfIsAnErrorWithItsReason) {
  const fs::path path = link_to("link");
  EXPECT_THAT(read_error(path), HasSubstr("the link leads back to itself"));
  EXPECT_THAT(write_error(path), HasSubstr("it is a symbolic link"));
}

TEST_F(OddFiles, AFolderIsRefused) {
  EXPECT_THAT(write_error(folder_), HasSubstr("it is a folder; name a file in it"));
  EXPECT_THAT(read_error(folder_), HasSubstr("is a folder"));
  EXPECT_THAT(error_of([&] { AppendFile file(folder_); }), HasSubstr("Is a directory"));
}

TEST_F(OddFiles, ADescriptorThatTheProcessWasStartedWithIsWrittenInto) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);  // without O_CLOEXEC, as a shell hands them down
  const std::string name = "/dev/fd/" + std::to_string(ends[1]);
  write_file_atomically(name, "one ");
  write_file_atomically(link_to("/proc/self/fd/" + std::to_string(ends[1])), "two");
  ::close(ends[1]);
  EXPECT_EQ(read_file("/dev/fd/" + std::to_string(ends[0])), "one two");  // <(…) of a shell
  EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
  ::close(ends[0]);
}

TEST_F(OddFiles, NoPathLeadsIntoADescriptorOfOurs) {
  AppendFile journal(folder_ / "sweep.jsonl");
  journal.append("ours\n");
  for (int fd = 3; fd < 64; ++fd) {
    if ((::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) continue;
    EXPECT_THAT(write_error("/proc/self/fd/" + std::to_string(fd)), HasSubstr("cannot write"));
  }
  EXPECT_EQ(read_file(folder_ / "sweep.jsonl"), "ours\n");
}

TEST_F(OddFiles, AFileThatIsWrittenAgainKeepsItsMode) {
  const fs::path path = folder_ / "private.json";
  std::ofstream(path) << "old";
  ::chmod(path.c_str(), 0600);
  write_file_atomically(path, "new");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(OddFiles, LookingWhetherAFileCanBeWrittenChangesNothing) {
  const fs::path path = folder_ / "gate.json";
  std::ofstream(path) << "the last verdict";
  require_writable(path);
  require_writable(folder_ / "absent.json");
  EXPECT_EQ(read_file(path), "the last verdict");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
  EXPECT_THAT(error_of([&] { require_writable(folder_); }), HasSubstr("it is a folder"));
  EXPECT_THAT(error_of([&] { require_writable(folder_ / "no" / "folder.json"); }),
              HasSubstr("No such file or directory"));
}

TEST_F(OddFiles, AFileOverTheLimitIsRefusedUnread) {
  const fs::path path = folder_ / "sparse";
  std::ofstream(path) << "x";
  fs::resize_file(path, uintmax_t{4} << 30);
  EXPECT_THAT(read_error(path), HasSubstr("larger than the limit"));
}

}  // namespace
}  // namespace llmsweep
