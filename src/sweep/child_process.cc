#include "sweep/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

constexpr int kPatienceMs = 10'000;

[[noreturn]] void fail(const std::string& what, int error) {
  throw MeasurementError(
      {.what = what + (error != 0 ? std::string(": ") + std::strerror(error) : ""),
       .where = "the simulated endpoint",
       .next = "can this program start processes of its own here?"});
}

// Leaves the child to be waited for. It looks from time to time: kernels before 5.3 have no
// descriptor that says when a process has ended.
bool ends_within(pid_t pid, int patience_ms) {
  constexpr int kPauseMs = 5;
  for (int waited = 0;; waited += kPauseMs) {
    siginfo_t ended{};
    if (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        ended.si_pid == pid) {
      return true;
    }
    if (waited >= patience_ms) return false;
    poll(nullptr, 0, kPauseMs);
  }
}

// In the child, between fork and exec: nothing that takes a lock.
[[noreturn]] void become(char* const* argv, int out, int cpu) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (cpu >= 0) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
  }
  const int nowhere = open("/dev/null", O_RDWR);
  dup2(nowhere, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  execv(argv[0], argv);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& words, int cpu) {
  std::vector<std::string> copies = words;
  std::vector<char*> argv;
  for (std::string& word : copies) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) fail("no pipe", errno);
  pid_ = fork();
  if (pid_ == 0) become(argv.data(), ends[1], cpu);
  const int error = errno;
  close(ends[1]);
  out_ = ends[0];
  if (pid_ < 0) {
    close(out_);
    fail("cannot be started", error);
  }
}

ChildProcess::~ChildProcess() {
  stop();
  close(out_);
}

std::string ChildProcess::first_line(Duration timeout) {
  const SteadyClock clock;
  const Instant deadline = clock.now() + timeout;
  std::string line;
  while (true) {
    pollfd waiting{.fd = out_, .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.now()).count();
    if (left <= 0) fail("did not say in time where it listens", 0);
    if (poll(&waiting, 1, static_cast<int>(left)) <= 0) continue;
    char byte = 0;
    const ssize_t got = read(out_, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail("ended before it listened", 0);
    if (byte == '\n') return line;
    line += byte;
  }
}

void ChildProcess::stop() {
  if (pid_ <= 0) return;
  kill(pid_, SIGINT);
  if (!ends_within(pid_, kPatienceMs)) kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

}  // namespace llmsweep
