#include "llmsweep/http/ca_bundle.h"

#include <cstdlib>
#include <filesystem>

namespace llmsweep {

std::string find_ca_bundle(const std::function<const char*(const char*)>& get_env,
                           const std::function<bool(const std::string&)>& is_there) {
  for (const char* variable : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    const char* path = get_env(variable);
    if (path != nullptr && *path != '\0') return path;
  }
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    if (is_there(path)) return path;
  }
  return {};
}

std::string system_ca_bundle() {
  return find_ca_bundle([](const char* name) { return std::getenv(name); },
                        [](const std::string& path) {
                          std::error_code ignored;
                          return std::filesystem::is_regular_file(path, ignored);
                        });
}

}  // namespace llmsweep
