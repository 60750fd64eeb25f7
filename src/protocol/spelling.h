// Names of members, as servers spell them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
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

// A list of such names. Every member of every chunk is held against some, and hardly any is one:
// most are told apart by their first letter.
template <size_t N>
class Spellings {
 public:
  constexpr explicit Spellings(const std::string_view (&names)[N]) {
    std::copy(std::begin(names), std::end(names), std::begin(names_));
    for (const std::string_view name : names) firsts_ |= bit(name.front());
  }

  constexpr bool has(std::string_view key) const {
    if (key.empty() || (firsts_ & bit(key.front())) == 0) return false;
    return std::any_of(std::begin(names_), std::end(names_),
                       [key](std::string_view name) { return is_spelt(key, name); });
  }

  constexpr const std::string_view* begin() const { return std::begin(names_); }
  constexpr const std::string_view* end() const { return std::end(names_); }

 private:
  // Alike for both cases of a letter; what is no letter may begin any name.
  static constexpr uint32_t bit(char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter ? uint32_t{1} << (c & 31) : ~uint32_t{0};
  }

  std::string_view names_[N];
  uint32_t firsts_ = 0;
};

// Under which failures stand, or their words and codes; what says nothing there is no failure.
inline constexpr Spellings kFailureNames(
    {"error",        "errors",      "err",       "errorcode", "errcode",          "errno",
     "errormsg",     "errmsg",      "exception", "fault",     "errormessage",     "errmessage",
     "errorinfo",    "failure",     "failures",  "failed",    "errordescription", "failurereason",
     "errordetails", "errordetail", "innererror"});
// A code of 0 or 200 beside words is none.
inline constexpr Spellings kCodeNames({"code", "statuscode", "retcode", "returncode", "errcode",
                                       "errorcode", "ret", "resultcode"});
inline constexpr Spellings kWordNames({"message", "msg", "errormessage", "errormsg", "errmsg",
                                       "errmessage", "statusmsg", "retmsg", "resultmsg",
                                       "errordescription", "statusmessage", "faultstring",
                                       "description", "reason", "exception", "detail", "title"});

}  // namespace llmsweep
