// The GPUs of this machine by NVIDIA's own library, as a page of metrics.
//
// libnvidia-ml.so.1 comes with the driver and is opened at run time: nothing is linked, and a
// machine without it only lacks this page. Functions and units: NVIDIA's NVML API reference. A
// value that a GPU does not have is not on the page. All GPUs of the machine are read, whichever of
// them serve.
#pragma once

#include <memory>
#include <string>

namespace llmsweep {

class Nvml {
 public:
  // Opens the library, by the system's search where `library` has no slash. Does not throw.
  explicit Nvml(const std::string& library = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // Why there is none; empty: it is there.
  const std::string& error() const { return error_; }
  // Names of server_metrics.cc. Empty where there is no library or no GPU. Any thread; a few ms
  // a GPU (3 ms for two of its values on an H200).
  std::string page() const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
  std::string error_;
};

}  // namespace llmsweep
