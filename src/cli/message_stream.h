// Standard error for messages that nobody has to read: a reader that has stalled (a full pipe, a
// terminal that was stopped with Ctrl-S) loses text instead of stopping the measurement.
#pragma once

#include <array>
#include <ostream>
#include <streambuf>

namespace llmsweep {

// Writes to a descriptor. Waits 250 ms once for a reader that takes nothing, and drops what comes
// until it takes something again. One thread.
class MessageBuffer final : public std::streambuf {
 public:
  explicit MessageBuffer(int fd);

 protected:
  int_type overflow(int_type character) override;
  int sync() override;

 private:
  void write_or_drop(const char* bytes, size_t size);

  int fd_;
  bool stalled_ = false;
  std::array<char, 4096> bytes_;
};

// While it lives, `stream` writes through a MessageBuffer.
class MessageStream {
 public:
  MessageStream(std::ostream& stream, int fd) : buffer_(fd), stream_(stream) {
    before_ = stream_.rdbuf(&buffer_);
  }
  ~MessageStream() {
    stream_.flush();
    stream_.rdbuf(before_);
  }
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;

 private:
  MessageBuffer buffer_;
  std::ostream& stream_;
  std::streambuf* before_;
};

}  // namespace llmsweep
