#include "cli/message_stream.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace llmsweep {
namespace {

constexpr int kPatienceMs = 250;
// What a pipe that is ready takes without blocking.
constexpr size_t kWithoutBlocking = PIPE_BUF;

}  // namespace

MessageBuffer::MessageBuffer(int fd) : fd_(fd) {
  setp(bytes_.data(), bytes_.data() + bytes_.size());
}

MessageBuffer::int_type MessageBuffer::overflow(int_type character) {
  sync();
  if (!traits_type::eq_int_type(character, traits_type::eof())) {
    sputc(traits_type::to_char_type(character));
  }
  return traits_type::not_eof(character);
}

int MessageBuffer::sync() {
  write_or_drop(pbase(), static_cast<size_t>(pptr() - pbase()));
  setp(bytes_.data(), bytes_.data() + bytes_.size());
  return 0;  // what was dropped is no error: the results are elsewhere
}

void MessageBuffer::write_or_drop(const char* bytes, size_t size) {
  while (size > 0) {
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    const int found = ::poll(&ready, 1, stalled_ ? 0 : kPatienceMs);
    if (found < 0 && errno == EINTR) continue;
    stalled_ = found == 0;
    if (found <= 0) return;
    const ssize_t written = ::write(fd_, bytes, std::min(size, kWithoutBlocking));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) return;
    bytes += written;
    size -= static_cast<size_t>(written);
  }
}

}  // namespace llmsweep
