// What a terminal shows after some bytes: enough of one to check the live view. Each character is
// one column wide.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace llmsweep::testing {

// Understands \r, \n, cursor up, erase below and colours.
inline std::vector<std::string> screen_after(const std::string& bytes, size_t columns) {
  std::vector<std::string> rows(1);
  size_t row = 0;
  size_t column = 0;
  const auto next_row = [&] {
    if (++row == rows.size()) rows.emplace_back();
  };
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\r') {
      column = 0;
    } else if (bytes[i] == '\n') {
      next_row();
      column = 0;
    } else if (bytes[i] == '\x1b') {
      const size_t end = bytes.find_first_of("AJm", i);
      if (end == std::string::npos) return rows;
      if (bytes[end] == 'A') {
        row -= std::min(row, static_cast<size_t>(std::stoi(bytes.substr(i + 2, end - i - 2))));
      }
      if (bytes[end] == 'J') {
        rows.resize(row + 1);
        rows[row].resize(std::min(column, rows[row].size()));
      }
      i = end;
    } else {
      if (column == columns) {
        next_row();
        column = 0;
      }
      rows[row].resize(std::max(rows[row].size(), column + 1), ' ');
      rows[row][column++] = bytes[i];
    }
  }
  return rows;
}

}  // namespace llmsweep::testing
