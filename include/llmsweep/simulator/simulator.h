// The embedded endpoint: an OpenAI-compatible server whose timing follows a model of an inference
// engine, so that everything works on a laptop and the harness can be held against a known truth.
//
// Includes only base/, and writes its own wire bytes, so that a mistake shared with protocol/
// cannot cancel out.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "llmsweep/simulator/profile.h"

namespace llmsweep {

struct SimulatorOptions {
  uint16_t port = 0;                  // 0: any free port of 127.0.0.1
  std::filesystem::path truth_log;    // empty: none
  bool signs_of_life = false;         // in that log, for it dies with its client
  bool hash_bodies = false;           // in that log: the SHA-256 of each request's body
  std::string api_key;                // empty: none asked for
  bool tls = false;                   // with a self-signed certificate made at start
  std::filesystem::path certificate;  // where that certificate is written (PEM); empty: nowhere
};

// Serves from its own thread, named `simulator`, from construction to destruction. Any thread may
// call the members. Throws Error where the port cannot be bound or a file not be written.
class Simulator {
 public:
  explicit Simulator(SimulatorProfile profile, SimulatorOptions options = {});
  ~Simulator();
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  uint16_t port() const;
  std::string base_url() const;  // "http://127.0.0.1:PORT/v1", "https:…" with TLS
  // Closes every connection, ends the thread and completes the truth log; idempotent.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmsweep
