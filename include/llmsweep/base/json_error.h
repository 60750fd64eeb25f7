// What of a JSON parser's message is for people.
#pragma once

#include <string>
#include <string_view>

namespace llmsweep {

// Of the message of nlohmann-json's exceptions the place: " at line 3, column 5"; empty: it says
// none. The rest names the exception and repeats what was being parsed, which may be anything.
std::string json_error_place(std::string_view message);

}  // namespace llmsweep
