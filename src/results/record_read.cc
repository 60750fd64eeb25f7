#include "llmsweep/results/record_file.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/names.h"
#include "results/record_keys.h"

namespace llmsweep {
namespace {

using Element = simdjson::dom::element;

constexpr size_t kMaxRecordDepth = 16;

struct Bad {
  std::string what;
};

template <class Int>
requires std::is_integral_v<Int>
void read(const Element& value, Int& out) {
  int64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < 0 ||
      number > static_cast<int64_t>(std::min<uint64_t>(std::numeric_limits<Int>::max(),
                                                       std::numeric_limits<int64_t>::max()))) {
    throw Bad{"must be a whole number from 0"};
  }
  out = static_cast<Int>(number);
}

void read(const Element& value, std::string& out) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) throw Bad{"must be text"};
  out = text;
}

void read(const Element& value, bool& out) {
  if (value.get(out) != simdjson::SUCCESS) throw Bad{"must be true or false"};
}

// Of a load point that is no concurrency; its name stands under another key.
constexpr LoadPoint kNamedElsewhere{LoadKind::kRate, 0};

void read(const Element& value, LoadPoint& out) {
  if (value.is_null()) {
    if (!out.known()) out = kNamedElsewhere;
    return;
  }
  int concurrency = 0;
  read(value, concurrency);
  out = at_concurrency(concurrency);
}

void read(const Element& value, PointName<LoadPoint> out) {
  std::string name;
  read(value, name);
  const std::optional<LoadPoint> point = parse_load_point(name);
  if (!point) throw Bad{"has the unknown value '" + printable(name, 60) + "'"};
  out.point = *point;
}

void read(const Element& value, TraceId& out) {
  std::string hex;
  read(value, hex);
  const std::optional<TraceId> id = parse_trace_id(hex);
  if (!id) throw Bad{"must be 32 hexadecimal digits, not all 0"};
  out = *id;
}

void read(const Element& value, Instant& out) {
  int64_t ns = 0;
  read(value, ns);
  out = from_ns(ns);
}

void read(const Element& value, Duration& out) {
  int64_t ns = 0;
  read(value, ns);
  out = Duration(ns);
}

template <class Enum>
requires std::is_enum_v<Enum>
void read(const Element& value, Enum& out) {
  std::string name;
  read(value, name);
  const std::optional<Enum> known = from_name<Enum>(name);
  if (!known) throw Bad{"has the unknown value '" + printable(name, 60) + "'"};
  out = *known;
}

template <class T>
void read(const Element& value, OnlyIfAny<T> out) {
  read(value, out.value);
}

template <class T>
void read(const Element& value, std::optional<T>& out) {
  if (value.is_null()) {
    out.reset();
  } else {
    read(value, out.emplace());
  }
}

void read(const Element& value, Histogram& out) {
  simdjson::dom::array buckets;
  if (value.get(buckets) != simdjson::SUCCESS) throw Bad{"must be a list"};
  out = {};
  for (const Element& item : buckets) {
    simdjson::dom::array pair;
    if (item.get(pair) != simdjson::SUCCESS || pair.size() != 2) {
      throw Bad{"must be [[bucket, count], …]"};
    }
    uint32_t bucket = 0;
    int64_t weight = 0;
    read(pair.at(0).value_unsafe(), bucket);
    read(pair.at(1).value_unsafe(), weight);
    if (bucket >= Histogram::kBuckets) throw Bad{"names a bucket that does not exist"};
    out.add_bucket(bucket, static_cast<uint64_t>(weight));
  }
  out.compact();
}

struct Field {
  std::string_view key;
  bool required;
  void (*read_into)(const Element&, RequestRecord&);
};

template <class RecordKey>
void read_into(const Element& value, RequestRecord& record) {
  read(value, RecordKey::of(record));
}

constexpr std::array kFields = std::apply(
    [](const auto&... key) {
      return std::array{Field{key.name, key.presence == Presence::kRequired,
                              read_into<std::remove_cvref_t<decltype(key)>>}...};
    },
    kRecordKeys);

// The field of `key`, looked for from `expected` on, where it nearly always is.
size_t field_of(std::string_view key, size_t expected) {
  for (size_t i = 0; i < kFields.size(); ++i) {
    const size_t at = (expected + i) % kFields.size();
    if (kFields[at].key == key) return at;
  }
  return kFields.size();
}

