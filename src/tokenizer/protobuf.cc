#include "tokenizer/protobuf.h"

#include <bit>

namespace llmsweep {

bool ProtobufReader::fail() {
  broken_ = true;
  left_ = {};
  return false;
}

bool ProtobufReader::read_varint(uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !left_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    value |= uint64_t{byte & 0x7Fu} << shift;
    if (byte < 0x80) return true;
  }
  return fail();
}

bool ProtobufReader::read_fixed(size_t size) {
  if (left_.size() < size) return fail();
  number_ = 0;
  for (size_t i = 0; i < size; ++i) {
    number_ |= uint64_t{static_cast<unsigned char>(left_[i])} << (8 * i);
  }
  left_.remove_prefix(size);
  return true;
}

bool ProtobufReader::next() {
  uint64_t tag = 0;
  if (left_.empty() || !read_varint(tag)) return false;
  field_ = tag >> 3;
  type_ = tag & 7;
  content_ = {};
  number_ = 0;
  if (field_ == 0) return fail();
  if (type_ == 0) return read_varint(number_);
  if (type_ == 1) return read_fixed(8);
  if (type_ == 5) return read_fixed(4);
  uint64_t size = 0;
  if (type_ != 2 || !read_varint(size) || size > left_.size()) return fail();
  content_ = left_.substr(0, static_cast<size_t>(size));
  left_.remove_prefix(static_cast<size_t>(size));
  return true;
}

float ProtobufReader::as_float() const {
  return std::bit_cast<float>(static_cast<uint32_t>(number_));
}

}  // namespace llmsweep
