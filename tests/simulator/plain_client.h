// A blocking HTTP client over a bare socket, for tests of the endpoint: no library of ours or of
// others stands between the test and the bytes.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmsweep::sim {

struct PlainAnswer {
  int status = 0;  // 0: the connection ended before a status line
  std::string head;
  std::string body;       // de-chunked
  bool complete = false;  // the body ended as HTTP says it should
  bool reset = false;     // by the peer
};

class PlainConnection {
 public:
  explicit PlainConnection(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~PlainConnection() { ::close(fd_); }
  PlainConnection(const PlainConnection&) = delete;
  PlainConnection& operator=(const PlainConnection&) = delete;

  bool connected() const { return connected_; }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  // False at the end of the connection.
  bool receive() {
    char buffer[4096];
    ssize_t got = 0;
    do {  // a receive with a time-out is interrupted where the process is stopped and goes on
      got = ::recv(fd_, buffer, sizeof buffer, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && errno == ECONNRESET) reset_ = true;
    if (got <= 0) return false;
    input_.append(buffer, static_cast<size_t>(got));
    reads_.push_back(static_cast<size_t>(got));
    received_.append(buffer, static_cast<size_t>(got));
    return true;
  }
  bool at_end() { return input_.empty() && !receive(); }
  const std::vector<size_t>& reads() const { return reads_; }
  const std::string& received() const { return received_; }
  const std::string& unread() const { return input_; }

  PlainAnswer read_answer() {
    PlainAnswer answer;
    size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) {
        answer.reset = reset_;
        return answer;
      }
    }
    answer.head = input_.substr(0, end + 2);
    input_.erase(0, end + 4);
    std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
    if (answer.status == 100) return read_answer();
    if (answer.head.find("Transfer-Encoding: chunked") != std::string::npos) {
      answer.complete = read_chunks(answer.body);
    } else if (const auto length = content_length(answer.head)) {
      while (input_.size() < *length && receive()) continue;
      answer.body = input_.substr(0, *length);
      answer.complete = answer.body.size() == *length;
      input_.erase(0, *length);
    } else {
      while (receive()) continue;
      answer.body.swap(input_);
      answer.complete = !reset_;
    }
    answer.reset = reset_;
    return answer;
  }

 private:
  static std::optional<size_t> content_length(const std::string& head) {
    const size_t at = head.find("Content-Length: ");
    if (at == std::string::npos) return std::nullopt;
    size_t length = 0;
    std::from_chars(head.data() + at + 16, head.data() + head.size(), length);
    return length;
  }

  bool read_chunks(std::string& body) {
    for (;;) {
      size_t end = 0;
      while ((end = input_.find("\r\n")) == std::string::npos) {
        if (!receive()) return false;
      }
      size_t size = 0;
      std::from_chars(input_.data(), input_.data() + end, size, 16);
      while (input_.size() < end + 2 + size + 2) {
        if (!receive()) {
          body += input_.substr(end + 2);
          return false;
        }
      }
      body += input_.substr(end + 2, size);
      input_.erase(0, end + 2 + size + 2);
      if (size == 0) return true;
    }
  }

  int fd_;
  bool connected_ = false;
  bool reset_ = false;
  std::string input_;
  std::string received_;  // everything, in order; reads_ says how it was cut
  std::vector<size_t> reads_;
};

inline std::string post(std::string_view path, std::string_view body,
                        std::string_view headers = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(headers) + "\r\n" + std::string(body);
}

inline std::string get(std::string_view path, std::string_view headers = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

inline PlainAnswer ask(uint16_t port, const std::string& request) {
  PlainConnection connection(port);
  connection.send(request);
  return connection.read_answer();
}

// The payloads of `data:` lines, one a line, comments and other fields left out.
inline std::vector<std::string> data_lines(const std::string& body) {
  std::vector<std::string> lines;
  size_t begin = 0;
  while (begin < body.size()) {
    size_t end = body.find('\n', begin);
    if (end == std::string::npos) end = body.size();
    std::string line = body.substr(begin, end - begin);
    begin = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (!line.starts_with("data:")) continue;
    line.erase(0, line.starts_with("data: ") ? 6 : 5);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace llmsweep::sim
