// Which reads of a request have to say when the kernel had their bytes: of a measured one, those
// until the first token of its answer and those where its last may come, which earlier answers
// tell. Private to load/; one a loop.
#pragma once

#include "llmsweep/model/record.h"

namespace llmsweep {

class WatchedReads {
 public:
  bool wants_next(const RequestRecord& record) const {
    if (record.phase != Phase::kMeasured) return false;
    if (!record.first_answer_token) return true;
    const double shortest =
        chunks_per_planned_token_ * static_cast<double>(record.planned_output_tokens);
    return static_cast<double>(record.chunks) + kChunksBefore >= (1 - kShareBefore) * shortest;
  }

  void learn_from_ended(const RequestRecord& record) {
    if (record.outcome != Outcome::kOk || record.planned_output_tokens <= 0) return;
    const double chunks =
        static_cast<double>(record.chunks) / static_cast<double>(record.planned_output_tokens);
    if (chunks_per_planned_token_ == 0 || chunks < chunks_per_planned_token_) {
      chunks_per_planned_token_ = chunks;
    }
  }

 private:
  // So many, and such a share, before where the shortest answer so far has ended.
  static constexpr double kChunksBefore = 4;
  static constexpr double kShareBefore = 0.05;

  double chunks_per_planned_token_ = 0;  // of the shortest answer so far; 0: none has come
};

}  // namespace llmsweep
