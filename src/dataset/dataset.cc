#include "dataset/dataset.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "dataset/dataset_keys.h"
#include "dataset/dataset_kind.h"
#include "dataset/random_text.h"
#include "dataset/record_splitter.h"
#include "dataset/table_file.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/dataset/unpacked_file.h"

extern "C" {
extern const char llmsweep_sharegpt_sample_begin[];
extern const char llmsweep_sharegpt_sample_end[];
}

namespace llmsweep {

namespace {

constexpr size_t kPieceBytes = size_t{1} << 20;
constexpr size_t kHeadBytes = size_t{64} << 10;  // tells the kind of file
// What is longer than kMaxRecordBytes is skipped; what is longer than this is no dataset.
constexpr uint64_t kLongestSkip = uint64_t{1} << 30;

std::string error_text(int error) {
  return std::generic_category().message(error);
}

// The list of records in an object that begins `text`, {"data": [{…}, …]}; npos: none is seen
// there.
size_t find_wrapped_list(std::string_view text) {
  constexpr std::array<std::string_view, 14> kWrappers = {
      "data",  "records", "rows",    "examples",  "instances", "samples", "dataset",
      "train", "test",    "prompts", "questions", "requests",  "entries", "validation"};
  const auto next_mark = [&](size_t at) { return text.find_first_not_of(" \t\r\n", at); };
  size_t depth = 0;
  std::string_view key;
  for (size_t at = next_mark(0); at < text.size(); at = next_mark(at + 1)) {
    const char c = text[at];
    if (c == '"') {
      const size_t begin = at + 1;
      for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1 : 0;
      const size_t colon = next_mark(at + 1);
      if (depth != 1 || colon >= text.size() || text[colon] != ':') continue;
      key = text.substr(begin, at - begin);
      if (is_text_key(key)) break;  // a record itself, on a line of its own
    } else if (c == '[' && depth == 1) {
      const size_t inside = next_mark(at + 1);
      const bool wraps = std::find(kWrappers.begin(), kWrappers.end(), key) != kWrappers.end();
      if (wraps && inside < text.size() && text[inside] == '{') return at;
    }
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) break;
  }
  return std::string_view::npos;
}

}  // namespace

// Bytes in memory, or a file read by position.
struct Dataset::File {
  std::string name;
  std::string_view memory;
  int fd = -1;

  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }

  // `path` may end with the "#COLUMN" of a table.
  void open(const std::string& path_and_column) {
    std::string path = path_and_column;
    std::string column;
    if (const size_t mark = path.rfind('#'); mark != std::string::npos && !there_is(path)) {
      column = path.substr(mark + 1);
      path.resize(mark);
    }
    name = path;
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // no wait for a FIFO
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0) {
      throw Error{{.what = "cannot read the dataset: " + error_text(errno),
                   .where = path,
                   .next = "give a path, or use dataset: sample or dataset: random"}};
    }
    if (!S_ISREG(status.st_mode)) {
      throw Error{{.what = "the dataset is not a regular file",
                   .where = path,
                   .next = "records are read again when they are used; save it to a file first"}};
    }
    replace(unpack_if_compressed(fd, path));
    replace(json_lines_of_table(fd, path, column));
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  }

  void replace(std::optional<int> other) {
    if (!other) return;
    ::close(fd);
    fd = *other;
  }

  // Up to `size` bytes at `offset`; fewer only at the end.
  size_t read(uint64_t offset, char* into, size_t size) const {
    if (fd < 0) {
      if (offset >= memory.size()) return 0;
      size_t n = std::min(size, memory.size() - static_cast<size_t>(offset));
      std::memcpy(into, memory.data() + offset, n);
      return n;
    }
    size_t done = 0;
    while (done < size) {
      ssize_t n = ::pread(fd, into + done, size - done, static_cast<off_t>(offset + done));
      if (n == 0) break;
      if (n < 0) {
        if (errno == EINTR) continue;
        throw Error{{.what = "cannot read the dataset: " + error_text(errno), .where = name}};
      }
      done += static_cast<size_t>(n);
    }
    return done;
  }
};

namespace {

// A window onto a file that moves forward; what is kept is contiguous and followed by padding.
class Window {
 public:
  template <class ReadAt>
  bool grow(const ReadAt& read_at) {  // false: nothing more to read
    size_t old = bytes_.size();
    bytes_.resize(old + kPieceBytes + RecordParser::kJsonPadding);
    size_t n = read_at(base_ + old, bytes_.data() + old, kPieceBytes);
    bytes_.resize(old + n);
    bytes_.reserve(bytes_.size() + RecordParser::kJsonPadding);
    return n > 0;
  }
  void forget_before(uint64_t offset) {
    bytes_.erase(0, static_cast<size_t>(offset - base_));
    base_ = offset;
  }
  std::string_view from(uint64_t offset) const {
    return std::string_view(bytes_).substr(static_cast<size_t>(offset - base_));
  }
  uint64_t base() const { return base_; }
  // Longer records would be skipped anyway: their bytes need not be kept.
  bool too_long() const { return bytes_.size() > kMaxRecordBytes + 2 * kPieceBytes; }

