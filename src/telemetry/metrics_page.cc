#include "llmsweep/telemetry/metrics_page.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr std::string_view kBlank = " \t";

bool ends_name(char c) {
  return c == '{' || c == ' ' || c == '\t';
}

// What is left of a line that is read from its beginning.
class LineCursor {
 public:
  explicit LineCursor(std::string_view rest) : rest_(rest) {}

  void skip_blank() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlank), rest_.size()));
  }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool starts_with(char c) const { return rest_.starts_with(c); }
  bool empty() const { return rest_.empty(); }

  template <class Ends>
  std::string_view word(const Ends& ends) {
    size_t size = 0;
    while (size < rest_.size() && !ends(rest_[size])) ++size;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  // "text", with \\, \" and \n undone; nothing where it is none, or has no end.
  bool quoted(std::string& into) {
    into.clear();
    if (!take('"')) return false;
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c != '\\' || rest_.empty()) {
        into += c;
        continue;
      }
      const char escaped = rest_.front();
      rest_.remove_prefix(1);
      if (escaped != '\\' && escaped != '"' && escaped != 'n') into += '\\';
      into += escaped == 'n' ? '\n' : escaped;
    }
    return false;
  }

 private:
  std::string_view rest_;
};

// As the formats write it: 1, 1e+06, NaN, +Inf.
std::optional<double> number_in(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Behind the opening brace. A quoted text without '=' is the sample's name.
bool read_labels(LineCursor& cursor, std::string& quoted_name,
                 std::vector<std::pair<std::string, std::string>>& labels) {
  while (true) {
    cursor.skip_blank();
    if (cursor.take('}')) return true;
    std::string key;
    const bool is_quoted = cursor.starts_with('"');
    if (is_quoted) {
      if (!cursor.quoted(key)) return false;
    } else {
      key = trim(cursor.word([](char c) { return c == '=' || c == '}' || c == ','; }));
    }
    cursor.skip_blank();
    if (cursor.take('=')) {
      cursor.skip_blank();
      std::string value;
      if (key.empty() || !cursor.quoted(value) || labels.size() == kMostMetricsLabels) return false;
      labels.emplace_back(std::move(key), std::move(value));
    } else if (is_quoted && quoted_name.empty()) {
      quoted_name = std::move(key);
    } else {
      return false;
    }
    cursor.skip_blank();
    if (!cursor.take(',') && !cursor.starts_with('}')) return false;
  }
}

}  // namespace

std::string_view MetricSample::label(std::string_view key) const {
  for (const auto& [name_of_label, value_of_label] : labels) {
    if (name_of_label == key) return value_of_label;
  }
  return {};
}

void MetricsPageReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > kLongestMetricsLine) too_long_ = true;
    if (end == std::string_view::npos) {
      if (!too_long_) line_ += piece;
      return;
    }
    bytes.remove_prefix(end + 1);
    if (too_long_) {
      ++broken_;
    } else if (line_.empty()) {
      read_line(piece);
    } else {
      line_ += piece;
      read_line(line_);
    }
    line_.clear();
    too_long_ = false;
  }
}

void MetricsPageReader::finish() {
  if (too_long_) ++broken_;
  if (!too_long_ && !line_.empty()) read_line(line_);
  line_.clear();
  too_long_ = false;
}

void MetricsPageReader::read_line(std::string_view line) {
  line = trim(line);
  if (line.empty() || line.front() == '#') return;
  LineCursor cursor(line);
  labels_.clear();
  name_.clear();
  std::string_view name = cursor.word(ends_name);
  cursor.skip_blank();
  bool good = !cursor.take('{') || read_labels(cursor, name_, labels_);
  if (name.empty()) name = name_;
  cursor.skip_blank();
  const std::optional<double> value =
      number_in(cursor.word([](char c) { return c == ' ' || c == '\t'; }));
  good = good && !name.empty() && value.has_value();
  if (!good) {
    ++broken_;
    return;
  }
  ++samples_;
  sink_({.line = line, .name = name, .labels = labels_, .value = *value});
}

void read_metrics_page(std::string_view page, const MetricSink& sink) {
  MetricsPageReader reader(sink);
  reader.feed(page);
  reader.finish();
}

}  // namespace llmsweep
