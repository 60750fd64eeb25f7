#include "http/curl_handle.h"

#include <cstring>

#include "llmsweep/base/text.h"

namespace llmsweep::http {
namespace {

std::string system_text(int os_error) {
  return os_error != 0 ? std::string(": ") + std::strerror(os_error) : std::string();
}

}  // namespace

std::string failure_text(CURLcode code, const FailureContext& context) {
  std::string peer(context.target);
  if (!context.address.empty() && context.address != context.target) {
    peer += " (" + std::string(context.address) + ")";
  }
  const std::string detail =
      context.detail.empty() ? std::string(curl_easy_strerror(code)) : printable(context.detail);
  switch (static_cast<int>(code)) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "the name of " + std::string(context.target) + " does not resolve";
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "the name of the proxy for " + peer + " does not resolve";
    case CURLE_COULDNT_CONNECT:
      return "cannot connect to " + peer + system_text(context.os_error);
    case CURLE_OPERATION_TIMEDOUT:
      if (context.handshaking) {
        return "no TLS handshake with " + peer + " within " +
               format_duration(context.connect_timeout) + " (endpoint.connect_timeout)";
      }
      if (!context.connected) {
        return "no connection to " + peer + " within " + format_duration(context.connect_timeout) +
               " (endpoint.connect_timeout)";
      }
      return "no complete answer from " + peer +
             (context.timeout.count() > 0 ? " within " + format_duration(context.timeout)
                                          : std::string(" in time"));
    case CURLE_GOT_NOTHING:
      return peer + " closed the connection without answering";
    case CURLE_SEND_ERROR:
      return "sending to " + peer + " failed" + system_text(context.os_error);
    case CURLE_RECV_ERROR:
      if (detail.find("chunked-encoding") != std::string::npos) {
        return "the answer of " + peer + " is not HTTP: " + detail;
      }
      return "the connection to " + peer + " broke while receiving" +
             (context.os_error != 0 ? system_text(context.os_error) : ": " + detail);
    case CURLE_PARTIAL_FILE:
      return peer + " closed the connection in the middle of the answer: " + detail;
    case CURLE_PEER_FAILED_VERIFICATION:
      return "the TLS certificate of " + peer + " is not accepted: " + detail;
    case CURLE_SSL_CACERT_BADFILE:
      return "the CA file cannot be used: " + detail;
    case CURLE_SSL_CONNECT_ERROR:
      return "the TLS handshake with " + peer + " failed: " + detail;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return "the answer of " + peer + " is not HTTP: " + detail;
    case CURLE_OUT_OF_MEMORY:
      // libcurl reports its own limit of a header line (100 kB) this way.
      if (!context.answered && context.connected) {
        return "a header line of the answer of " + peer + " is too long";
      }
      return "out of memory while talking to " + peer;
    default:
      return "the request to " + peer + " failed: " + detail;
  }
}

}  // namespace llmsweep::http
