#include "llmsweep/base/thread.h"

#include <pthread.h>

#include <string>
#include <system_error>
#include <utility>

#include "llmsweep/base/error.h"

namespace llmsweep {

std::jthread start_thread(const char* name, std::function<void()> body) {
  try {
    std::jthread thread(std::move(body));
    pthread_setname_np(thread.native_handle(), name);
    return thread;
  } catch (const std::system_error& error) {
    throw MeasurementError(
        {.what = std::string("cannot start the thread '") + name + "': " + error.code().message(),
         .where = {},
         .next = "raise the limits on processes and memory (ulimit -u and -v, a container's pids "
                 "and memory), or lower client.threads"});
  }
}

}  // namespace llmsweep
