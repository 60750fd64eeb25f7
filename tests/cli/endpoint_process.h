// `llmsweep simulate` as a process of its own, with its log of what it really sent.
#pragma once

#include <signal.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/process.h"
#include "llmsweep/base/files.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {

class EndpointProcess {
 public:
  // `folder` is its own; `profile` is YAML.
  EndpointProcess(const std::filesystem::path& folder, const std::string& profile,
                  const std::vector<std::string>& more = {})
      : log_(folder / "truth.jsonl"), process_(words(folder, profile, more), folder) {
    const auto listens = [this] { return process_.out_so_far().find('\n') != std::string::npos; };
    if (!eventually(listens)) throw std::runtime_error("the simulator does not start");
    url_ = process_.out_so_far();
    url_.resize(url_.find('\n'));
  }

  const std::filesystem::path& log() const { return log_; }
  const std::string& url() const { return url_; }
  // Ends it, which completes the log.
  std::vector<TruthRecord> truth() {
    process_.signal(SIGINT);
    process_.wait();
    return read_truth_log(log_);
  }

 private:
  std::vector<std::string> words(const std::filesystem::path& folder, const std::string& profile,
                                 const std::vector<std::string>& more) {
    std::filesystem::create_directories(folder);
    write_file_atomically(folder / "profile.yaml", profile);
    std::vector<std::string> all = {
        LLMSWEEP_BINARY, "simulate", folder / "profile.yaml", "--port", "0", "--log", log_};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  std::filesystem::path log_;
  Process process_;
  std::string url_;
};

}  // namespace llmsweep
