// Names of members, as servers spell them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace llmsweep {

// Whether `key` is `name`, which is in lower case without separators: "errorCode", "error_code",
// "Error-Code" and "ERROR CODE" are all "errorcode".
constexpr bool is_spelt(std::string_view key, std::string_view name) {
  size_t at = 0;
  for (const char c : key) {
    if (c == '_' || c == '-' || c == ' ') continue;
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (at == name.size() || small != name[at]) return false;
    ++at;
  }
  return at == name.size();
}

template <class Names>
constexpr bool is_spelt_as_one_of(std::string_view key, const Names& names) {
  return std::any_of(std::begin(names), std::end(names),
                     [key](std::string_view name) { return is_spelt(key, name); });
}

// Under which failures stand, or their words and codes; what says nothing there is no failure.
inline constexpr std::string_view kFailureNames[] = {
    "error",        "errors",      "err",       "errorcode", "errcode",          "errno",
    "errormsg",     "errmsg",      "exception", "fault",     "errormessage",     "errmessage",
    "errorinfo",    "failure",     "failures",  "failed",    "errordescription", "failurereason",
    "errordetails", "errordetail", "innererror"};
// A code of 0 or 200 beside words is none.
inline constexpr std::string_view kCodeNames[] = {"code",    "statuscode", "retcode", "returncode",
                                                  "errcode", "errorcode",  "ret",     "resultcode"};
inline constexpr std::string_view kWordNames[] = {
    "message",     "msg",    "errormessage", "errormsg",         "errmsg",        "errmessage",
    "statusmsg",   "retmsg", "resultmsg",    "errordescription", "statusmessage", "faultstring",
    "description", "reason", "exception",    "detail",           "title"};

}  // namespace llmsweep
