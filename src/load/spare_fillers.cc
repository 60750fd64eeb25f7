#include "llmsweep/load/load_loop.h"

#include <algorithm>
#include <iterator>

namespace llmsweep {

void SpareFillers::add(std::vector<Request> made) {
  const std::lock_guard lock(mutex_);
  std::move(made.begin(), made.end(), std::back_inserter(left_));
}

SpareFillers::Request SpareFillers::take() {
  const std::lock_guard lock(mutex_);
  if (left_.empty()) return nullptr;
  Request request = std::move(left_.front());
  left_.pop_front();
  ++taken_;
  return request;
}

size_t SpareFillers::left() const {
  const std::lock_guard lock(mutex_);
  return left_.size();
}

int64_t SpareFillers::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

}  // namespace llmsweep
