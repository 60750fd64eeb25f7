#include "cli/prepare_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

#include "llmsweep/cli/cli.h"

namespace llmsweep {
namespace {

void say(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;  // nobody to tell
}

// Nothing here may need memory.
[[noreturn]] void exit_instead_of_abort() {
  try {
    if (const std::exception_ptr current = std::current_exception()) {
      std::rethrow_exception(current);
    }
    say("llmsweep: ended in the middle; this is a bug in llmsweep, please report it\n");
  } catch (const std::bad_alloc&) {
    say("llmsweep: out of memory; what was measured is on disk: give it more and --resume\n");
  } catch (...) {
    say("llmsweep: ended by an exception; this is a bug in llmsweep, please report it\n");
  }
  std::_Exit(kExitMeasurementFailed);
}

}  // namespace

void prepare_process() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is this one: those below it are open.
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0) break;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  std::set_terminate(exit_instead_of_abort);
}

}  // namespace llmsweep
