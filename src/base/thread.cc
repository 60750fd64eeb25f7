#include "llmsweep/base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
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

namespace {

// The kernel's struct sched_attr in its first version, of which not every libc has a declaration.
struct SchedulerRequest {
  uint32_t size = sizeof(SchedulerRequest);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;  // of an ordinary thread: its slice
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};
static_assert(sizeof(SchedulerRequest) == 48);

constexpr uint64_t kShortSlice = 100'000;  // ns: the least that the kernel takes

}  // namespace

void wake_early() {
  SchedulerRequest request;
  if (syscall(SYS_sched_getattr, 0, &request, sizeof request, 0) != 0) return;
  if (request.policy != SCHED_OTHER) return;
  request.size = sizeof request;
  request.runtime_ns = kShortSlice;
  syscall(SYS_sched_setattr, 0, &request, 0);
}

}  // namespace llmsweep
