#include "sweep/provenance.h"

#include <sys/utsname.h>

#include <thread>

#include "llmsweep/http/make_client.h"

namespace llmsweep {

void describe_host(Provenance& provenance) {
  utsname system{};
  if (uname(&system) == 0) {
    provenance.host = system.nodename;
    provenance.kernel = std::string(system.sysname) + " " + system.release;
  }
  provenance.cores = static_cast<int>(std::thread::hardware_concurrency());
  provenance.libcurl = libcurl_version();
}

}  // namespace llmsweep
