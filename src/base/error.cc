#include "llmsweep/base/error.h"

#include <utility>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr size_t kMost = 8192;  // bytes of each part: a list of keys may be long

// A path may hold anything: a line break would begin a line of its own in a log.
std::string render(const ErrorText& text) {
  std::string line = printable(text.what, kMost);
  if (!text.where.empty()) line = printable(text.where, kMost) + ": " + line;
  if (!text.next.empty()) line += "; " + printable(text.next, kMost);
  return line;
}

}  // namespace

Error::Error(ErrorText text) : std::runtime_error(render(text)), text_(std::move(text)) {}

}  // namespace llmsweep
