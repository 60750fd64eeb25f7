// Which certificate authorities HTTPS trusts where a spec names no file. A program that was linked
// on another distribution does not know where this one keeps them.
#pragma once

#include <functional>
#include <string>

namespace llmsweep {

// $SSL_CERT_FILE, else $CURL_CA_BUNDLE, as they stand; else the first that is there of the places
// of Debian and Ubuntu, RHEL and Fedora, SUSE, Alpine. Empty: none, so that libcurl's own default
// holds.
std::string find_ca_bundle(const std::function<const char*(const char*)>& get_env,
                           const std::function<bool(const std::string&)>& is_there);

// Of this process and this machine.
std::string system_ca_bundle();

}  // namespace llmsweep
