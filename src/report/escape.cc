#include "report/escape.h"

#include "llmsweep/base/text.h"

namespace llmsweep::report {
namespace {

bool starts_with(std::string_view text, size_t at, std::string_view what) {
  return text.substr(at, what.size()) == what;
}

// Whether a spreadsheet would calculate with it. Some drop white space and invisible characters
// before the sign, and take full-width, small and raised signs for the plain ones.
bool is_formula(std::string_view text) {
  const std::string plain = compatibility_form(text);
  const size_t first = plain.find_first_not_of(" \t");
  return first != std::string::npos &&
         std::string_view("=+-@").find(plain[first]) != std::string_view::npos;
}

}  // namespace

std::string markup(std::string_view text, size_t limit) {
  const std::string shown = printable(text, limit);
  std::string escaped;
  for (size_t i = 0; i < shown.size(); ++i) {
    switch (shown[i]) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        // U+FFFE and U+FFFF are UTF-8 but not XML.
        if (starts_with(shown, i, "\xef\xbf\xbe") || starts_with(shown, i, "\xef\xbf\xbf")) {
          escaped += "\xef\xbf\xbd";
          i += 2;
        } else {
          escaped += shown[i];
        }
    }
  }
  return escaped;
}

std::string markdown(std::string_view text, size_t limit) {
  constexpr std::string_view kSpecial = "\\`*_{}[]()#+-.!|~$";
  const std::string shown = printable(text, limit);
  std::string escaped;
  for (const char c : shown) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '@') {
      escaped += "&#64;";
    } else if (c == ':') {
      escaped += "&#58;";  // no autolinked URL
    } else {
      // Between letters and digits these mean nothing, and "v1.2-rc8" stays readable in the source.
      const bool plain_here = c == '.' || c == '-' || c == '(' || c == ')' || c == '+';
      if (kSpecial.find(c) != std::string_view::npos && !(plain_here && !escaped.empty())) {
        escaped += '\\';
      }
      escaped += c;
    }
  }
  return escaped;
}

std::string csv_text(std::string_view text, size_t limit) {
  std::string shown = printable(text, limit);
  if (is_formula(shown)) shown.insert(0, 1, '\'');
  if (shown.find_first_of("\",\r\n;\t") == std::string::npos) return shown;
  std::string quoted = "\"";
  for (const char c : shown) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string script_json(std::string_view json) {
  std::string escaped;
  escaped.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '<') {
      escaped += "\\u003c";
    } else if (json[i] == '>') {
      escaped += "\\u003e";
    } else if (json[i] == '&') {
      escaped += "\\u0026";
    } else if (starts_with(json, i, "\xe2\x80\xa8") || starts_with(json, i, "\xe2\x80\xa9")) {
      escaped += json[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      escaped += json[i];
    }
  }
  return escaped;
}

}  // namespace llmsweep::report
