// Makes fillers beyond the planned ones while a run goes on, on the thread that shows its progress.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "llmsweep/load/load_loop.h"

namespace llmsweep {

class FillerSupply {
 public:
  // `make` makes the next so many; what it throws means that there are no more.
  using Make = std::function<std::vector<SpareFillers::Request>(int64_t count)>;
  FillerSupply(SpareFillers& spare, int slots, Make make)
      : spare_(spare), slots_(slots), make_(std::move(make)) {}

  // To be called several times a second. `planned_left` fillers of the plan are not taken yet
  // (below 0: none). Makes nothing while there are enough for two more calls at the present pace.
  void top_up(int64_t planned_left);

 private:
  SpareFillers& spare_;
  int64_t slots_;
  Make make_;
  int64_t taken_before_ = 0;
  int64_t planned_before_ = 0;
  bool over_ = false;
};

}  // namespace llmsweep
