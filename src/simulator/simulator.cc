#include "llmsweep/simulator/simulator.h"

#include <fmt/format.h>

#include <thread>

#include "simulator/server.h"
#include "simulator/thread_signals.h"

namespace llmsweep {

struct Simulator::Impl {
  sim::Server server;
  bool tls;
  std::thread thread;

  Impl(SimulatorProfile profile, const SimulatorOptions& options)
      : server(std::move(profile), options), tls(options.tls) {
    thread = std::thread([this] {
      sim::begin_quiet_thread("simulator");
      server.run();
    });
  }
};

Simulator::Simulator(SimulatorProfile profile, SimulatorOptions options)
    : impl_(std::make_unique<Impl>(std::move(profile), options)) {}

Simulator::~Simulator() {
  stop();
}

uint16_t Simulator::port() const {
  return impl_->server.port();
}

std::string Simulator::base_url() const {
  return fmt::format("{}://127.0.0.1:{}/v1", impl_->tls ? "https" : "http", port());
}

void Simulator::stop() {
  if (!impl_->thread.joinable()) return;
  impl_->server.stop();
  impl_->thread.join();
}

}  // namespace llmsweep
