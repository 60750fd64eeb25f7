#include "llmsweep/report/html.h"

#include <array>
#include <map>

#include "llmsweep/base/sha256.h"
#include "llmsweep/base/text.h"
#include "report/escape.h"
#include "report/html_parts.h"
#include "report/svg.h"

extern "C" {
extern const char llmsweep_report_page_begin[], llmsweep_report_page_end[];
extern const char llmsweep_report_section_begin[], llmsweep_report_section_end[];
extern const char llmsweep_report_style_begin[], llmsweep_report_style_end[];
extern const char llmsweep_report_common_begin[], llmsweep_report_common_end[];
extern const char llmsweep_report_drawing_begin[], llmsweep_report_drawing_end[];
extern const char llmsweep_report_charts_begin[], llmsweep_report_charts_end[];
extern const char llmsweep_report_tables_begin[], llmsweep_report_tables_end[];
extern const char llmsweep_report_timeline_begin[], llmsweep_report_timeline_end[];
extern const char llmsweep_report_requests_begin[], llmsweep_report_requests_end[];
extern const char llmsweep_report_main_begin[], llmsweep_report_main_end[];
}

namespace llmsweep {
namespace report {
namespace {

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  unsigned bits = 0;
  int count = 0;
  for (const char digit : hex) {
    bits = bits << 4 | static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    count += 4;
    while (count >= 6) {
      count -= 6;
      text += kDigits[bits >> count & 63];
    }
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::string hash_source(std::string_view text) {
  return "'sha256-" + base64_of_hex(sha256_hex(text)) + "'";
}

std::string policy(const HtmlAssets& assets) {
  return "default-src 'none'; script-src " + hash_source(assets.script) + "; style-src " +
         hash_source(assets.style) + "; img-src data: blob:; base-uri 'none'; form-action 'none'";
}

// Replaces each {{name}} of the page once; what is put in is not looked at again.
std::string fill(std::string_view page, const std::map<std::string_view, std::string>& slots) {
  std::string text;
  while (true) {
    const size_t open = page.find("{{");
    text += page.substr(0, open);
    if (open == std::string_view::npos) return text;
    const size_t close = page.find("}}", open);
    text += slots.at(page.substr(open + 2, close - open - 2));
    page.remove_prefix(close + 2);
  }
}

std::string title_of(const HtmlInput& input) {
  if (!input.title.empty()) return input.title;
  std::vector<std::string> names;
  for (const SweepResult& result : input.results) names.push_back(printable(result.name, 80));
  return names.empty() ? "No results" : join(names, " · ");
}

std::string file_name_of(const HtmlInput& input, size_t index) {
  if (input.results.size() < 2) return "result.json";
  std::string name;
  for (const char c : input.results[index].name.substr(0, 60)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_';
    name += plain ? c : '-';
  }
  return std::to_string(index + 1) + "-" + name + ".json";
}

std::string raw_results(const HtmlInput& input) {
  std::string text;
  for (size_t i = 0; i < input.result_json.size() && i < input.results.size(); ++i) {
    if (input.result_json[i].empty()) continue;
    text += "<script type=\"application/json\" data-result=\"" + file_name_of(input, i) + "\">" +
            script_json(repair_utf8(input.result_json[i])) + "</script>\n";
  }
  return text;
}

std::string navigation(bool with_comparison, bool with_requests) {
  const auto link = [](std::string_view id, std::string_view text) {
    return "<a href=\"#" + std::string(id) + "\">" + std::string(text) + "</a>\n";
  };
  std::string text = link("charts", "Charts");
  if (with_comparison) text += link("comparison", "Comparison");
  text += link("levels", "Levels");
  if (with_requests) text += link("requests", "Requests");
  return text + link("client", "Trust") + link("measured", "Setup") + link("files", "Files");
}

}  // namespace

HtmlAssets html_assets() {
  HtmlAssets assets;
  assets.page = between(llmsweep_report_page_begin, llmsweep_report_page_end);
  assets.requests = between(llmsweep_report_section_begin, llmsweep_report_section_end);
  assets.style = fill(between(llmsweep_report_style_begin, llmsweep_report_style_end),
                      {{"colours", page_colours(false)}, {"dark_colours", page_colours(true)}});
  for (const std::string_view file :
       {between(llmsweep_report_common_begin, llmsweep_report_common_end),
        between(llmsweep_report_drawing_begin, llmsweep_report_drawing_end),
        between(llmsweep_report_charts_begin, llmsweep_report_charts_end),
        between(llmsweep_report_tables_begin, llmsweep_report_tables_end),
        between(llmsweep_report_timeline_begin, llmsweep_report_timeline_end),
        between(llmsweep_report_requests_begin, llmsweep_report_requests_end),
        between(llmsweep_report_main_begin, llmsweep_report_main_end)}) {
    assets.script += file;
  }
  return assets;
}

}  // namespace report

std::string html_report(const HtmlInput& input) {
  using namespace report;  // NOLINT: the parts of this page
  const HtmlAssets assets = html_assets();
  const std::string requests = html_requests(input);
  const std::string comparison = html_comparison(input.comparisons);
  return fill(assets.page, {{"policy", policy(assets)},
                            {"title", markup(title_of(input), 400)},
                            {"style", assets.style},
                            {"badges", html_badges(input.results)},
                            {"lead", html_lead(input.results)},
                            {"navigation", navigation(!comparison.empty(), !requests.empty())},
                            {"headline", html_headline(input)},
                            {"comparison", comparison},
                            {"levels", html_levels(input)},
                            {"requests", requests},
                            {"findings", html_findings(input.results)},
                            {"client", html_client(input.results)},
                            {"provenance", html_provenance(input.results)},
                            {"data", html_data(input)},
                            {"raw", raw_results(input)},
                            {"script", assets.script}});
}

}  // namespace llmsweep
