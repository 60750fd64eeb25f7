#include "llmsweep/simulator/simulator.h"

#include <fmt/format.h>

#include <boost/system/system_error.hpp>
#include <cstdio>
#include <exception>
#include <thread>

#include "llmsweep/base/error.h"
#include "llmsweep/base/thread.h"
#include "simulator/server.h"
#include "simulator/thread_signals.h"

namespace llmsweep {

struct Simulator::Impl {
  sim::Server server;
  bool tls;
  std::jthread thread;

  Impl(SimulatorProfile profile, const SimulatorOptions& options)
      : server(std::move(profile), options), tls(options.tls) {
    thread = start_thread("simulator", [this] { serve(); });
  }

  // Out of memory, say: the endpoint is gone then, and the sweep finds out as with any other.
  void serve() {
    sim::begin_quiet_thread("simulator");
    try {
      server.run();
    } catch (const std::exception& error) {
      fmt::print(stderr, "warning: the simulated endpoint has ended: {}\n", error.what());
      server.hang_up();
    }
  }
};

Simulator::Simulator(SimulatorProfile profile, SimulatorOptions options) {
  try {
    impl_ = std::make_unique<Impl>(std::move(profile), options);
  } catch (const boost::system::system_error& error) {
    throw MeasurementError(
        {.what = "the simulated endpoint cannot be started: " + error.code().message(),
         .where = {},
         .next = "raise the limits on open files and memory (ulimit -n and -v)"});
  }
}

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
