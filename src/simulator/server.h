// The endpoint itself: accepts connections, routes requests, runs the engine at its absolute
// deadlines, and hands what it does to the responses. One thread, its caller's.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "llmsweep/simulator/engine.h"
#include "llmsweep/simulator/simulator.h"
#include "simulator/connection.h"
#include "simulator/pages.h"
#include "simulator/served_response.h"
#include "simulator/tls.h"
#include "simulator/truth_log.h"

namespace llmsweep::sim {

class Server final : public ConnectionOwner {
 public:
  // Binds and listens; throws Error.
  Server(SimulatorProfile profile, SimulatorOptions options);

  uint16_t port() const { return port_; }
  void run();      // until stop()
  void hang_up();  // on the thread of run(), where that threw: nobody is served any more
  void stop();     // from any thread

 private:
  struct Served {
    std::shared_ptr<Response> response;
    uint64_t connection = 0;
    int64_t planned_output = 0;
  };

  void on_request(Connection& connection, ReceivedRequest request) override;
  void on_unreadable(Connection& connection, int status) override;
  void on_closed(Connection& connection) override;

  void open_listener(uint16_t port);
  void accept();
  void refuse_for(Duration span);
  void generate(Connection& connection, const ReceivedRequest& request, const Api& api);
  // True where the fault leaves nothing to serve.
  bool inject_at_arrival(Connection& connection, const ReceivedRequest& request, const Fault& fault,
                         TruthRecord& truth);
  std::optional<ApiFailure> unacceptable(const ApiRequest& request, int64_t output_tokens) const;
  void admit(Connection& connection, const ReceivedRequest& request, const ApiRequest& wanted,
             const Fault* fault, TruthRecord truth);
  void answer(Connection& connection, const ReceivedRequest& request, HeadOptions head,
              std::string_view body);
  void fail(Connection& connection, const ReceivedRequest& request, const ApiFailure& failure,
            std::optional<int> retry_after_s = {});
  const Fault* choose_fault(int64_t number) const;
  std::string response_id(const Api& api, int64_t number) const;

  void pump();
  void pump_soon();
  void apply(const EngineEvent& event);
  void arm();
  void on_ended(uint64_t id);
  void log(TruthRecord truth);
  int64_t unix_seconds() const;

  SimulatorProfile profile_;
  SimulatorOptions options_;
  SteadyClock clock_;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer engine_timer_{io_};
  boost::asio::steady_timer refusal_timer_{io_};
  uint16_t port_ = 0;
  TlsContext tls_{nullptr, &SSL_CTX_free};
  std::unique_ptr<TruthLog> truth_log_;
  Engine engine_;
  std::optional<Instant> armed_for_;
  std::vector<EngineEvent> events_;  // reused
  std::vector<uint64_t> admitted_;   // and not yet begun to be answered
  bool pumping_soon_ = false;
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> connections_;
  std::unordered_map<uint64_t, Served> serving_;
  ServerTotals totals_;
  uint64_t last_connection_ = 0;
  int64_t requests_ = 0;
  Duration realtime_offset_{};
  int64_t started_ = unix_seconds();  // by clock_ and realtime_offset_
};

}  // namespace llmsweep::sim
