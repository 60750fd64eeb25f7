#include "dataset/table_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "dataset/dataset_keys.h"
#include "dataset/nameless_file.h"
#include "dataset/record_parser.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/text.h"

namespace llmsweep {

namespace {

constexpr size_t kTablePiece = size_t{256} << 10;
constexpr char kNoCells = '\n';          // a row is one cell, and quotes are text
constexpr const char* kLines = "lines";  // each is a prompt

// Cells of rows, as RFC 4180 has them: a quoted one may hold separators, line ends and doubled
// quotes.
class TableReader {
 public:
  // `separator` 0: a row is one cell; kNoCells: likewise, whatever is in it.
  TableReader(int fd, char separator, const std::string& name)
      : fd_(fd), separator_(separator), name_(name), piece_(kTablePiece) {}

  // The next row's cells; false at the end.
  bool next(std::vector<std::string>& cells) {
    cells.assign(1, {});
    ++row_;
    size_t bytes = 0;
    bool quoted = false;
    bool any = false;
    for (int c = take(); c >= 0; c = take()) {
      any = true;
      std::string& cell = cells.back();
      if (quoted) {
        if (c != '"') {
          cell += static_cast<char>(c);
        } else if (peek() == '"') {
          cell += static_cast<char>(take());
        } else {
          quoted = false;
        }
      } else if (c == '"' && cell.empty() && separator_ != kNoCells) {
        quoted = true;
      } else if (c == separator_ && separator_ != '\0' && separator_ != kNoCells) {
        cells.emplace_back();
      } else if (c == '\n') {
        return true;
      } else if (c != '\r' || peek() != '\n') {
        cell += static_cast<char>(c);
      }
      if (++bytes > kMaxRecordBytes) fail("is longer than 64 MiB: is a quote missing?");
    }
    if (quoted) fail("does not end: a quoted cell is open, or the file is cut short");
    return any;
  }

 private:
  int peek() {
    if (at_ == size_) {
      size_ = read_some(fd_, offset_, piece_.data(), piece_.size(), name_);
      offset_ += size_;
      at_ = 0;
      if (size_ == 0) return -1;
    }
    return static_cast<unsigned char>(piece_[at_]);
  }
  int take() {
    const int c = peek();
    if (c >= 0) ++at_;
    return c;
  }
  [[noreturn]] void fail(const char* what) const {
    throw Error{{.what = fmt::format("row {} of the table {}", row_, what),
                 .where = name_,
                 .next = "get the file again, or write it anew with every quote doubled"}};
  }

