// Answers in one piece, with the faults of those that are never a stream.
#include "simulator/served_response.h"

#include <string>
#include <utility>

namespace llmsweep::sim {

void Response::send_plain(const EngineEvent& event) {
  std::string reasoning;
  std::string answer;
  if (generates_) {
    next_text(reasoning_tokens_, true, reasoning);
    next_text(given_ - worded_, true, answer);
  }
  std::string body =
      writer_->plain({.text = reasoning}, {.text = answer}, finish_reason_, progress());
  if (inject_into_results(event, body)) return;
  out_ =
      response_head({.content_length = body.size(), .keep_alive = keep_alive_}, profile_.dialect) +
      body;
  truth_.finish_reason = writer_->spelt(finish_reason_);
  id_sent_ = head_sent_ = true;
  note_chunk(SteadyClock().now(), event);
  write(out_);
  finish();
}

bool Response::inject_into_results(const EngineEvent& event, std::string& body) {
  if (generates_) return false;
  const bool strikes = fault_ != nullptr && truth_.fault.empty();
  if (strikes && faulty(FaultKind::kStall)) {
    truth_.fault = name_of(fault_->kind);
    stall_.expires_after(fault_->duration);
    stall_.async_wait([weak = weak_from_this(), event](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (error || !self || self->over_) return;
      self->not_before_ = SteadyClock().now();
      self->send_plain(event);
    });
    return true;
  }
  if (strikes && faulty(FaultKind::kTruncate)) {
    truth_.fault = name_of(fault_->kind);
    id_sent_ = head_sent_ = true;
    write(response_head({.content_length = body.size(), .keep_alive = keep_alive_},
                        profile_.dialect) +
          body.substr(0, body.size() / 2));
    connection_->close();
    finish();
    return true;
  }
  if (strikes && faulty(FaultKind::kMalformedJson)) {
    truth_.fault = name_of(fault_->kind);
    body.resize(body.size() * 2 / 3);
  } else if (strikes && faulty(FaultKind::kErrorEvent)) {
    truth_.fault = name_of(fault_->kind);
    body = error_body({.status = 500,
                       .message = "the engine has failed (injected)",
                       .type = "InternalServerError"},
                      profile_.dialect);
  } else {
    truth_.results = results_ - (faulty(FaultKind::kMissingResult) ? 1 : 0);
  }
  return false;
}

}  // namespace llmsweep::sim
