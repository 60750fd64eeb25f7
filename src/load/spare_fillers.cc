#include "llmsweep/load/load_loop.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace llmsweep {

void SpareFillers::add(std::vector<Request> made) {
  const std::lock_guard lock(mutex_);
  std::move(made.begin(), made.end(), std::back_inserter(made_));
}

SpareFillers::Request SpareFillers::take() {
  const std::lock_guard lock(mutex_);
  if (made_.empty()) return nullptr;
  Request request = std::move(made_.front());
  made_.pop_front();
  asked_ = ++first_;
  ++taken_;
  return request;
}

SpareFillers::Request SpareFillers::take(size_t number) {
  const std::lock_guard lock(mutex_);
  asked_ = std::max(asked_, number + 1);
  if (number < first_ || number - first_ >= made_.size()) return nullptr;
  Request request = std::exchange(made_[number - first_], nullptr);
  for (; !made_.empty() && made_.front() == nullptr; ++first_) made_.pop_front();
  taken_ += request == nullptr ? 0 : 1;
  return request;
}

int64_t SpareFillers::left() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int64_t>(first_ + made_.size()) - static_cast<int64_t>(asked_);
}

int64_t SpareFillers::taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

}  // namespace llmsweep
