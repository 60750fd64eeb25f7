// Runs a test program in a folder of its own, which is gone behind it: tests run beside each other,
// and what two of them write under one name must not be one file. And under a locale of UTF-8,
// whatever the machine's is: llmsweep writes ASCII where the terminal takes no more.

#include <gmock/gmock.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  std::string folder = (std::filesystem::temp_directory_path() / "llmsweep-test-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    std::perror(folder.c_str());
    return 1;
  }
  ::setenv("TEST_TMPDIR", folder.c_str(), 1);  // GoogleTest's
  ::setenv("TMPDIR", folder.c_str(), 1);       // everybody else's
  ::setenv("LC_ALL", "C.UTF-8", 1);
  const int failed = RUN_ALL_TESTS();
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return failed;
}