 private:
  std::string bytes_;
  uint64_t base_ = 0;
};

}  // namespace

Dataset::Dataset() : file_(std::make_unique<File>()) {}
Dataset::Dataset(Dataset&&) noexcept = default;
Dataset& Dataset::operator=(Dataset&&) noexcept = default;
Dataset::~Dataset() = default;

Dataset Dataset::open(const std::string& name, uint64_t seed) {
  if (name == "sample" || name.empty()) {
    std::string_view sample(
        llmsweep_sharegpt_sample_begin,
        static_cast<size_t>(llmsweep_sharegpt_sample_end - llmsweep_sharegpt_sample_begin));
    return from_bytes(sample, "sample");
  }
  Dataset set;
  set.summary_.name = name;
  if (name == "random") {
    set.random_ = true;
    set.seed_ = seed;
    set.summary_.format = "random";
    return set;
  }
  set.file_->open(name);
  set.scan();
  return set;
}

Dataset Dataset::from_bytes(std::string_view bytes, std::string name) {
  Dataset set;
  set.summary_.name = name;
  set.file_->name = std::move(name);
  set.file_->memory = bytes;
  set.scan();
  return set;
}

void Dataset::skip(SkipReason reason, Skips& skips) {
  auto index = static_cast<size_t>(reason);
  if (skips.count[index]++ == 0) skips.first[index] = seen_;
  ++seen_;
}

void Dataset::add(std::string_view json, uint64_t offset, RecordParser& parser, Skips& skips) {
  if (json.size() > kMaxRecordBytes) return skip(SkipReason::kTooLarge, skips);
  ParsedRecord parsed = parser.check(json);
  if (skips.keys.empty()) skips.keys = parsed.keys;
  if (!parsed.ok) return skip(parsed.skip, skips);
  for (size_t i = 0; i < kCutKinds; ++i) skips.cuts[i] += parsed.cuts[i] ? 1 : 0;
  places_.push_back({.offset = offset, .length = static_cast<uint32_t>(json.size())});
  ++seen_;
}

void Dataset::endless_record(uint64_t begin) const {
  throw Error{
      {.what = fmt::format("record {}, at byte {}, does not end within 1 GiB", seen_, begin),
       .where = file_->name,
       .next = "is it the right file?"}};
}

void Dataset::scan() {
  std::string head(kHeadBytes, '\0');
  head.resize(file_->read(0, head.data(), head.size()));
  std::string_view start = head;
  const uint64_t bom = start.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  start.remove_prefix(bom);
  size_t first = start.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos && head.size() < kHeadBytes) {
    throw Error{{.what = "the dataset is empty", .where = file_->name}};
  }
  if (const FileKind kind = file_kind_of(start); !kind.is.empty()) {
    const std::string way = kind.convert.empty() ? "" : fmt::format("{}, or ", kind.convert);
    throw Error{{.what = fmt::format("the dataset is {}, not JSON", kind.is),
                 .where = file_->name,
                 .next = fmt::format("{}give it as a list of records [{{…}}, …] or as JSON lines, "
                                     "in UTF-8; read of a record are {}",
                                     way, known_keys())}};
  }
  bool object = first != std::string_view::npos && start[first] == '{';
  const size_t list = object ? find_wrapped_list(start) : std::string_view::npos;
  const bool lines = object && list == std::string_view::npos;
  summary_.format = lines ? "jsonl" : "sharegpt";
  Skips skips;
  if (lines) {
    scan_lines(skips);
  } else {
    scan_list(bom + (object ? list : 0), object, skips);
  }
  finish(skips);
}

// `begin`: of the list, or of white space before it. `wrapped`: more may follow its end.
void Dataset::scan_list(uint64_t begin, bool wrapped, Skips& skips) {
  auto read_at = [&](uint64_t offset, char* into, size_t size) {
    return file_->read(offset, into, size);
  };
  auto fail = [&](std::string what, std::string next) {
    throw Error{{.what = std::move(what), .where = file_->name, .next = std::move(next)}};
  };
  Window window;
  RecordSplitter splitter;
  RecordParser parser;
  uint64_t read_to = 0;
  for (bool more = true; more && !(wrapped && splitter.finished());) {
    uint64_t position = splitter.position() + begin;
    // Once a record that is too long has been let go of, its begin is no longer there.
    const bool kept =
        splitter.inside_record() && !window.too_long() && splitter.begin() + begin >= window.base();
    window.forget_before(kept ? splitter.begin() + begin : position);
    if (splitter.inside_record() && position - begin - splitter.begin() > kLongestSkip) {
      endless_record(splitter.begin() + begin);
    }
    more = window.grow(read_at);
    for (bool full = more; full;) {
      switch (splitter.next(window.from(splitter.position() + begin))) {
        case RecordSplitter::Event::kNeedMore:
          full = false;
          break;
        case RecordSplitter::Event::kRecord: {
          uint64_t length = splitter.end() - splitter.begin();
          if (length > kMaxRecordBytes) {
            skip(SkipReason::kTooLarge, skips);
          } else {
            const uint64_t at = splitter.begin() + begin;
            add(window.from(at).substr(0, static_cast<size_t>(length)), at, parser, skips);
          }
          break;
        }
        case RecordSplitter::Event::kScalar:
          skip(SkipReason::kNotAnObject, skips);
          break;
        case RecordSplitter::Event::kNotAList:
          fail("the dataset's top level is not a list of records",
               "expected [{\"conversations\": […]}, …], or JSON lines such as {\"prompt\": \"…\"}");
          break;
        case RecordSplitter::Event::kTrailing:
          if (wrapped) {
            full = false;
            break;
          }
          fail(fmt::format("text follows the list of records, at byte {}", splitter.position()),
               "the file is damaged, or two files were joined");
          break;
      }
    }
    read_to = splitter.position() + begin;
  }
  if (!splitter.finished()) {
    fail(fmt::format("the file ends at byte {} inside record {}: it is truncated", read_to, seen_),
         "get it again and compare its size or hash");
  }
}

