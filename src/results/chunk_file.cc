#include "llmsweep/results/chunk_file.h"

#include <algorithm>
#include <limits>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/varint.h"

namespace llmsweep {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr uint32_t kMaxBlock = uint32_t{1} << 30;
constexpr size_t kPiece = size_t{1} << 20;

void append_length(std::string& out, size_t length) {
  for (size_t i = 0; i < kLengthBytes; ++i) {
    out.push_back(static_cast<char>((length >> (8 * i)) & 0xff));
  }
}

uint32_t length_of(std::string_view bytes) {
  uint32_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= uint32_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return length;
}

template <class Int>
bool take(std::string_view& in, Int& out) {
  const std::optional<uint64_t> value = take_varint(in);
  if (!value || *value > static_cast<uint64_t>(std::numeric_limits<Int>::max())) return false;
  out = static_cast<Int>(*value);
  return true;
}

// Its concurrency; of another kind 0, and its name with its length before it.
void append_point(std::string& out, LoadPoint point) {
  append_varint(out, static_cast<uint64_t>(point.concurrency()));
  if (point.kind == LoadKind::kConcurrency) return;
  const std::string name = name_of(point);
  append_varint(out, name.size());
  out += name;
}

bool take_point(std::string_view& in, LoadPoint& out) {
  int concurrency = 0;
  if (!take(in, concurrency)) return false;
  out = at_concurrency(concurrency);
  if (out.known()) return true;
  size_t size = 0;
  if (!take(in, size) || size > in.size()) return false;
  const std::optional<LoadPoint> named = parse_load_point(in.substr(0, size));
  in.remove_prefix(size);
  out = named.value_or(out);
  return named.has_value();
}

std::optional<ChunkBlock> parse(std::string_view payload) {
  ChunkBlock block;
  uint32_t count = 0;
  if (!take_point(payload, block.run.point) || !take(payload, block.run.repeat) ||
      !take(payload, block.index) || !take(payload, count) || count > payload.size()) {
    return std::nullopt;
  }
  block.instants.reserve(count);
  int64_t at = 0;
  for (uint32_t i = 0; i < count; ++i) {
    int64_t step = 0;
    if (!take(payload, step) || step > std::numeric_limits<int64_t>::max() - at) {
      return std::nullopt;
    }
    at += step;
    block.instants.push_back(from_ns(at));
  }
  return payload.empty() ? std::optional(std::move(block)) : std::nullopt;
}

}  // namespace

std::string chunk_block(const RequestRecord& record, const ChunkTrace& trace) {
  std::string payload;
  payload.reserve(trace.packed().size() + 24);
  append_point(payload, record.run.point);
  append_varint(payload, static_cast<uint64_t>(record.run.repeat));
  append_varint(payload, record.index);
  append_varint(payload, static_cast<uint64_t>(trace.count()));
  payload += trace.packed();
  std::string block;
  block.reserve(payload.size() + kLengthBytes);
  append_length(block, payload.size());
  return block += payload;
}

struct ChunkReader::Impl {
  std::filesystem::path path;
  RegularFile file;
  std::string buffer;
  int64_t whole_bytes = 0;
  bool truncated = false;

  explicit Impl(const std::filesystem::path& file_path) : path(file_path), file(file_path) {}

  // Whether `size` bytes could be read into the buffer.
  bool fill(size_t size) {
    buffer.clear();
    while (buffer.size() < size) {  // what a length claims need not be there
      const size_t had = buffer.size();
      buffer.resize(std::min(size, had + kPiece));
      const size_t got = file.read(buffer.data() + had, buffer.size() - had);
      buffer.resize(had + got);
      if (got == 0) return false;
    }
    return true;
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error({.what = what,
                 .where = path.string() + ": byte " + std::to_string(whole_bytes),
                 .next = "it is no chunks.bin of a run, or was changed after the run"});
  }
};

ChunkReader::ChunkReader(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {
  const bool whole = impl_->fill(kChunkFileHeader.size());
  if (kChunkFileHeader.starts_with(impl_->buffer) && !whole) {  // killed before its first block
    impl_->truncated = !impl_->buffer.empty();
  } else if (impl_->buffer != kChunkFileHeader) {
    impl_->fail("the file does not begin with " + std::string(kChunkFileHeader));
  } else {
    impl_->whole_bytes = static_cast<int64_t>(kChunkFileHeader.size());
  }
}

ChunkReader::~ChunkReader() = default;

std::optional<ChunkBlock> ChunkReader::next() {
  Impl& in = *impl_;
  if (!in.fill(kLengthBytes)) {
    in.truncated |= !in.buffer.empty();
    return std::nullopt;
  }
  const uint32_t length = length_of(in.buffer);
  if (length > kMaxBlock) in.fail("the block is longer than 1 GiB");
  if (!in.fill(length)) {
    in.truncated = true;
    return std::nullopt;
  }
  std::optional<ChunkBlock> block = parse(in.buffer);
  if (!block) in.fail("the block is broken");
  in.whole_bytes += static_cast<int64_t>(kLengthBytes + length);
  return block;
}

bool ChunkReader::truncated() const {
  return impl_->truncated;
}

int64_t ChunkReader::whole_bytes() const {
  return impl_->whole_bytes;
}

}  // namespace llmsweep
