// Runs the real binary as a process of its own, so that exit codes, signals and files are real.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace llmsweep {

// A sanitizer maps terabytes: its programs cannot be given a limit on addresses.
inline constexpr bool kMayLimitAddresses = !LLMSWEEP_SANITIZED;

struct ProcessResult {
  int exit_code = -1;  // 128 + signal where a signal ended it
  std::string out;
  std::string err;
};

// One child at a time; killed by the destructor where it still runs.
class Process {
 public:
  // `program` and its arguments; stdout and stderr go to files in `folder`.
  Process(std::vector<std::string> words, std::filesystem::path folder,
          std::vector<std::string> environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  int pid() const { return pid_; }
  void signal(int number) const;
  ProcessResult wait();  // at most 100 s, then SIGKILL
  std::string out_so_far() const;
  std::string err_so_far() const;
  // Whether it has taken every `signal_number` that was sent to it: a second one sent before that
  // would be the same one to it.
  bool has_taken(int signal_number) const;

 private:
  int pid_ = -1;
  std::filesystem::path folder_;
};

// llmsweep with `args`, to its end.
ProcessResult run_llmsweep(const std::vector<std::string>& args);

// An empty folder of the running test's own.
std::filesystem::path test_folder();

// Waits until `condition` holds, at most `seconds`; whether it did.
template <class Condition>
bool eventually(const Condition& condition, double seconds = 90);
void pause_briefly();

template <class Condition>
bool eventually(const Condition& condition, double seconds) {
  for (double waited = 0; waited < seconds; waited += 0.01) {
    if (condition()) return true;
    pause_briefly();
  }
  return condition();
}

}  // namespace llmsweep
