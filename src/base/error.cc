#include "llmsweep/base/error.h"

#include <utility>

namespace llmsweep {
namespace {

std::string render(const ErrorText& text) {
  std::string line = text.where.empty() ? text.what : text.where + ": " + text.what;
  if (!text.next.empty()) line += "; " + text.next;
  return line;
}

}  // namespace

Error::Error(ErrorText text) : std::runtime_error(render(text)), text_(std::move(text)) {}

}  // namespace llmsweep
