#include "cli/png.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/descriptor.h"
#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

constexpr const char* kProgram = "rsvg-convert";

[[noreturn]] void refuse_png(const std::string& why) {
  throw MeasurementError({.what = std::string(kProgram) + " made no PNG: " + why,
                          .where = "--png",
                          .next = "write the figure as SVG: --figure FILE.svg"});
}

// Writes `bytes` to a file without a name, and goes back to its start.
void fill_file(int file, std::string_view bytes) {
  if (file < 0) refuse_png(std::strerror(errno));
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse_png(std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (lseek(file, 0, SEEK_SET) != 0) refuse_png(std::strerror(errno));
}

pid_t start_converter(int input, int output, const std::string& zoom) {
  std::array<std::string, 3> words = {kProgram, "--format=png", "--zoom=" + zoom};
  std::array<char*, 4> argv = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, kProgram, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    throw Error({.what = "a PNG is drawn by rsvg-convert, which is not installed",
                 .where = "--png",
                 .next =
                     "install librsvg2-bin (Debian, Ubuntu), librsvg2-tools (Fedora) or librsvg "
                     "(Alpine, Arch), or write the figure as SVG: --figure FILE.svg"});
  }
  if (error != 0) refuse_png(std::strerror(error));
  return pid;
}

// Everything until the other end closes; nothing more once a minute is over.
bool read_to_end(int fd, std::string& bytes) {
  const SteadyClock clock;
  const Instant deadline = clock.now() + std::chrono::minutes(1);
  std::array<char, 1 << 16> block;
  while (true) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.now()).count();
    if (left <= 0) return false;
    if (poll(&waiting, 1, static_cast<int>(left)) <= 0) continue;
    const ssize_t got = read(fd, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    bytes.append(block.data(), static_cast<size_t>(got));
  }
}

}  // namespace

std::string png_of_svg(const std::string& svg, double zoom) {
  const Descriptor input(memfd_create("figure", MFD_CLOEXEC));
  fill_file(input.get(), svg);
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) refuse_png(std::strerror(errno));
  const Descriptor output(ends[0]);
  pid_t pid = -1;
  {
    const Descriptor written(ends[1]);
    pid = start_converter(input.get(), written.get(), fmt::format("{}", zoom));
  }
  std::string png;
  const bool ended = read_to_end(output.get(), png);
  if (!ended) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) refuse_png("it took longer than a minute");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) refuse_png("it failed");
  if (!png.starts_with("\x89PNG\r\n")) refuse_png("what it wrote is none");
  return png;
}

}  // namespace llmsweep
