// Traces that are tables: Azure's, BurstGPT's, TraceLab's, and those whose columns are named.
#include "trace/trace_rows.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();

// The columns that a format's rows are made of; an empty name: it has none.
struct Columns {
  std::string_view at;
  std::string_view session;
  std::string_view input;
  std::string_view prefix;  // more of the input
  std::string_view output;
  std::string_view wait = {};  // between the end of this row's answer and the session's next row

  static constexpr size_t kNeeded = 5;  // the others a table may lack
  std::array<std::string_view, 6> all() const { return {at, session, input, prefix, output, wait}; }
};

constexpr Columns kAzure{"TIMESTAMP", "", "ContextTokens", "", "GeneratedTokens"};
constexpr Columns kBurstgpt{"Timestamp", "Session ID", "Request tokens", "", "Response tokens"};
constexpr Columns kTracelab{"arrival_time", "id",         "input_len",
                            "prefix_len",   "output_len", "tool_wait_after_ms"};

// The cells of a line, between commas; in quotes they may hold commas.
class Cells {
 public:
  explicit Cells(std::string_view line) : rest_(line) {
    if (rest_.ends_with('\r')) rest_.remove_suffix(1);
  }
  // Nothing after the last.
  std::optional<std::string_view> next() {
    if (over_) return std::nullopt;
    const bool quoted = rest_.starts_with('"');
    size_t end = quoted ? rest_.find('"', 1) : rest_.find(',');
    std::string_view cell = quoted ? rest_.substr(1, end - 1) : rest_.substr(0, end);
    if (quoted && end != std::string_view::npos) end = rest_.find(',', end);
    over_ = end == std::string_view::npos;
    rest_.remove_prefix(over_ ? rest_.size() : end + 1);
    return cell;
  }

 private:
  std::string_view rest_;
  bool over_ = false;
};

bool has_columns(std::string_view header, const Columns& columns) {
  std::vector<std::string_view> names;
  Cells cells(header);
  while (const auto cell = cells.next()) names.push_back(*cell);
  const auto wanted = columns.all();
  return std::all_of(wanted.begin(), wanted.begin() + Columns::kNeeded, [&](auto name) {
    return name.empty() || std::find(names.begin(), names.end(), name) != names.end();
  });
}

