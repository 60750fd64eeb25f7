// A resolver that does not answer: this program's getaddrinfo stands before the system's.

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include "llmsweep/http/make_client.h"

namespace {

constexpr const char* kSilent = "silent.invalid";

// Shared with a thread that the resolver leaves behind.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;  // guarded by mutex
};
Gate& gate() {
  static auto* const one = new Gate;  // never destroyed: the thread may outlive the test
  return *one;
}

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** list) {
  if (host != nullptr && std::string(host) == kSilent &&
      (hints == nullptr || (hints->ai_flags & AI_NUMERICHOST) == 0)) {
    std::unique_lock lock(gate().mutex);
    gate().changed.wait(lock, [] { return gate().open; });
    return EAI_AGAIN;
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto system = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return system(host, service, hints, list);
}

namespace llmsweep {
namespace {

// Holds the resolver's threads while it lives.
class SilentResolver {
 public:
  SilentResolver() { set(false); }
  ~SilentResolver() { set(true); }

 private:
  static void set(bool open) {
    const std::lock_guard lock(gate().mutex);
    gate().open = open;
    gate().changed.notify_all();
  }
};

TEST(ResolveEndpoint, WaitsForANameNoLongerThanItIsTold) {
  const SilentResolver silent;
  const ResolvedEndpoint endpoint =
      resolve_endpoint(std::string("http://") + kSilent + ":80/v1", std::chrono::milliseconds(50));
  EXPECT_EQ(endpoint.error, "the name of silent.invalid:80 does not resolve within 50ms");
  EXPECT_EQ(endpoint.address, "");
}

TEST(HttpExchange, WaitsForTheNameOfAProxyNoLongerThanItIsTold) {
  const SilentResolver silent;
  ::setenv("http_proxy", (std::string("http://") + kSilent + ":3128").c_str(), 1);
  const HttpAnswer answer = http_exchange({.url = "http://any.invalid/v1/models",
                                           .connect_timeout = std::chrono::milliseconds(50),
                                           .use_proxy = true});
  ::unsetenv("http_proxy");
  EXPECT_TRUE(answer.timed_out) << answer.error;
}

TEST(ResolveEndpoint, AsksNobodyForANumber) {
  const ResolvedEndpoint endpoint =
      resolve_endpoint("http://127.0.0.1:9/v1", std::chrono::milliseconds(0));
  EXPECT_EQ(endpoint.error, "");
  EXPECT_EQ(endpoint.address, "127.0.0.1:9");
}

}  // namespace
}  // namespace llmsweep
