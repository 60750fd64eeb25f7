#include "llmsweep/load/page_gaps.h"

namespace llmsweep {

void PageGaps::begin(Instant at) {
  begun_ns_.store(kNever);  // until the end is this page's, no gap meets it
  ended_ns_.store(kNever);
  begun_ns_.store(to_ns(at));
}

void PageGaps::end(Instant at) {
  ended_ns_.store(to_ns(at));
}

}  // namespace llmsweep
