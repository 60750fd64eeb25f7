#include "http/drive.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace llmsweep::test {

const TestCertificate& loopback_certificate() {
  static const TestCertificate certificate = make_certificate("localhost", {.and_loopback = true});
  return certificate;
}

std::string loopback_authority() {
  static const std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) /
      ("llmsweep-loopback-" + std::to_string(getpid()) + ".pem");
  static const bool written = [] {
    std::ofstream(path) << loopback_certificate().certificate;
    std::atexit([] { std::filesystem::remove(path); });
    return true;
  }();
  (void)written;
  return path.string();
}

void Driver::poll_until(Instant deadline) {
  client_->poll(deadline, batch_);
  for (const HttpEvent& event : batch_) apply(event);
}

const Seen& Driver::finish(RequestId id) {
  const Instant limit = SteadyClock().now() + std::chrono::seconds(10);
  while (!seen_[id].ended) {
    if (SteadyClock().now() > limit) throw std::runtime_error("the request does not end");
    poll_until(limit);
  }
  return seen_[id];
}

void Driver::apply(const HttpEvent& event) {
  ++count_;
  Seen& seen = seen_[event.id];
  if (seen.ended) throw std::runtime_error("an event after the last one");
  using Kind = HttpEvent::Kind;
  const bool more_bytes =
      event.kind == Kind::kBytes && !seen.kinds.empty() && seen.kinds.back() == Kind::kBytes;
  if (!more_bytes) seen.kinds.push_back(event.kind);
  seen.at.push_back(event.at);
  switch (event.kind) {
    case Kind::kSent:
      ++seen.sent;
      seen.resent += event.resent ? 1 : 0;
      seen.new_connections += event.new_connection ? 1 : 0;
      break;
    case Kind::kHeaders:
      seen.status = event.status;
      seen.headers = event.text;
      break;
    case Kind::kBytes:
      ++seen.deliveries;
      seen.bytes += event.text;
      break;
    case Kind::kEnd:
      seen.ended = true;
      break;
    case Kind::kFailure:
      seen.ended = true;
      seen.failure = event.text;
      seen.timed_out = event.timed_out;
      break;
  }
}

}  // namespace llmsweep::test
