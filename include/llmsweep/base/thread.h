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

}  // namespace llmsweep
