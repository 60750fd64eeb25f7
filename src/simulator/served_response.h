// One answer of the endpoint: turns what the engine does into bytes, injects its fault, and keeps
// the truth about what was sent. Belongs to the server's thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llmsweep/simulator/engine.h"
#include "llmsweep/simulator/truth.h"
#include "simulator/connection.h"
#include "simulator/served_api.h"

namespace llmsweep::sim {

struct ResponseSetup {
  uint64_t id = 0;  // of the engine's request
  std::shared_ptr<Connection> connection;
  bool keep_alive = true;
  bool http_1_0 = false;
  uint64_t seed = 0;
  int64_t output_tokens = 1;  // that the engine will give
  std::string finish_reason = "length";
  const Fault* fault = nullptr;  // into the profile
  int64_t created = 0;
  TruthRecord truth;
};

class Response : public std::enable_shared_from_this<Response> {
 public:
  // `ended(id)` is called once, from the event loop, after the last byte or the loss of the
  // connection. `profile` and `io` outlive the response.
  Response(boost::asio::io_context& io, const SimulatorProfile& profile, const ApiRequest& request,
           const ResponseSetup& setup, std::function<void(uint64_t)> ended);

  void begin();  // the request was accepted
  void prefill_started(const EngineEvent& event);
  void tokens(const EngineEvent& event);
  void connection_lost();
  void abandon();  // the endpoint ends

  bool over() const { return over_; }
  bool generates() const { return generates_; }
  const TruthRecord& truth() const { return truth_; }
  TruthRecord take_truth() { return std::move(truth_); }  // once it is over
  Instant first_token_at() const { return first_at_; }    // by the engine; epoch: none yet
  Instant last_token_at() const { return last_at_; }

 private:
  void handle(const EngineEvent& event);
  // True where the fault ended the answer, or holds it up.
  bool inject_before_chunk(const EngineEvent& event);
  void stall(const EngineEvent& event);
  void go_on(const EngineEvent& event);  // after a stall, with the chunk it held up
  void send_chunk(const EngineEvent& event);
  void send_malformed();
  void send_tail(std::string_view finish);
  void send_plain(const EngineEvent& event);
  // Of an API that generates none. True where the fault ended the answer, or holds it up.
  bool inject_into_results(const EngineEvent& event, std::string& body);
  void append_head(std::string& out);
  void send_head();
  void append_payload(std::string& out) const;  // payload_, framed
  void write(std::string_view bytes);
  void note_chunk(Instant sent, const EngineEvent& event);
  void end_body(std::string& out) const;
  void fall_silent();
  void end_stream();
  void hand_over_buffered();
  void finish();
  void schedule_comment();
  void send_comment();
  // Words of the tokens not yet in a chunk; held-back ones stay behind unless `last`.
  void next_text(int64_t tokens, bool last, std::string& text);
  Progress progress() const;
  bool faulty(FaultKind kind) const { return fault_ != nullptr && fault_->kind == kind; }

  boost::asio::io_context& io_;
  const SimulatorProfile& profile_;
  const WireProfile& wire_;
  uint64_t id_;
  std::shared_ptr<Connection> connection_;
  bool stream_;
  bool generates_;
  int64_t results_;  // to be sent, of an API that generates none
  bool asked_keep_alive_;
  bool keep_alive_;  // as it will be: llama.cpp closes in spite of what it says
  bool http_1_0_;
  uint64_t seed_;
  std::string finish_reason_;
  const Fault* fault_;
  TruthRecord truth_;
  std::unique_ptr<EventWriter> writer_;
  std::function<void(uint64_t)> ended_;
  boost::asio::steady_timer comments_;
  boost::asio::steady_timer stall_;

  bool continuous_usage_ = false;  // every chunk says how many tokens there are, text or not
  bool head_sent_ = false;
  bool id_sent_ = false;
  bool opened_ = false;
  bool done_sent_ = false;
  bool over_ = false;
  bool stalled_ = false;
  Instant not_before_{};  // an own delay that is no lateness
  std::vector<EngineEvent> backlog_;
  int64_t reasoning_tokens_ = 0;
  int64_t given_ = 0;   // tokens the engine gave
  int64_t worded_ = 0;  // of those, put into text
  int64_t steps_ = 0;
  Instant first_at_{};
  Instant last_at_{};
  Duration lateness_sum_{};
  std::string text_, payload_, out_;  // reused
  std::string buffered_;              // all of it, where a proxy holds it back
};

}  // namespace llmsweep::sim
