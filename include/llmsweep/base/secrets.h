// Which names stand for credentials, so that their values are never written anywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llmsweep {

inline constexpr std::string_view kRedacted = "<redacted>";

// Of a header or a body field: "Authorization", "api-key", "X-Auth-Token", "client_secret", …
// Case does not matter; "max_tokens" is none.
bool names_a_secret(std::string_view name);

// Replaces each of `values` in `text`, as it stands and as JSON or a URL would write it. Values
// shorter than 4 bytes are left: they would take half of every text with them.
void redact_values(std::string& text, const std::vector<std::string>& values);

// JSON text with the value of every member that names_a_secret() replaced, at any depth. Text that
// is not JSON comes back empty.
std::string redact_json(std::string_view json);

}  // namespace llmsweep
