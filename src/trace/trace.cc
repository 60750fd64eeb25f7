#include "llmsweep/trace/trace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <numeric>

#include "llmsweep/base/descriptor.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"
#include "llmsweep/dataset/unpacked_file.h"
#include "trace/trace_rows.h"

namespace llmsweep {
namespace {

struct FormatWords {
  TraceFormat format;
  std::string_view title;
};

constexpr std::array kFormats = {
    FormatWords{TraceFormat::kMooncake, "Mooncake"},
    FormatWords{TraceFormat::kBailian, "Bailian"},
    FormatWords{TraceFormat::kAzure, "Azure"},
    FormatWords{TraceFormat::kBurstgpt, "BurstGPT"},
    FormatWords{TraceFormat::kWeka, "Weka"},
    FormatWords{TraceFormat::kTracelab, "TraceLab"},
    FormatWords{TraceFormat::kCsv, "a table"},
};

const FormatWords& words_of(TraceFormat format) {
  return *std::find_if(kFormats.begin(), kFormats.end(),
                       [format](const FormatWords& words) { return words.format == format; });
}

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

int open_trace(const std::string& name) {
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // no wait for a FIFO
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) {
    throw Error{{.what = std::string("cannot read the trace: ") + std::strerror(errno),
                 .where = name,
                 .next = "give the path of a trace's file"}};
  }
  if (S_ISREG(status.st_mode)) return fd;
  ::close(fd);
  throw Error{{.what = "the trace is not a regular file",
               .where = name,
               .next = "save it to a file first"}};
}

// Rows in order of time, those of one instant as they stand, and instants from 0.
void settle_order(Trace& trace) {
  const auto earlier = [](const TraceRequest& a, const TraceRequest& b) { return a.at < b.at; };
  auto& requests = trace.requests;
  if (!std::is_sorted(requests.begin(), requests.end(), earlier)) {
    trace.sorted = true;
    std::vector<uint32_t> order(requests.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return earlier(requests[a], requests[b]); });
    Trace ordered;
    for (const uint32_t row : order) {
      ordered.requests.push_back(requests[row]);
      if (trace.first_block.empty()) continue;
      ordered.first_block.push_back(ordered.blocks.size());
      const std::span<const uint32_t> blocks = trace.blocks_of(row);
      ordered.blocks.insert(ordered.blocks.end(), blocks.begin(), blocks.end());
    }
    if (!trace.first_block.empty()) ordered.first_block.push_back(ordered.blocks.size());
    requests.swap(ordered.requests);
    trace.blocks.swap(ordered.blocks);
    trace.first_block.swap(ordered.first_block);
  }
  if (requests.empty()) return;
  const Duration begin = requests.front().at;
  for (TraceRequest& request : requests) request.at -= begin;
}

}  // namespace

std::string_view title_of(TraceFormat format) {
  return words_of(format).title;
}

std::optional<int64_t> scaled(std::string_view decimal, int64_t scale) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  int64_t whole = 0;
  size_t i = 0;
  for (; i < decimal.size() && decimal[i] >= '0' && decimal[i] <= '9'; ++i) {
    if (whole > (kMost - 9) / 10) return std::nullopt;
    whole = 10 * whole + (decimal[i] - '0');
  }
  if (i == 0 || whole > kMost / scale - 1) return std::nullopt;
  int64_t rest = 0;
  if (i < decimal.size() && decimal[i] == '.') {
    int64_t digits = 0;
    int64_t power = 1;
    for (++i; i < decimal.size() && decimal[i] >= '0' && decimal[i] <= '9'; ++i) {
      if (power == 1'000'000'000) continue;
      digits = 10 * digits + (decimal[i] - '0');
      power *= 10;
    }
    __extension__ using Wide = __int128;
    rest = static_cast<int64_t>(static_cast<Wide>(digits) * scale / power);
  }
  if (i != decimal.size()) return std::nullopt;
  return whole * scale + rest;
}

