#include "simulator/typed_event_writer.h"

#include <fmt/format.h>

namespace llmsweep::sim {

void TypedEventWriter::typed(std::string_view type, std::string_view members,
                             std::string& out) const {
  out += fmt::format(R"(event: {}{}{}{{"type":"{}")", type, newline_,
                     wire_.data_space ? "data: " : "data:", type);
  if (!members.empty()) out += ',';
  out += members;
  out += '}' + event_end_;
}

void TypedEventWriter::error(const ApiFailure& failure, std::string& out) {
  typed("error", error_members(failure), out);
}

bool TypedEventWriter::is_failure(std::string_view finish) {
  return !finish.empty() && finish != "stop" && finish != "length";
}

}  // namespace llmsweep::sim
