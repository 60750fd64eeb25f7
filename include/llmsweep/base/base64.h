// RFC 4648, with padding.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace llmsweep {

std::string base64_encoded(std::string_view bytes);
// Nothing where `text` is no base64 to its end.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace llmsweep
