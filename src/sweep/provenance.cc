#include "sweep/provenance.h"

#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <string_view>
#include <thread>

#include "llmsweep/http/make_client.h"

namespace llmsweep {

void describe_host(Provenance& provenance) {
  utsname system{};
  if (uname(&system) == 0) {
    provenance.host = system.nodename;
    provenance.kernel = std::string(system.sysname) + " " + system.release;
  }
  std::ifstream boot("/proc/sys/kernel/random/boot_id");
  std::getline(boot, provenance.boot_id);
  provenance.cores = static_cast<int>(std::thread::hardware_concurrency());
  provenance.libcurl = libcurl_version();
}

bool is_simulator(const Provenance& provenance) {
  constexpr std::string_view kName = "llmsweep-simulator";
  const auto& headers = provenance.server_headers;
  const bool in_header = std::any_of(headers.begin(), headers.end(), [kName](const auto& header) {
    return header.second.starts_with(kName);
  });
  return in_header || provenance.models_json.find(kName) != std::string::npos;
}

}  // namespace llmsweep
