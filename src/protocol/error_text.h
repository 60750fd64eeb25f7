// The words of a server's refusal, whichever of the common shapes it has.
#pragma once

#include <string>
#include <string_view>

#include "llmsweep/base/redactor.h"

namespace llmsweep {

struct ServerError {
  std::string message;  // as sent; empty: the text holds no error
  std::string kind;     // type, or code, where it adds something
  std::string field;    // the request field that the server names as the cause
};

// Never throws. `json` that does not parse, or holds no error, gives an empty message.
ServerError read_server_error(std::string_view json);

// One printable line for a record or a terminal: "message (kind)"; for text that is no error in a
// known shape (an HTML page, a plain sentence) its beginning. Without `secrets`.
std::string describe_server_error(std::string_view body, const Redactor& secrets);

}  // namespace llmsweep
