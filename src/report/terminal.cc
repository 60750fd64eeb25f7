#include "llmsweep/report/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr int kPipeColumns = 100;
constexpr int kTerminalColumns = 80;

std::string_view value_of(const GetEnv& get_env, const char* name) {
  const char* value = get_env(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// POSIX: the first of these that is set and not empty names the character encoding.
bool speaks_utf8(const GetEnv& get_env) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string locale(value_of(get_env, name));
    if (locale.empty()) continue;
    std::transform(locale.begin(), locale.end(), locale.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

std::optional<int> window_columns(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

Terminal detect_terminal(int fd, const GetEnv& get_env) {
  Terminal terminal;
  const bool is_terminal = isatty(fd) == 1;
  const std::string_view term = value_of(get_env, "TERM");
  terminal.live = is_terminal && !term.empty() && term != "dumb";
  terminal.style.color = terminal.live && value_of(get_env, "NO_COLOR").empty();
  terminal.style.unicode = speaks_utf8(get_env);
  const std::optional<int64_t> columns = parse_int(value_of(get_env, "COLUMNS"));
  terminal.style.width = is_terminal ? kTerminalColumns : kPipeColumns;
  if (columns && *columns >= 20 && *columns <= 1000)
    terminal.style.width = static_cast<int>(*columns);
  if (const std::optional<int> window = window_columns(fd)) terminal.style.width = *window;
  return terminal;
}

}  // namespace llmsweep
