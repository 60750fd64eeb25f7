// When the kernel had the bytes of a TCP socket, however late they are read. Linux, loopback
// included; stamps are CLOCK_REALTIME there and are converted.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>

#include "llmsweep/base/clock.h"

namespace llmsweep {

// Asks the kernel to stamp what this socket receives; one that listens hands that down to what it
// accepts. False where it does not.
bool enable_receive_stamps(int fd);

struct StampedReceive {
  ssize_t bytes = 0;  // as recvmsg returns it, with errno
  // When the last of them arrived; of bytes that were merged while they waited, the newest. None
  // where nothing was received or it is not stamped. A step of the system's clock between arrival
  // and this call is in it: the caller bounds it.
  std::optional<Instant> arrived;
};
// recv() with `flags` of recv().
StampedReceive receive_stamped(int fd, char* data, size_t size, int flags);
// The same for who reads often: with realtime_minus_monotonic() as of a moment ago.
StampedReceive receive_stamped(int fd, char* data, size_t size, int flags,
                               Duration realtime_offset);

}  // namespace llmsweep
