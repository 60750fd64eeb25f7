// RFC 4648, with padding.
#pragma once

#include <string>
#include <string_view>

namespace llmsweep {

std::string base64_encoded(std::string_view bytes);

}  // namespace llmsweep
