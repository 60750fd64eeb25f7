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

// Of the three that are markup everywhere; null of the others.
const char* entity_of(char c) {
  return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : nullptr;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// "1. a", and not "25.0".
bool begins_list(std::string_view text, size_t at) {
  const bool ends_word = at + 1 == text.size() || text[at + 1] == ' ';
  return at > 0 && ends_word && text.find_first_not_of("0123456789") == at;
}

// Whether GitHub's Markdown reads the character as more than itself. The rest stays as it is: the
// source is read too, in chats, terminals and tickets.
bool means_something(std::string_view text, size_t at) {
  const bool before = at > 0 && is_word(text[at - 1]);
  const bool after = at + 1 < text.size() && is_word(text[at + 1]);
  switch (text[at]) {
    case '\\':
    case '`':
    case '*':
    case '|':
    case '~':
    case '$':
      return true;
    case '_':
      return !(before && after);
    case '#':  // a heading, or an issue
      return at == 0 || after;
    case '[':  // a task
      return at == 0;
    case ']':  // of a link
      return at + 1 < text.size() && text[at + 1] != ' ' && text[at + 1] != ',';
    case '-':
    case '+':
    case '=':
      return at == 0;
    case '.':  // a list, or www.
      return begins_list(text, at) || (at >= 3 && text.substr(at - 3, 3) == "www");
    case ')':
      return begins_list(text, at);
    default:
      return false;
  }
}

}  // namespace

std::string markup(std::string_view text, size_t limit) {
  const std::string shown = printable(text, limit);
  std::string escaped;
  for (size_t i = 0; i < shown.size(); ++i) {
    if (const char* entity = entity_of(shown[i])) {
      escaped += entity;
      continue;
    }
    switch (shown[i]) {
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
  const std::string shown = printable(text, limit);
  std::string escaped;
  for (size_t i = 0; i < shown.size(); ++i) {
    if (const char* entity = entity_of(shown[i])) {
      escaped += entity;
      continue;
    }
    switch (shown[i]) {
      case '@':
        escaped += "&#64;";  // a mention, or an address
        break;
      case ':':  // https://e.org, mailto:, xmpp:
        escaped += i + 1 < shown.size() && shown[i + 1] != ' ' ? "&#58;" : ":";
        break;
      default:
        if (means_something(shown, i)) escaped += '\\';
        escaped += shown[i];
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
