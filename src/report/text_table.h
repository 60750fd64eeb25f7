// Aligned columns for a terminal: two header rows, columns that give way when it is narrow.
#pragma once

#include <string>
#include <vector>

#include "llmsweep/model/quantity.h"
#include "llmsweep/report/table.h"

namespace llmsweep::report {

enum class Align { kLeft, kRight };

struct Column {
  std::string title;
  std::string unit;  // second header row
  Align align = Align::kRight;
  int keep = 0;  // the lowest gives way first where the width does not do; kAlways never
  std::vector<std::string> terms = {};  // what its title's terms mean, for below the table
  static constexpr int kAlways = Shown::kAlways;
};

struct Row {
  std::vector<std::string> cells;  // one a column; plain text, already printable
  std::string sgr;                 // such as "31"; used only with style.color
};

// As every rendering shows it. Cells are printable, not escaped.
struct TextTable {
  std::string title;
  std::vector<Column> columns;
  std::vector<Row> rows;
  std::string footer;  // one sentence; may be empty
};

// Leaves the columns that `style.width` has room for.
void fit_columns(std::vector<Column>& columns, std::vector<Row>& rows, const TableStyle& style);
// The terms of the columns, each once: "E2E: …; TTFT: …". Empty: there are none.
std::string terms_of(const std::vector<Column>& columns);

std::string render_table(std::vector<Column> columns, std::vector<Row> rows,
                         const TableStyle& style);

// `text` between SGR `codes` and a reset; unchanged without colour.
std::string paint(const std::string& text, const std::string& codes, const TableStyle& style);

// Breaks `text` at spaces into lines of at most `width` columns; the following lines are indented.
// A word that is wider is cut in two.
std::string wrap(const std::string& text, int width, const std::string& indent);

// Cuts valid UTF-8 to at most `columns` columns, with "…" (or "~") where it was longer.
std::string fit(const std::string& text, int columns, bool unicode);

}  // namespace llmsweep::report
