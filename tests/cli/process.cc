#include "cli/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Process::Process(std::vector<std::string> words, fs::path folder,
                 std::vector<std::string> environment)
    : folder_(std::move(folder)) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string out = folder_ / "stdout.txt";
  const std::string err = folder_ / "stderr.txt";
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDOUT_FILENO);
  ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDERR_FILENO);
  for (std::string& variable : environment) ::putenv(variable.data());
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void Process::signal(int number) const {
  ::kill(pid_, number);
}

ProcessResult Process::wait() {
  int status = 0;
  const bool ended = eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, 100);
  if (!ended) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status, 0);
  }
  pid_ = -1;
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = out_so_far(),
          .err = err_so_far()};
}

std::string Process::out_so_far() const {
  return slurp(folder_ / "stdout.txt");
}
std::string Process::err_so_far() const {
  return slurp(folder_ / "stderr.txt");
}

bool Process::has_taken(int signal_number) const {
  const std::string status = slurp("/proc/" + std::to_string(pid_) + "/status");
  const std::string key = "\nShdPnd:";
  const size_t at = status.find(key);
  if (at == std::string::npos) return true;
  const auto pending = std::strtoull(status.c_str() + at + key.size(), nullptr, 16);
  return (pending >> (signal_number - 1) & 1) == 0;
}

fs::path test_folder() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const fs::path folder = fs::path(::testing::TempDir()) /
                          ("llmsweep-" + std::to_string(::getpid())) /
                          (std::string(test->test_suite_name()) + "." + test->name());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

ProcessResult run_llmsweep(const std::vector<std::string>& args) {
  std::vector<std::string> words = {LLMSWEEP_BINARY};
  words.insert(words.end(), args.begin(), args.end());
  static int calls = 0;
  const fs::path folder = fs::path(::testing::TempDir()) /
                          ("llmsweep-" + std::to_string(::getpid())) /
                          ("call-" + std::to_string(++calls));
  fs::create_directories(folder);
  return Process(words, folder).wait();
}

void pause_briefly() {
  ::usleep(10'000);
}

}  // namespace llmsweep
