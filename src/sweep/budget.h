// What a start of a sweep has taken of load.budget and of search.budget.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/model/load_point.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/spec.h"

namespace llmsweep {

class Budget {
 public:
  // `request_alone`: what one request takes with nothing beside it, for levels that have not run.
  Budget(const SweepSpec& spec, Duration request_alone, Instant now);

  // The key that one more run of the level would exceed; empty: none. A level that has run takes as
  // much again, another what its schedule asks for at least.
  std::string exceeded_by(LoadPoint point, Instant now) const;
  void add(LoadPoint point, const std::vector<RequestRecord>& records, Duration time);

 private:
  struct Use {
    int64_t tokens = 0;
    Duration time{};
  };
  Use expected(LoadPoint point) const;

  const SweepSpec& spec_;
  Duration request_alone_;
  Instant begun_;
  int64_t tokens_ = 0;
  std::map<LoadPoint, Use> used_;  // the last run of each level
};

}  // namespace llmsweep
