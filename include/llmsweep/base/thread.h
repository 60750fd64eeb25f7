// Threads that have a name, are joined when their owner goes, and are an error where the system has
// no room for one more.
#pragma once

#include <functional>
#include <thread>

namespace llmsweep {

// Starts `body` on a thread called `name` (at most 15 bytes). The owner tells it to end before the
// returned object goes, which waits for it. Throws MeasurementError with the remedy where the
// system's limits leave no room: nothing was started then.
std::jthread start_thread(const char* name, std::function<void()> body);

// Asks the scheduler to run the calling thread sooner after each wake: a slice of 0.1 ms in place
// of its default of some milliseconds, which EEVDF takes for an earlier deadline (Linux 6.12 and
// later). Its share of the CPU, its policy and its niceness stay. Older kernels take no notice, and
// where the call is refused, or the thread has another policy, nothing happens.
void wake_early();

}  // namespace llmsweep
