#include "llmsweep/tokenizer/tokenizer.h"

#include <algorithm>
#include <array>

namespace llmsweep {

bool holds_control_text(std::string_view text) {
  static constexpr auto kControls = std::to_array<std::string_view>({"<|",
                                                                     "|>",
                                                                     "<｜",
                                                                     "｜>",
                                                                     "<s>",
                                                                     "</s>",
                                                                     "[INST]",
                                                                     "[/INST]",
                                                                     "<think>",
                                                                     "</think>",
                                                                     "<start_of_turn>",
                                                                     "<end_of_turn>",
                                                                     "<bos>",
                                                                     "<eos>",
                                                                     "<unk>",
                                                                     "<pad>",
                                                                     "<tool_call>",
                                                                     "</tool_call>",
                                                                     "<tool_response>",
                                                                     "</tool_response>"});
  return std::any_of(kControls.begin(), kControls.end(), [&](std::string_view control) {
    return text.find(control) != std::string_view::npos;
  });
}

}  // namespace llmsweep
