// Where each user of a load loop is in its session.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "llmsweep/load/load_loop.h"

namespace llmsweep {

struct UserPlace {
  std::shared_ptr<UserSession> session;  // null: between two
  uint32_t next = 0;                     // turn, from 0

  UserTurn& turn() { return session->turns[next]; }
  // The turn, after the user's request before has ended.
  Instant due_after(Instant end, Instant start) {
    const bool is_second = next == session->first_turn + 1;
    if (is_second && session->second_at) return std::max(end, start + *session->second_at);
    return end + turn().think;
  }
  // One that failed ends its session.
  void end_turn(bool ok) {
    if (session == nullptr) return;
    ++next;
    if (!ok || next == session->turns.size()) session.reset();
  }
};

// Of the slots l, l + n, l + 2 n, … of loop l of n.
class UserSlots {
 public:
  explicit UserSlots(uint32_t loops) : loops_(loops) {}

  UserPlace& at(uint32_t slot) { return places_[slot / loops_]; }
  void begin(uint32_t slot, std::shared_ptr<UserSession> session) {
    if (slot / loops_ >= places_.size()) places_.resize(slot / loops_ + 1);
    const uint32_t first = session->first_turn;
    at(slot) = {.session = std::move(session), .next = first};
  }

 private:
  std::vector<UserPlace> places_;
  uint32_t loops_;
};

}  // namespace llmsweep