void Dataset::scan_lines(Skips& skips) {
  auto read_at = [&](uint64_t offset, char* into, size_t size) {
    return file_->read(offset, into, size);
  };
  Window window;
  RecordParser parser;
  char mark[3];
  uint64_t line = 0;  // where the line under way begins
  if (file_->read(0, mark, 3) == 3 && std::string_view(mark, 3) == "\xEF\xBB\xBF") line = 3;
  uint64_t searched = line;
  uint64_t begun = line;  // likewise, when what has been read of it is no longer kept
  bool oversize = false;
  auto take = [&](std::string_view text, uint64_t offset) {
    if (trim(text).empty()) return;
    add(text, offset, parser, skips);
  };
  for (bool more = true; more;) {
    if (window.too_long()) {
      oversize = true;
      line = searched;
    }
    if (line - begun > kLongestSkip) endless_record(begun);
    window.forget_before(line);
    more = window.grow(read_at);
    std::string_view bytes = window.from(line);
    size_t from = static_cast<size_t>(searched - line);
    size_t begin = 0;
    for (size_t end = bytes.find('\n', from); end != std::string_view::npos;
         end = bytes.find('\n', begin)) {
      if (oversize) {
        skip(SkipReason::kTooLarge, skips);
        oversize = false;
      } else {
        take(bytes.substr(begin, end - begin), line + begin);
      }
      begin = end + 1;
    }
    if (!more && begin < bytes.size()) {
      if (oversize) {
        skip(SkipReason::kTooLarge, skips);
      } else {
        take(bytes.substr(begin), line + begin);
      }
    }
    searched = line + bytes.size();
    line += begin;
    if (!oversize) begun = line;
  }
  auto not_json = static_cast<size_t>(SkipReason::kNotJson);
  bool begins_broken = skips.count[not_json] > 0 && skips.first[not_json] == 0;
  if (places_.empty() && seen_ > 1 && begins_broken) {
    throw Error{{.what = "the dataset's top level is an object, not a list of records",
                 .where = file_->name,
                 .next = "expected [{\"conversations\": […]}, …], or one record a line"}};
  }
}

void Dataset::finish(const Skips& skips) {
  summary_.records = static_cast<int64_t>(places_.size());
  summary_.skipped = seen_ - summary_.records;
  for (size_t i = 0; i < kSkipReasons; ++i) {
    if (skips.count[i] == 0) continue;
    summary_.skip_reasons.push_back(fmt::format("{} {} (first: record {})", skips.count[i],
                                                describe(static_cast<SkipReason>(i)),
                                                skips.first[i]));
  }
  for (size_t i = 0; i < kCutKinds; ++i) {
    if (skips.cuts[i] == 0) continue;
    summary_.notes.push_back(fmt::format("{} {}", skips.cuts[i], describe(static_cast<Cut>(i))));
  }
  if (places_.empty()) {
    std::string why = summary_.skip_reasons.empty() ? std::string("it holds none")
                                                    : join(summary_.skip_reasons, "; ");
    std::string next;
    if (!skips.keys.empty()) {
      next = "a record has the keys " + skips.keys + "; read are " + known_keys();
    } else if (skips.count[static_cast<size_t>(SkipReason::kNotAnObject)] == seen_ && seen_ > 0) {
      next = "write each record as {\"prompt\": \"…\"}; read are " + known_keys();
    }
    throw Error{{.what = "the dataset has no usable record: " + why,
                 .where = file_->name,
                 .next = std::move(next)}};
  }
}

Record Dataset::Reader::read(uint64_t index) {
  if (dataset_.random_) {
    Record record;
    record.turns.emplace_back("user", random_paragraph(dataset_.seed_, index));
    return record;
  }
  const Place& place = dataset_.places_[index];
  buffer_.resize(place.length);
  size_t n = dataset_.file_->read(place.offset, buffer_.data(), place.length);
  ParsedRecord parsed;
  if (n == place.length) parsed = parser_.parse(buffer_);
  if (!parsed.ok) {
    throw Error{{.what = fmt::format("record {} is no longer what it was", index),
                 .where = dataset_.file_->name,
                 .next = "the file changed while it was in use"}};
  }
  return std::move(parsed.record);
}

}  // namespace llmsweep
