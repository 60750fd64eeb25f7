// A result as it can be given away: without what names the machine, the endpoint, files or people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/result.h"

namespace llmsweep {

// Knows what must not leave with one result. Two layers: fields that hold such things are emptied,
// and what those fields held (host, addresses, URLs, paths, the user's name in them) is looked for
// in every other text, together with anything that looks like a URL, an address or a path.
//
// Kept are the figures, the system as the spec describes it, the model's name, the names (without
// folders) of the dataset, the tokenizer and the simulator's profile, and the workload.
class Sharing {
 public:
  // `also`: further words that must not leave, such as the name of whoever shares it. Words shorter
  // than 3 bytes are not looked for.
  explicit Sharing(const SweepResult& result, const std::vector<std::string>& also = {});

  // Its first note says that it was made to be shared.
  SweepResult result() const;
  // A text that goes with the result, such as a request's error.
  std::string text(std::string_view text) const;

 private:
  void learn(std::string_view word);
  void learn_address(std::string_view address);
  void learn_path(std::string_view path);
  void learn_spec();

  const SweepResult& result_;
  std::vector<std::string> words_;  // longest first
};

}  // namespace llmsweep
