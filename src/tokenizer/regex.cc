#include "tokenizer/regex.h"

#include <oniguruma.h>

#include <climits>
#include <mutex>

#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

namespace {

const OnigUChar* bytes_of(std::string_view text) {
  return reinterpret_cast<const OnigUChar*>(text.data());
}

std::string message_of(int code, OnigErrorInfo* info) {
  OnigUChar text[ONIG_MAX_ERROR_MESSAGE_LEN];
  int n = onig_error_code_to_str(text, code, info);
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(n)};
}

void start_engine() {
  static std::once_flag once;
  std::call_once(once, [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    onig_initialize(encodings, 1);
  });
}

}  // namespace

struct RegexScratch::Impl {
  OnigRegion* region = onig_region_new();
  OnigMatchParam* limits = onig_new_match_param();
};

RegexScratch::RegexScratch() : impl_(std::make_unique<Impl>()) {
  onig_initialize_match_param(impl_->limits);
  // A run of a million spaces is one match with a million steps back: long, but never quadratic.
  onig_set_retry_limit_in_match_of_match_param(impl_->limits, ULONG_MAX);
}

RegexScratch::~RegexScratch() {
  onig_region_free(impl_->region, 1);
  onig_free_match_param(impl_->limits);
}

struct Regex::Impl {
  regex_t* regex = nullptr;
  std::string where;
  ~Impl() {
    if (regex) onig_free(regex);
  }
};

Regex::Regex(const std::string& pattern, const std::string& where)
    : impl_(std::make_unique<Impl>()) {
  start_engine();
  impl_->where = where;
  OnigErrorInfo info;
  const OnigUChar* begin = bytes_of(pattern);
  int code = onig_new(&impl_->regex, begin, begin + pattern.size(), ONIG_OPTION_NONE,
                      ONIG_ENCODING_UTF8, ONIG_SYNTAX_DEFAULT, &info);
  if (code != ONIG_NORMAL) {
    impl_->regex = nullptr;
    throw Error{{.what = "cannot read the pattern '" + printable(pattern, 80) +
                         "': " + message_of(code, &info),
                 .where = where,
                 .next = "set workload.tokenizer: server, or leave it out for an estimate"}};
  }
}

Regex::~Regex() = default;
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;

bool Regex::search(std::string_view subject, size_t from, RegexScratch& scratch,
                   Match& match) const {
  const OnigUChar* begin = bytes_of(subject);
  const OnigUChar* end = begin + subject.size();
  OnigRegion* region = scratch.impl_->region;
  int at = onig_search_with_param(impl_->regex, begin, end, begin + from, end, region,
                                  ONIG_OPTION_NONE, scratch.impl_->limits);
  if (at == ONIG_MISMATCH) return false;
  if (at < 0) {
    throw Error{{.what = "the pattern failed on a text of " + std::to_string(subject.size()) +
                         " bytes: " + message_of(at, nullptr),
                 .where = impl_->where,
                 .next = "set workload.tokenizer: server"}};
  }
  match = {.begin = static_cast<size_t>(region->beg[0]),
           .end = static_cast<size_t>(region->end[0])};
  return true;
}

}  // namespace llmsweep
