#include "report/html_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/model/names.h"
#include "llmsweep/report/compare_table.h"
#include "llmsweep/report/table.h"
#include "report/cells.h"
#include "report/client_words.h"
#include "report/escape.h"
#include "report/headline.h"
#include "report/svg.h"
#include "report/text_table.h"

namespace llmsweep::report {
namespace {

constexpr size_t kLongText = 65'536;  // of the spec and of the server's answers

Figure throughput(const LevelStats& level) {
  return {level, measure_of("throughput")};
}

const LevelStats* best_throughput(const SweepResult& result) {
  const LevelStats* best = nullptr;
  for (const LevelStats& level : result.levels) {
    const std::optional<double> tps = throughput(level).value;
    if (!level.pooled.valid || !tps) continue;
    if (best == nullptr || *tps > *throughput(*best).value) best = &level;
  }
  return best;
}

const char* css_of(Mood mood) {
  return mood == Mood::kGood ? "good" : mood == Mood::kNote ? "notice" : "bad";
}

std::string card(const SweepResult& result, size_t index) {
  std::string text =
      fmt::format("<div class=\"card\"><h3><span class=\"swatch s{}\"></span>{}</h3>",
                  index % kStyles, markup(result.name, 120));
  const CardHeadline headline = card_headline_of(result);
  text += "<p class=\"big\">" + markup(headline.large) + "</p>";
  for (const std::string& line : headline.below) text += "<p>" + markup(line, 500) + "</p>";
  const auto lowest = std::find_if(result.levels.begin(), result.levels.end(),
                                   [](const LevelStats& level) { return level.pooled.valid; });
  if (lowest != result.levels.end()) {
    text += fmt::format("<p>Median E2E {} ms at {}</p>",
                        ms_text(Figure(*lowest, measure_of("e2e")).value), text_of(lowest->point));
  }
  if (const LevelStats* best = best_throughput(result)) {
    const Figure per_gpu(*best, measure_of("throughput_per_gpu"));
    text += fmt::format(
        "<p>Up to {} tokens/s{} at {}</p>", figure_text(throughput(*best)),
        per_gpu.value && result.system.gpus != 1 ? " (" + figure_text(per_gpu) + " per GPU)" : "",
        text_of(best->point));
  }
  const ClientSentence trust = trust_of(result);
  return text + fmt::format("<p class=\"trust {}\">{}</p></div>\n", css_of(trust.mood),
                            markup(trust.text, 300));
}

std::string list_of(const std::vector<std::string>& sentences) {
  std::string text = "<ul class=\"sentences\">\n";
  for (const std::string& sentence : sentences) text += "<li>" + markup(sentence, 1000) + "</li>\n";
  return text + "</ul>\n";
}

std::string fact(std::string_view name, const std::string& value, size_t limit = 1000) {
  if (value.empty()) return "";
  return "<dt>" + std::string(name) + "</dt><dd>" + markup(value, limit) + "</dd>\n";
}

std::string folded(std::string_view title, const std::string& text) {
  if (text.empty() || text == "null") return "";
  // Line breaks of the spec's JSON are ours to keep; everything else is escaped line by line.
  std::string body;
  for (const std::string& line : split(text.substr(0, kLongText), '\n')) {
    body += markup(line, kLongText) + "\n";
  }
  if (text.size() > kLongText) body += "…\n";
  return "<details><summary>" + std::string(title) + "</summary><pre tabindex=\"0\">" + body +
         "</pre></details>\n";
}

std::string setup_of(const SweepResult& result) {
  const Provenance& by = result.provenance;
  std::string text = "<h3>" + markup(result.name, 120) + "</h3>\n<dl class=\"facts\">\n";
  text += fact("Command", by.command, 4096);
  text += fact("Model", result.model) + fact("System", system_line(result.system));
  text += fact("Checkpoint", result.system.checkpoint);
  if (result.system.weights_gb) {
    text += fact("Weights", format_significant(*result.system.weights_gb) + " GB");
  }
  text += fact("Workload", workload_line(result.workload));
  text += fact("Load", replay_line(result)) + fact("Prompt set", result.workload.prompt_set_sha256);
  text += fact("Tokenizer", result.workload.tokenizer_path);
  text += fact("Made", result.created_at + (result.tool.empty() ? "" : " by " + result.tool));
  text += fact("Client", by.host.empty() ? ""
                                         : fmt::format("{}, {} cores, {}, libcurl {}", by.host,
                                                       by.cores, by.kernel, by.libcurl));
  if (!by.transport.empty()) text += fact("Transport", by.transport);
  text += fact("Endpoint", by.resolved_address);
  text += fact("Fields refused by the server", join(by.dropped_fields, ", "));
  for (const auto& [name, score] : result.quality) {
    text += "<dt>" + markup(name, 120) + "</dt><dd>" + format_number(score, 3) + "</dd>\n";
  }
  text += "</dl>\n";
  for (const std::string& note : by.notes) {
    text += "<p class=\"note\">" + markup(note, 2000) + "</p>\n";
  }
  std::string headers;
  for (const auto& [name, value] : by.server_headers) headers += name + ": " + value + "\n";
  return text + folded("The spec, resolved", result.spec_json) +
         folded("The server's answer to /v1/models", by.models_json) +
         folded("Headers of the server", headers);
}

// "INVALID: 2 of 7 levels"; empty where none is.
std::string invalid_badge(std::span<const SweepResult> results) {
  size_t invalid = 0, levels = 0;
  for (const SweepResult& result : results) {
    levels += result.levels.size();
    for (const LevelStats& level : result.levels) invalid += level.pooled.valid ? 0 : 1;
  }
  if (invalid == 0) return "";
  return fmt::format("<li class=\"badge invalid\">INVALID: {} of {} {}</li>", invalid, levels,
                     levels == 1 ? "level" : "levels");
}

}  // namespace

std::string html_badges(std::span<const SweepResult> results) {
  std::vector<std::string> marks;
  for (const SweepResult& result : results) {
    for (const std::string& mark : marks_of(result)) {
      if (std::find(marks.begin(), marks.end(), mark) == marks.end()) marks.push_back(mark);
    }
  }
  const std::string invalid = invalid_badge(results);
  if (marks.empty() && invalid.empty()) return "";
  std::string text = "<ul class=\"badges\" aria-label=\"What to know first\">" + invalid;
  for (const std::string& mark : marks) {
    const auto carriers = std::count_if(results.begin(), results.end(), [&](const auto& result) {
      const std::vector<std::string> own = marks_of(result);
      return std::find(own.begin(), own.end(), mark) != own.end();
    });
    const bool all = static_cast<size_t>(carriers) == results.size();
    text += "<li class=\"badge\">" + markup(mark) +
            (all ? "" : fmt::format(" ({} of {})", carriers, results.size())) + "</li>";
  }
  return text + "</ul>\n";
}

std::string html_lead(std::span<const SweepResult> results) {
  std::set<std::string> lines;
  for (const SweepResult& result : results) {
    std::vector<std::string> parts;
    if (!result.model.empty()) parts.push_back(printable(result.model, 120));
    const std::string workload = workload_line(result.workload);
    if (!workload.empty()) parts.push_back(workload);
    lines.insert(join(parts, " · "));
  }
  std::string text;
  for (const std::string& line : lines) text += "<p class=\"lead\">" + markup(line, 600) + "</p>\n";
  return text;
}

std::string html_headline(const HtmlInput& input) {
  std::string text = "<div class=\"cards\">\n";
  std::vector<Column> said = {{.title = {}, .terms = terms_of(measure_of("e2e"))}};
  for (size_t i = 0; i < input.results.size(); ++i) {
    text += card(input.results[i], i);
    said.push_back({.title = {}, .terms = headline_terms(input.results[i])});
  }
  text += "</div>\n";
  if (input.results.empty()) return text;
  text += "<p class=\"hint\">" + markup(terms_of(said), 1000) + ".</p>\n";
  if (input.results.size() == 1) {
    const std::vector<std::string> sentences = users_sentences(input.results.front());
    return sentences.empty() ? text : text + list_of(sentences);
  }
  if (!input.not_compared.empty()) {
    text +=
        "<p class=\"note\">These results are not compared, and their figures do not stand for "
        "each other: " +
        markup(input.not_compared, 2000) + "</p>\n";
  }
  for (const Comparison& comparison : input.comparisons) {
    text += "<h3>" + markup(comparison.candidate_name, 120) + " against " +
            markup(comparison.baseline_name, 120) + "</h3>\n" +
            list_of(headline_sentences(comparison));
  }
  return text;
}

std::string html_findings(std::span<const SweepResult> results) {
  std::string text;
  for (const SweepResult& result : results) {
    for (const Finding& finding : findings_of(result)) {
      text += fmt::format("<li class=\"{}\"><strong>{}</strong>{}{}: {}",
                          finding.invalid || finding.failure ? "bad" : "notice",
                          finding.invalid   ? "Invalid"
                          : finding.failure ? "Failed"
                          : finding.server  ? "Server"
                                            : "Warning",
                          results.size() > 1 ? markup(result.name, 80) + ", " : "",
                          levels_text(finding.levels), markup(finding.text, 500));
      if (!finding.remedy.empty()) {
        text += "<span class=\"remedy\">" + markup(finding.remedy, 500) + "</span>";
      }
      text += "</li>\n";
    }
  }
  if (text.empty()) return "<p>No level is invalid and nothing gave a warning.</p>\n";
  return "<ul class=\"findings\">\n" + text + "</ul>\n";
}

std::string html_client(std::span<const SweepResult> results) {
  std::string text;
  for (const SweepResult& result : results) {
    if (results.size() > 1) text += "<h3>" + markup(result.name, 120) + "</h3>\n";
    text += "<ul class=\"client\">\n";
    for (const ClientSentence& sentence : client_sentences(result)) {
      text += fmt::format("<li class=\"{}\">{}</li>\n", css_of(sentence.mood),
                          markup(sentence.text, 500));
    }
    text += "</ul>\n";
  }
  return text;
}

std::string html_provenance(std::span<const SweepResult> results) {
  std::string text;
  for (const SweepResult& result : results) text += setup_of(result);
  return text;
}

std::string html_requests(const HtmlInput& input) {
  const bool any = std::any_of(input.requests.begin(), input.requests.end(),
                               [](const auto& requests) { return !requests.empty(); });
  if (!any) return "";
  return std::string(html_assets().requests);
}

}  // namespace llmsweep::report
