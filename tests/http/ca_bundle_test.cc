#include "llmsweep/http/ca_bundle.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace llmsweep {
namespace {

std::string found(const std::map<std::string, std::string>& environment,
                  const std::set<std::string>& files) {
  return find_ca_bundle(
      [&](const char* name) {
        const auto value = environment.find(name);
        return value == environment.end() ? nullptr : value->second.c_str();
      },
      [&](const std::string& path) { return files.count(path) == 1; });
}

TEST(CaBundle, WhatTheUserNamesComesFirst) {
  const std::set<std::string> debian = {"/etc/ssl/certs/ca-certificates.crt"};
  EXPECT_EQ(found({{"SSL_CERT_FILE", "/a.pem"}, {"CURL_CA_BUNDLE", "/b.pem"}}, debian), "/a.pem");
  EXPECT_EQ(found({{"SSL_CERT_FILE", ""}, {"CURL_CA_BUNDLE", "/b.pem"}}, debian), "/b.pem");
}

TEST(CaBundle, EachDistributionHasItsPlace) {
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    EXPECT_EQ(found({}, {path}), path);
  }
  EXPECT_EQ(found({}, {"/etc/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt"}),
            "/etc/ssl/certs/ca-certificates.crt");
  EXPECT_EQ(found({}, {}), "");
}

}  // namespace
}  // namespace llmsweep
