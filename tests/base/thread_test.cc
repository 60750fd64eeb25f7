#include "llmsweep/base/thread.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace llmsweep {
namespace {

// The kernel's struct sched_attr: size, policy; flags; nice, priority; runtime, deadline, period.
struct Scheduling {
  uint32_t policy = 0;
  int32_t nice = 0;
  uint64_t runtime_ns = 0;
};
Scheduling scheduling() {
  std::array<uint32_t, 12> words{};
  Scheduling found;
  if (syscall(SYS_sched_getattr, 0, words.data(), sizeof words, 0) != 0) return found;
  found.policy = words[1];
  found.nice = static_cast<int32_t>(words[4]);
  std::memcpy(&found.runtime_ns, &words[6], sizeof found.runtime_ns);
  return found;
}

// 6.12 -> 612.
int kernel_version() {
  utsname name{};
  int major = 0, minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return 0;
  return 100 * major + minor;
}

TEST(WakeEarly, ShortensTheSliceOfItsThreadAlone) {
  const Scheduling before = scheduling();
  Scheduling inside;
  start_thread("early", [&inside] {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 5);
    wake_early();
    inside = scheduling();
  }).join();
  EXPECT_EQ(inside.policy, static_cast<uint32_t>(SCHED_OTHER));
  EXPECT_EQ(inside.nice, 5) << "it keeps its own";
  EXPECT_EQ(scheduling().runtime_ns, before.runtime_ns) << "of the thread that did not ask";
  if (kernel_version() < 612) GTEST_SKIP() << "a kernel before 6.12 has no slice of a thread";
  if (inside.runtime_ns == 0) GTEST_SKIP() << "this kernel does not say the slice";
  EXPECT_EQ(inside.runtime_ns, 100'000u);
}

}  // namespace
}  // namespace llmsweep
