#include "llmsweep/base/receive_stamp.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <sys/socket.h>

#include <cstring>

namespace llmsweep {
namespace {

std::optional<Duration> stamp_of(msghdr& message) {
  for (cmsghdr* item = CMSG_FIRSTHDR(&message); item != nullptr;
       item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPING) continue;
    scm_timestamping stamps{};
    std::memcpy(&stamps, CMSG_DATA(item), sizeof(stamps));
    const int64_t ns = stamps.ts[0].tv_sec * 1'000'000'000 + stamps.ts[0].tv_nsec;
    if (ns != 0) return Duration(ns);
  }
  return std::nullopt;
}

}  // namespace

bool enable_receive_stamps(int fd) {
  const int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof(flags)) == 0;
}

StampedReceive receive_stamped(int fd, char* data, size_t size, int flags) {
  StampedReceive result = receive_stamped(fd, data, size, flags, Duration(0));
  if (result.arrived) *result.arrived -= realtime_minus_monotonic();
  return result;
}

StampedReceive receive_stamped(int fd, char* data, size_t size, int flags,
                               Duration realtime_offset) {
  iovec part{.iov_base = data, .iov_len = size};
  alignas(cmsghdr) char control[128];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  StampedReceive result{.bytes = recvmsg(fd, &message, flags)};
  if (result.bytes <= 0) return result;
  if (const auto real = stamp_of(message)) result.arrived = Instant(*real - realtime_offset);
  return result;
}

}  // namespace llmsweep
