#include "report/text_table.h"

#include <algorithm>

#include "llmsweep/base/text.h"

namespace llmsweep::report {
namespace {

constexpr int kColumnGap = 2;

int columns_of(const std::string& text) {
  return static_cast<int>(display_width(text));
}

std::vector<int> widths_of(const std::vector<Column>& columns, const std::vector<Row>& rows) {
  std::vector<int> widths;
  for (size_t i = 0; i < columns.size(); ++i) {
    int width = std::max(columns_of(columns[i].title), columns_of(columns[i].unit));
    for (const Row& row : rows) width = std::max(width, columns_of(row.cells[i]));
    widths.push_back(width);
  }
  return widths;
}

int total(const std::vector<int>& widths) {
  int sum = -kColumnGap;
  for (const int width : widths) sum += width + kColumnGap;
  return sum;
}

std::string line_of(const std::vector<std::string>& cells, const std::vector<Column>& columns,
                    const std::vector<int>& widths) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const std::string pad(static_cast<size_t>(widths[i] - columns_of(cells[i])), ' ');
    if (i > 0) line.append(kColumnGap, ' ');
    line += columns[i].align == Align::kRight ? pad + cells[i] : cells[i] + pad;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

// The first bytes of `text` that fill at most `columns` columns, at least one character.
size_t bytes_in(const std::string& text, int columns) {
  size_t end = 0;
  while (end < text.size()) {
    size_t next = end + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
    if (end > 0 && columns_of(text.substr(0, next)) > columns) break;
    end = next;
  }
  return end;
}

}  // namespace

void fit_columns(std::vector<Column>& columns, std::vector<Row>& rows, const TableStyle& style) {
  while (total(widths_of(columns, rows)) > style.width) {
    const auto least =
        std::min_element(columns.begin(), columns.end(),
                         [](const Column& a, const Column& b) { return a.keep < b.keep; });
    if (least == columns.end() || least->keep >= Column::kAlways) return;
    const auto at = least - columns.begin();
    columns.erase(least);
    for (Row& row : rows) row.cells.erase(row.cells.begin() + at);
  }
}

std::string terms_of(const std::vector<Column>& columns) {
  std::vector<std::string> terms;
  for (const Column& column : columns) {
    for (const std::string& term : column.terms) {
      if (std::find(terms.begin(), terms.end(), term) == terms.end()) terms.push_back(term);
    }
  }
  return join(terms, "; ");
}

std::string render_table(std::vector<Column> columns, std::vector<Row> rows,
                         const TableStyle& style) {
  fit_columns(columns, rows, style);
  const std::vector<int> widths = widths_of(columns, rows);
  std::vector<std::string> titles;
  std::vector<std::string> units;
  for (const Column& column : columns) {
    titles.push_back(column.title);
    units.push_back(column.unit);
  }
  std::string rule;
  for (size_t i = 0; i < widths.size(); ++i) {
    if (i > 0) rule.append(kColumnGap, ' ');
    for (int k = 0; k < widths[i]; ++k) rule += style.unicode ? "─" : "-";
  }
  std::string text = paint(line_of(titles, columns, widths), "1", style) + "\n";
  const std::string second = line_of(units, columns, widths);
  if (!second.empty()) text += paint(second, "2", style) + "\n";
  text += paint(rule, "2", style) + "\n";
  for (const Row& row : rows) {
    const std::string line = line_of(row.cells, columns, widths);
    text += (row.sgr.empty() ? line : paint(line, row.sgr, style)) + "\n";
  }
  return text;
}

std::string paint(const std::string& text, const std::string& codes, const TableStyle& style) {
  if (!style.color || text.empty()) return text;
  return "\x1b[" + codes + "m" + text + "\x1b[0m";
}

std::string wrap(const std::string& text, int width, const std::string& indent) {
  std::string wrapped;
  std::string line;
  const auto flush = [&] {
    wrapped += line + "\n";
    line = indent;
  };
  bool empty = true;
  for (std::string word : split(text, ' ')) {
    if (!empty && columns_of(line) + 1 + columns_of(word) > width) {
      flush();
      empty = true;
    }
    if (!empty) line += ' ';
    while (columns_of(line) + columns_of(word) > width) {
      const size_t head = bytes_in(word, width - columns_of(line));
      if (head >= word.size()) break;
      line += word.substr(0, head);
      word.erase(0, head);
      flush();
    }
    line += word;
    empty = false;
  }
  return wrapped + line + "\n";
}

std::string fit(const std::string& text, int columns, bool unicode) {
  if (columns_of(text) <= columns) return text;
  return text.substr(0, bytes_in(text, columns - 1)) + (unicode ? "…" : "~");
}

}  // namespace llmsweep::report