  int fd_;
  char separator_;
  const std::string& name_;
  std::vector<char> piece_;
  uint64_t offset_ = 0;
  size_t at_ = 0;
  size_t size_ = 0;
  int64_t row_ = 0;
};

char separator_of(std::string_view line) {
  for (const char separator : {'\t', ',', ';'}) {
    if (line.find(separator) != std::string_view::npos) return separator;
  }
  return '\0';
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

std::string_view without_mark(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  return bytes;
}

// A column's name as records have it; its own where they have none like it.
std::string key_of(std::string_view column) {
  column = trim(without_mark(column));
  std::string lower = lower_case(column);
  return is_record_key(lower) ? lower : std::string(column);
}

void append_member(const std::string& key, const std::string& cell, nlohmann::ordered_json& row) {
  const std::string_view trimmed = trim(cell);
  if (trimmed.empty() || !is_record_key(key)) return;
  const auto number = is_length_key(key) ? parse_double(trimmed) : std::nullopt;
  if (number) {
    row[key] = *number;
  } else {
    row[key] = cell;
  }
}

// What the row is as a line of JSON; one that is of no use is skipped there for its reason.
std::string line_of_row(const std::vector<std::string>& keys,
                        const std::vector<std::string>& cells) {
  if (!std::all_of(cells.begin(), cells.end(), is_valid_utf8)) return "\"\xFF\"\n";
  nlohmann::ordered_json row = nlohmann::ordered_json::object();
  const bool fits = cells.size() <= keys.size();  // else a separator is not quoted
  for (size_t i = 0; fits && i < cells.size(); ++i) append_member(keys[i], cells[i], row);
  return row.dump() + "\n";
}

// The place of the column called so, in the same case or else in any; npos: there is none.
size_t place_of(const std::vector<std::string>& names, const std::string& column) {
  const auto find = [&](const auto& same) {
    return static_cast<size_t>(std::find_if(names.begin(), names.end(), same) - names.begin());
  };
  size_t at = find([&](const std::string& name) { return trim(without_mark(name)) == column; });
  if (at == names.size()) {
    const std::string lower = lower_case(column);
    at = find(
        [&](const std::string& name) { return lower_case(trim(without_mark(name))) == lower; });
  }
  return at == names.size() ? std::string::npos : at;
}

[[noreturn]] void no_such_column(const std::vector<std::string>& names, const std::string& column,
                                 const std::string& file) {
  if (names.empty()) {
    throw Error{{.what = fmt::format("a column, '{}', is named of a file that is no table",
                                     printable(column, 60)),
                 .where = file,
                 .next = "records of JSON are read by their keys, without #COLUMN"}};
  }
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    if (shown.size() < 20) shown.push_back(printable(trim(without_mark(name)), 40));
  }
  throw Error{{.what = fmt::format("the table has no column '{}'", printable(column, 60)),
               .where = file,
               .next = fmt::format("its first line names {}; #{} makes each line a prompt",
                                   join(shown, ", "), kLines)}};
}

// What records call the columns where `chosen` holds the prompts: what stands beside it is a
// system prompt or a length, but no part of the question.
std::vector<std::string> keys_beside(const std::vector<std::string>& names, size_t chosen) {
  std::vector<std::string> keys;
  for (const std::string& name : names) {
    std::string key = key_of(name);
    if (keys.size() == chosen) {
      key = "prompt";
    } else if (!is_length_key(key) && !is_system_key(key)) {
      key.clear();
    }
    keys.push_back(std::move(key));
  }
  return keys;
}

int lines_as_prompts(int fd, const std::string& name) {
  TableReader table(fd, kNoCells, name);
  NamelessFile lines(name);
  std::vector<std::string> cells;
  for (bool first = true; table.next(cells); first = false) {
    if (first) cells.front() = std::string(without_mark(cells.front()));
    if (trim(cells.front()).empty()) continue;
    const std::string line = line_of_row({"prompt"}, cells);
    lines.append(line.data(), line.size());
  }
  return lines.release();
}

// The names that records have; none of them of text: no table of prompts.
std::vector<std::string> keys_of(const std::vector<std::string>& names) {
  std::vector<std::string> keys;
  std::transform(names.begin(), names.end(), std::back_inserter(keys), key_of);
  const bool any = std::any_of(keys.begin(), keys.end(), is_question_key);
  return any ? keys : std::vector<std::string>();
}

}  // namespace

std::optional<int> json_lines_of_table(int fd, const std::string& name, const std::string& column) {
  std::string head(4096, '\0');
  head.resize(read_some(fd, 0, head.data(), head.size(), name));
  const size_t first = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string::npos || head.find('\0') != std::string::npos) return std::nullopt;
  const size_t line_end = head.find('\n');
  const bool json = head[first] == '{' || head[first] == '[';
  if (json && column.empty()) return std::nullopt;
  TableReader table(fd, separator_of(std::string_view(head).substr(0, line_end)), name);
  std::vector<std::string> names;
  // JSON has no row of names, and a first line that goes on and on is none.
  const bool named = !json && line_end != std::string::npos && table.next(names);
  std::vector<std::string> keys;
  if (column.empty()) {
    if (named) keys = keys_of(names);
  } else if (const size_t chosen = place_of(names, column); chosen != std::string::npos) {
    keys = keys_beside(names, chosen);
  } else if (column == kLines) {
    return lines_as_prompts(fd, name);
  } else {
    no_such_column(names, column, name);
  }
  if (keys.empty()) return std::nullopt;
  NamelessFile lines(name);
  std::vector<std::string> cells;
  while (table.next(cells)) {
    if (cells.size() == 1 && trim(cells.front()).empty()) continue;
    const std::string line = line_of_row(keys, cells);
    lines.append(line.data(), line.size());
  }
  return lines.release();
}

}  // namespace llmsweep
