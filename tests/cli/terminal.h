// A program under a pseudo-terminal, as a person at a keyboard has it.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace llmsweep {

// A child whose three streams are one terminal.
class TerminalProcess {
 public:
  TerminalProcess(const std::vector<std::string>& words, uint16_t columns,
                  const std::vector<std::string>& environment) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> variables;
    for (const std::string& entry : environment) {
      variables.push_back(const_cast<char*>(entry.c_str()));
    }
    variables.push_back(nullptr);
    const winsize size{.ws_row = 40, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      execve(arguments[0], arguments.data(), variables.data());
      _exit(127);
    }
  }
  ~TerminalProcess() {
    if (pid_ > 0 && !ended_) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(terminal_);
  }
  TerminalProcess(const TerminalProcess&) = delete;
  TerminalProcess& operator=(const TerminalProcess&) = delete;

  // Reads until `enough` of what has come, the end, or a minute; whether it was enough.
  bool read_until(const std::function<bool(const std::string&)>& enough) {
    for (int waited = 0; waited < 600 && !enough(bytes_); ++waited) {
      pollfd ready{.fd = terminal_, .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, 100) <= 0) continue;
      char buffer[4096];
      const ssize_t count = read(terminal_, buffer, sizeof buffer);
      if (count <= 0) return enough(bytes_);  // EIO: the child is gone
      bytes_.append(buffer, static_cast<size_t>(count));
    }
    return enough(bytes_);
  }
  int wait() {
    read_until([](const std::string&) { return false; });
    int status = 0;
    waitpid(pid_, &status, 0);
    ended_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void type(const std::string& keys) const {
    ASSERT_EQ(write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
  }
  void resize(uint16_t columns) const {
    const winsize size{.ws_row = 40, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ioctl(terminal_, TIOCSWINSZ, &size);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  pid_t pid_ = -1;
  int terminal_ = -1;
  bool ended_ = false;
  std::string bytes_;
};

}  // namespace llmsweep
