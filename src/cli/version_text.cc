#include "cli/version_text.h"

#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <oniguruma.h>
#include <simdjson.h>
#include <unistd.h>
#include <utf8proc.h>

#include <CLI/Version.hpp>
#include <boost/version.hpp>
#include <nlohmann/json.hpp>

#include "llmsweep/base/text.h"
#include "llmsweep/base/version.h"
#include "llmsweep/http/ca_bundle.h"
#include "llmsweep/http/make_client.h"
#include "llmsweep/model/names.h"

namespace llmsweep {
namespace {

std::string machine() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "another machine";
#endif
}

std::string standard_library() {
#if defined(_LIBCPP_VERSION)
  return fmt::format("libc++ {}", _LIBCPP_VERSION);
#else
  return fmt::format("libstdc++ {}", __GLIBCXX__);
#endif
}

std::string libraries() {
  return fmt::format(
      "{}, fmt {}.{}.{}, simdjson {}, oniguruma {}, utf8proc {}, nlohmann/json {}.{}.{}, CLI11 {}, "
      "Boost {}.{}.{}",
      libcurl_version(), FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100,
      SIMDJSON_STRINGIFY(SIMDJSON_VERSION), onig_version(), utf8proc_version(),
      NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH,
      CLI11_VERSION, BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
}

}  // namespace

std::string version_text(bool verbose) {
  const std::string first = std::string("llmsweep ") + version();
  if (!verbose) return first;
  const std::string bundle = system_ca_bundle();
  return first + fmt::format(
                     "\n"
                     "target     {} Linux, pages of {} bytes\n"
                     "compiler   {}\n"
                     "runtime    {}, glibc {}\n"
                     "libraries  {}\n"
                     "features   api {}; transport {}; JSON by simdjson's {}\n"
                     "HTTPS      trusts {}",
                     machine(), sysconf(_SC_PAGESIZE), __VERSION__, standard_library(),
                     gnu_get_libc_version(), libraries(), join(all_names<Api>(), ", "),
                     join(all_names<Transport>(), ", "),
                     simdjson::get_active_implementation()->name(),
                     bundle.empty() ? "what OpenSSL was built with" : bundle);
}

}  // namespace llmsweep