bool TraceRows::add(const Row& row) {
  constexpr int64_t kMost = std::numeric_limits<uint32_t>::max();
  if (!row.input || *row.input < 0 || *row.input > kMost) fail("its input is no number of tokens");
  if (!row.output || *row.output < 0 || *row.output > kMost) {
    fail("its output is no number of tokens");
  }
  if (*row.output == 0) {
    if (trace_.without_output.count++ == 0) trace_.without_output.first_line = lines_.number();
    return false;
  }
  trace_.has_sessions |= row.session.has_value();
  const uint64_t session = row.session ? std::hash<std::string_view>()(*row.session) : ++unnamed_;
  trace_.requests.push_back({.at = Duration(row.at_ns),
                             .session = session,
                             .input_tokens = static_cast<uint32_t>(*row.input),
                             .output_tokens = static_cast<uint32_t>(*row.output),
                             .think = Duration(row.think_ns.value_or(-1))});
  return true;
}

void TraceRows::add_block(uint64_t id, std::string_view scope) {
  const uint64_t salt = scope.empty() ? 0 : std::hash<std::string_view>()(scope) | 1;
  const auto number = static_cast<uint32_t>(numbers_.size());
  const auto [found, fresh] = numbers_.emplace(id ^ (salt * 0x9E3779B97F4A7C15), number);
  trace_.block_ids += fresh ? 1 : 0;
  trace_.blocks.push_back(found->second);
}

void TraceRows::fail(const std::string& what, const std::string& next) const {
  throw Error{{.what = what, .where = lines_.where(), .next = next}};
}

Trace read_trace(const std::filesystem::path& path, const TraceOptions& options) {
  const std::string name = path.string();
  const Descriptor file(open_trace(name));
  const std::optional<int> inside = unpack_if_compressed(file.get(), name);
  const Descriptor unpacked(inside.value_or(-1));
  const int fd = inside ? unpacked.get() : file.get();
  off_t offset = 0;
  LineReader lines(
      [fd, offset, &name](char* into, size_t size) mutable {
        const ssize_t got = ::pread(fd, into, size, offset);
        if (got < 0) {
          throw Error{{.what = std::string("cannot read the trace: ") + std::strerror(errno),
                       .where = name}};
        }
        offset += got;
        return static_cast<size_t>(got);
      },
      name);
  return read_trace_lines(lines, name, options);
}

Trace read_trace_lines(LineReader& lines, const std::string& name, const TraceOptions& options) {
  std::string first;
  while (first.empty()) {
    const std::optional<std::string_view> line = lines.next();
    if (!line) break;
    std::string_view text = *line;
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    first = trim(text);
  }
  if (first.empty()) {
    throw Error{{.what = "the trace is empty", .where = name, .next = "get it again"}};
  }
  const bool is_json = first.front() == '{';
  std::optional<TraceFormat> format = options.format;
  if (!format) format = is_json ? format_of_json(first) : format_of_table(first);
  if (!format) {
    throw Error{{.what = "no known trace begins so: " + printable(first, 120),
                 .where = lines.where(),
                 .next = is_json ? "Mooncake's, Bailian's and Weka's are read; docs/traces.md"
                                 : "name its columns: --columns at=…,input=…,output=…"}};
  }
  Trace trace{.format = *format};
  const bool of_objects = *format == TraceFormat::kMooncake || *format == TraceFormat::kBailian ||
                          *format == TraceFormat::kWeka;
  if (of_objects != is_json) {
    throw Error{{.what = "is no trace of " + std::string(title_of(*format)),
                 .where = lines.where(),
                 .next = "leave --as out, so that its first line says what it is"}};
  }
  if (is_json) {
    read_json_rows(trace, lines, first, options);
  } else {
    read_table(trace, lines, first, options);
  }
  if (trace.requests.empty()) {
    throw Error{{.what = "the trace has no request", .where = name, .next = "get it again"}};
  }
  settle_order(trace);
  return trace;
}

}  // namespace llmsweep
