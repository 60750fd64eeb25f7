// The fields of a protocol buffer's message, one after the other.
#pragma once

#include <cstdint>
#include <string_view>

namespace llmsweep {

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) : left_(bytes) {}

  // The next field; false at the end, and where the bytes are no message (see broken()).
  bool next();
  bool broken() const { return broken_; }

  uint64_t field() const { return field_; }
  uint64_t number() const { return number_; }          // a varint, or fixed bits
  std::string_view bytes() const { return content_; }  // of text, bytes or a message
  bool is_bytes() const { return type_ == 2; }
  float as_float() const;

 private:
  bool read_varint(uint64_t& value);
  bool read_fixed(size_t size);
  bool fail();

  std::string_view left_;
  uint64_t field_ = 0;
  uint64_t type_ = 0;
  uint64_t number_ = 0;
  std::string_view content_;
  bool broken_ = false;
};

}  // namespace llmsweep
