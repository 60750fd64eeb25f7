#include "report/markdown_table.h"

#include "report/escape.h"

namespace llmsweep::report {

std::string markdown_table(const TextTable& table) {
  std::string head = "|", rule = "|", body;
  for (const Column& column : table.columns) {
    const std::string unit = column.unit.empty() ? "" : " (" + column.unit + ")";
    head += " " + markdown(column.title + unit) + " |";
    rule += column.align == Align::kRight ? "---:|" : "---|";
  }
  for (const Row& row : table.rows) {
    body += "|";
    for (const std::string& cell : row.cells) body += " " + markdown(cell) + " |";
    body += "\n";
  }
  std::string text = "**" + markdown(table.title) + "**\n\n" + head + "\n" + rule + "\n" + body;
  if (!table.footer.empty()) text += "\n" + markdown(table.footer) + "\n";
  return text;
}

}  // namespace llmsweep::report
