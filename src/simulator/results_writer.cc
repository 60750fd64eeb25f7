#include "simulator/results_writer.h"

#include <fmt/format.h>

namespace llmsweep::sim {

std::string ResultsWriter::usage_member() const {
  if (!answer_.usage) return {};
  return fmt::format(R"(,"usage":{{"prompt_tokens":{0},"total_tokens":{0}}})",
                     answer_.prompt_tokens);
}

}  // namespace llmsweep::sim