// "2023-11-16 18:17:03.9799600", which may end with Z or +00:00, in ns.
std::optional<int64_t> nanoseconds_of_date(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  if (text.ends_with("+00:00")) text.remove_suffix(6);
  constexpr size_t kSeconds = 17;  // behind "2023-11-16 18:17:"
  const bool shaped = text.size() > kSeconds && text[4] == '-' && text[7] == '-' &&
                      (text[10] == ' ' || text[10] == 'T') && text[13] == ':' && text[16] == ':';
  if (!shaped) return std::nullopt;
  const auto part = [&](size_t from, size_t size) { return scaled(text.substr(from, size), 1); };
  const auto year = part(0, 4), month = part(5, 2), day = part(8, 2);
  const auto hour = part(11, 2), minute = part(14, 2);
  const auto second = scaled(text.substr(kSeconds), 1'000'000'000);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  constexpr int64_t kFirstYear = 1970, kLastYear = 2261;  // of 64 bits of nanoseconds
  if (!date.ok() || *year < kFirstYear || *year > kLastYear || *hour > 23 || *minute > 59 ||
      *second >= 61'000'000'000) {
    return std::nullopt;
  }
  const std::chrono::sys_days days = date;
  const std::chrono::nanoseconds at =
      days.time_since_epoch() + std::chrono::hours(*hour) + std::chrono::minutes(*minute);
  return at.count() + *second;
}

class TableReader {
 public:
  TableReader(Trace& trace, LineReader& lines, const Columns& columns, int64_t unit_ns)
      : lines_(lines), rows_(trace, lines), columns_(columns), unit_ns_(unit_ns) {}

  void read(std::string_view header) {
    find_columns(header);
    while (const std::optional<std::string_view> line = lines_.next()) {
      if (trim(*line).empty()) continue;
      read_row(*line);
    }
  }

 private:
  void find_columns(std::string_view header) {
    const auto wanted = columns_.all();
    Cells cells(header);
    for (size_t column = 0; const auto cell = cells.next(); ++column) {
      const std::string_view name = trim(*cell);
      for (size_t i = 0; i < wanted.size(); ++i) {
        if (!wanted[i].empty() && wanted[i] == name) at_column_[i] = column;
      }
    }
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i].empty()) continue;
      if (at_column_[i] == kNone && i >= Columns::kNeeded) continue;
      if (at_column_[i] == kNone) {
        rows_.fail("the table has no column '" + printable(wanted[i]) + "'",
                   "name one of its columns; the first line has them");
      }
      last_ = std::max(last_, at_column_[i]);
    }
  }

  void read_row(std::string_view line) {
    std::array<std::string_view, 6> found;
    Cells cells(line);
    for (size_t column = 0; column <= last_; ++column) {
      const auto cell = cells.next();
      if (!cell) rows_.fail("the row has fewer cells than the first line names");
      for (size_t i = 0; i < found.size(); ++i) {
        if (at_column_[i] == column) found[i] = *cell;
      }
    }
    const auto& [at, session, input, prefix, output, wait] = found;
    const bool is_date = at.size() > 10 && at[4] == '-';
    const auto at_ns = is_date ? nanoseconds_of_date(at) : scaled(at, unit_ns_);
    if (!at_ns) rows_.fail("'" + printable(at, 40) + "' is no instant");
    TraceRows::Row row{.at_ns = *at_ns, .input = scaled(input, 1), .output = scaled(output, 1)};
    if (!session.empty()) row.session = session;
    if (!columns_.prefix.empty() && row.input) {
      const auto more = scaled(prefix, 1);
      const bool fits = more && *row.input <= std::numeric_limits<int64_t>::max() - *more;
      row.input = fits ? std::optional(*row.input + *more) : std::nullopt;
    }
    take_wait(row, wait);
    rows_.add(row);
  }

  // Of the session's row before this one; that of this row is kept for the next.
  void take_wait(TraceRows::Row& row, std::string_view wait) {
    if (at_column_.back() == kNone || !row.session) return;
    constexpr int64_t kMilliseconds = 1'000'000;
    const auto wait_ns = wait.empty() ? std::optional<int64_t>(0) : scaled(wait, kMilliseconds);
    if (!wait_ns) rows_.fail("'" + printable(wait, 40) + "' is no time to wait");
    const auto [before, first] = waits_.try_emplace(std::string(*row.session), *wait_ns);
    if (first) return;
    row.think_ns = std::exchange(before->second, *wait_ns);
  }

  LineReader& lines_;
  TraceRows rows_;
  Columns columns_;
  int64_t unit_ns_;
  std::array<size_t, 6> at_column_ = {kNone, kNone, kNone, kNone, kNone, kNone};
  std::unordered_map<std::string, int64_t> waits_;  // of sessions: after their last row, ns
  size_t last_ = 0;                                 // the last column that is needed
};

Columns columns_of(TraceFormat format, const TraceOptions& options) {
  if (format == TraceFormat::kAzure) return kAzure;
  if (format == TraceFormat::kBurstgpt) return kBurstgpt;
  if (format == TraceFormat::kTracelab) return kTracelab;
  const auto named = [&](const char* what) {
    const auto found = options.columns.find(what);
    return found == options.columns.end() ? std::string_view() : std::string_view(found->second);
  };
  return {named("at"), named("session"), named("input"), "", named("output")};
}

int64_t unit_of(TraceFormat format, const TraceOptions& options) {
  if (format == TraceFormat::kCsv) return options.unit.count();
  return format == TraceFormat::kTracelab ? 1'000'000 : 1'000'000'000;
}

}  // namespace

std::optional<TraceFormat> format_of_table(std::string_view header) {
  if (has_columns(header, kAzure)) return TraceFormat::kAzure;
  if (has_columns(header, kBurstgpt)) return TraceFormat::kBurstgpt;
  if (has_columns(header, kTracelab)) return TraceFormat::kTracelab;
  return std::nullopt;
}

void read_table(Trace& trace, LineReader& lines, std::string_view header,
                const TraceOptions& options) {
  TableReader(trace, lines, columns_of(trace.format, options), unit_of(trace.format, options))
      .read(header);
}

}  // namespace llmsweep
