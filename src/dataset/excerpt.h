// Text for one prompt: the dataset's records, each at most once, in an order drawn for the prompt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataset/dataset.h"

namespace llmsweep {

// Walks an endless or shuffled set from the place that belongs to `prompt`. Different prompts
// begin with different records until the set is used up. One thread an object.
class Excerpt {
 public:
  struct Start {
    uint64_t prompt = 0;
    uint64_t seed = 0;
    uint64_t attempt = 0;  // another value: other records
  };
  Excerpt(const Dataset& dataset, Dataset::Reader& reader, Start start);

  // The next record; nothing after each was given once.
  std::optional<Record> next();
  // Appends the next usable record's turns to `text`, with a blank line between. False: no more.
  // Records that hold `refuse`d text are passed over.
  template <class Refuse>
  bool append_to(std::string& text, const Refuse& refuse) {
    while (auto record = next()) {
      std::string joined = join_turns(*record);
      if (joined.empty() || refuse(joined)) continue;
      if (!text.empty()) text += "\n\n";
      text += joined;
      return true;
    }
    return false;
  }

 private:
  static std::string join_turns(const Record& record);

  const Dataset& dataset_;
  Dataset::Reader& reader_;
  uint64_t given_ = 0;
  uint64_t first_ = 0;
  uint64_t stride_ = 1;
  uint64_t seed_ = 0;
};

}  // namespace llmsweep
