// Finds where the records of a JSON array begin and end, without parsing them.
//
// Bytes arrive in pieces of any size. A record is an element of the top-level array; what is inside
// it is left to a real parser. Constant memory.
#pragma once

#include <cstdint>
#include <string_view>

namespace llmsweep {

class RecordSplitter {
 public:
  enum class Event {
    kNeedMore,  // the piece is used up
    kRecord,    // an object or list ended: [begin(), end())
    kScalar,    // an element that is neither; the bytes are not kept
    kNotAList,  // the top level is something else
    kTrailing,  // text after the list's end
  };

  // Continues at offset position() of the file; `bytes` are those from there on. Call again with
  // the rest (from position()) after any event but kNeedMore.
  Event next(std::string_view bytes);

  uint64_t position() const { return position_; }
  uint64_t begin() const { return begin_; }  // of the record under way, or of the one just ended
  uint64_t end() const { return position_; }
  bool inside_record() const { return depth_ > 1; }
  bool started() const { return state_ != State::kBeforeList; }
  bool finished() const { return state_ == State::kAfterList; }

 private:
  enum class State { kBeforeList, kInList, kAfterList };
  // Returns the number of bytes up to and including the closing quote, or all of them.
  size_t skip_string(std::string_view bytes);

  State state_ = State::kBeforeList;
  uint64_t position_ = 0;
  uint64_t begin_ = 0;
  uint64_t depth_ = 0;  // 1: inside the list, 2: inside a record
  bool in_string_ = false;
  bool escaped_ = false;  // the piece before ended in an odd number of backslashes
  bool scalar_ = false;   // inside a scalar element
};

}  // namespace llmsweep
