#include "llmsweep/base/json_error.h"

#include "llmsweep/base/text.h"

namespace llmsweep {

std::string json_error_place(std::string_view message) {
  constexpr size_t kPlaceBytes = 60;
  const size_t at = message.find(" at line ");
  if (at == std::string_view::npos) return "";
  return printable(message.substr(at, message.find(':', at) - at), kPlaceBytes);
}

}  // namespace llmsweep