RequestRecord from_object(const simdjson::dom::object& object) {
  RequestRecord record;
  std::bitset<kFields.size()> seen;
  size_t expected = 0;
  for (const auto& [key, value] : object) {
    const size_t at = field_of(key, expected);
    if (at == kFields.size()) continue;  // of a later version
    if (seen[at]) throw Bad{"duplicate key '" + std::string(key) + "'"};
    seen.set(at);
    try {
      kFields[at].read_into(value, record);
    } catch (const Bad& bad) {
      throw Bad{std::string(key) + " " + bad.what};
    }
    expected = at + 1;
  }
  for (size_t i = 0; i < kFields.size(); ++i) {
    if (kFields[i].required && !seen[i]) {
      throw Bad{"has no '" + std::string(kFields[i].key) + "'"};
    }
  }
  if (record.run.point == kNamedElsewhere) throw Bad{"names no load: level is null"};
  return record;
}

RequestRecord parse_line(simdjson::dom::parser& parser, std::string_view line) {
  simdjson::dom::element root;
  if (parser.parse(line.data(), line.size()).get(root) != simdjson::SUCCESS) {
    throw Bad{"is not JSON"};
  }
  simdjson::dom::object object;
  if (root.get(object) != simdjson::SUCCESS) throw Bad{"is not a JSON object"};
  return from_object(object);
}

simdjson::dom::parser make_parser() {
  simdjson::dom::parser parser;
  if (parser.allocate(4096, kMaxRecordDepth) != simdjson::SUCCESS) throw std::bad_alloc();
  return parser;
}

[[noreturn]] void fail(const std::string& where, const Bad& bad) {
  throw Error({.what = "the line " + bad.what,
               .where = where,
               .next = "it is no line of requests.jsonl, or was changed after the run"});
}

}  // namespace

RequestRecord parse_record(std::string_view line, const std::string& where) {
  simdjson::dom::parser parser = make_parser();
  try {
    return parse_line(parser, line);
  } catch (const Bad& bad) {
    fail(where, bad);
  }
}

struct RecordReader::Impl {
  std::filesystem::path path;
  int64_t left;  // bytes of the range that were not read yet
  std::shared_ptr<RegularFile> file;
  LineReader lines;
  simdjson::dom::parser parser = make_parser();
  int64_t whole_bytes = 0;
  int64_t superseded = 0;
  bool skip_superseded;
  bool truncated = false;

  Impl(std::filesystem::path file_path, const Options& options)
      : path(std::move(file_path)),
        left(std::max<int64_t>(0, options.range.end - options.range.begin)),
        file(std::make_shared<RegularFile>(path)),
        lines([this](char* into, size_t size) { return read_some(into, size); }, path.string()),
        skip_superseded(options.superseded == Superseded::kSkip) {
    file->seek(options.range.begin);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  size_t read_some(char* into, size_t size) {
    const auto wanted = static_cast<size_t>(std::min(left, static_cast<int64_t>(size)));
    const size_t got = file->read(into, wanted);
    left -= static_cast<int64_t>(got);
    return got;
  }

  std::optional<RequestRecord> next();  // superseded ones too
};

RecordReader::RecordReader(const std::filesystem::path& path)
    : RecordReader(path, Options{.range = {}, .superseded = Superseded::kSkip}) {}

RecordReader::RecordReader(const std::filesystem::path& path, Options options)
    : impl_(std::make_unique<Impl>(path, options)) {}

RecordReader::~RecordReader() = default;

bool RecordReader::truncated() const {
  return impl_->truncated;
}
int64_t RecordReader::line() const {
  return impl_->lines.number() - (impl_->truncated ? 1 : 0);
}
int64_t RecordReader::whole_bytes() const {
  return impl_->whole_bytes;
}

int64_t RecordReader::superseded() const {
  return impl_->superseded;
}

std::optional<RequestRecord> RecordReader::next() {
  while (std::optional<RequestRecord> record = impl_->next()) {
    if (!record->superseded || !impl_->skip_superseded) return record;
    ++impl_->superseded;
  }
  return std::nullopt;
}

std::optional<RequestRecord> RecordReader::Impl::next() {
  const std::optional<std::string_view> line = lines.next();
  if (!line) return std::nullopt;
  try {
    RequestRecord record = parse_line(parser, *line);
    if (lines.whole()) whole_bytes += static_cast<int64_t>(line->size()) + 1;
    return record;
  } catch (const Bad& bad) {
    if (lines.whole()) fail(lines.where(), bad);
    truncated = true;
    return std::nullopt;
  }
}

}  // namespace llmsweep
