#include "llmsweep/report/compare_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "llmsweep/base/text.h"
#include "report/compare_rows.h"
#include "report/escape.h"
#include "report/markdown_table.h"
#include "report/text_table.h"

namespace llmsweep {

using report::short_number;
using report::TextTable;
using report::times_text;

namespace {

constexpr size_t kSentenceBytes = 1000;

// "8 users on 4 GPUs against 1 on 8: ", where that is not what is said per GPU anyway.
std::string whole_users(const Headline& headline, const Comparison& comparison) {
  const int here = comparison.candidate_system.gpus, there = comparison.baseline_system.gpus;
  const auto users =
      std::find_if(comparison.users.begin(), comparison.users.end(),
                   [&](const UsersComparison& each) { return each.target == *headline.target; });
  if (headline.kind != HeadlineKind::kUsersPerGpu) return {};
  if (!headline.per_gpu || here < 1 || there < 1 || (here == 1 && there == 1)) return {};
  if (users == comparison.users.end()) return {};
  const int carried = users->candidate.users;
  return fmt::format("{} {} on {} {} against {} on {}: ", carried, carried == 1 ? "user" : "users",
                     here, here == 1 ? "GPU" : "GPUs", users->baseline.users, there);
}

// Of users, and of requests a second.
std::string users_sentence(const Headline& headline, const Comparison& comparison, bool unicode) {
  std::string text =
      fmt::format("at {}: {}{} against {} {}{}", report::target_text(*headline.target),
                  whole_users(headline, comparison), short_number(headline.candidate),
                  short_number(headline.baseline),
                  headline.kind == HeadlineKind::kUsersPerGpu ? "users" : "requests/s",
                  headline.per_gpu ? " per GPU" : " (the GPUs are not stated)");
  if (headline.ratio_kind == RatioKind::kExact && headline.ratio == 1) return text + ", the same";
  const std::string times = times_text(headline.ratio, RatioKind::kExact, unicode);
  switch (headline.ratio_kind) {
    case RatioKind::kExact:
      return text + ", " + times;
    case RatioKind::kAtLeast:
      return text + ", at least " + times + ": no level of the candidate misses the target";
    case RatioKind::kAtMost:
      return text + ", at most " + times + ": no level of the baseline misses the target";
    case RatioKind::kUndefined:
      break;
  }
  return text + ", no ratio: the target lies outside a sweep";
}

// Where an interval without 1 in it shows no difference, why.
std::string verdict_suffix(const Headline& headline, const Comparison& comparison) {
  if (headline.verdict == Verdict::kNoInterval) return " (one repeat: no between-run interval)";
  if (headline.verdict != Verdict::kNoDifferenceShown) return {};
  const auto& interval = headline.ci95;
  if (!interval || (interval->low <= 1 && interval->high >= 1)) return " (no difference shown)";
  if (std::max(interval->high, 1 / interval->low) < 1 + comparison.min_effect) {
    return fmt::format(" (no difference shown: none of {:g} % or more)",
                       100 * comparison.min_effect);
  }
  return fmt::format(" (no difference shown: of {} rows one may look so by chance)",
                     comparison.family.rows);
}

struct SizeWords {
  const char* better;
  const char* worse;
};

// "2.54× lower" or "1.2× higher"; "the same" where the ratio is 1.
std::string size_text(double ratio, const SizeWords& words, bool unicode) {
  const bool better = ratio > 1;
  if (short_number(better ? ratio : 1 / ratio) == "1") return "the same";
  return times_text(better ? ratio : 1 / ratio, RatioKind::kExact, unicode) + " " +
         (better ? words.better : words.worse);
}

// "latency over 7 levels, concurrency 1 to 64: 1.5× lower, ratio 0.667 [0.650, 0.684]".
std::string sweep_sentence(const char* what, const Headline& headline, const SizeWords& words,
                           const Comparison& comparison, bool unicode) {
  std::string text =
      fmt::format("{} over {} levels, {} to {}: {}", what, headline.levels, text_of(headline.point),
                  value_text(headline.last), size_text(headline.ratio, words, unicode));
  if (headline.ci95) {
    const double ratio =
        headline.kind == HeadlineKind::kLatency ? 1 / headline.ratio : headline.ratio;
    text += fmt::format(", ratio {:.3f} [{:.3f}, {:.3f}]", ratio, headline.ci95->low,
                        headline.ci95->high);
  }
  return text + verdict_suffix(headline, comparison);
}

std::string sentence(const Headline& headline, const Comparison& comparison, bool unicode) {
  switch (headline.kind) {
    case HeadlineKind::kUsersPerGpu:
    case HeadlineKind::kRatePerGpu:
      return users_sentence(headline, comparison, unicode);
    case HeadlineKind::kLatency:
      if (headline.levels > 1) {
        return sweep_sentence("latency", headline, {"lower", "higher"}, comparison, unicode);
      }
      return fmt::format("latency at {}: {} against {} ms, {}{}", text_of(headline.point),
                         format_number(headline.candidate), format_number(headline.baseline),
                         size_text(headline.ratio, {"lower", "higher"}, unicode),
                         verdict_suffix(headline, comparison));
    case HeadlineKind::kThroughputPerGpu:
      if (headline.levels > 1) {
        return sweep_sentence("throughput per GPU", headline, {"higher", "lower"}, comparison,
                              unicode);
      }
      return fmt::format("throughput per GPU at {}: {} against {} output tokens/s, {}{}",
                         text_of(headline.point), short_number(headline.candidate),
                         short_number(headline.baseline),
                         size_text(headline.ratio, {"higher", "lower"}, unicode),
                         verdict_suffix(headline, comparison));
    case HeadlineKind::kWeights:
      break;
  }
  return fmt::format("weights: {} against {} GB, {}", short_number(headline.candidate),
                     short_number(headline.baseline),
                     size_text(headline.ratio, {"smaller", "larger"}, unicode));
}

// As people quote it: two digits below ten.
std::string rounded(double ratio, bool unicode) {
  return format_number(ratio, ratio < 10 ? 1 : 0) + (unicode ? "×" : "x");
}

// What is better, in one line; empty where nothing is shown to be.
std::string in_short(const Comparison& comparison, bool unicode) {
  std::vector<std::string> parts;
  for (const Headline& headline : comparison.headlines) {
    if (headline.ratio_kind != RatioKind::kExact || headline.ratio <= 1) continue;
    if (headline.verdict == Verdict::kNoDifferenceShown) continue;
    const std::string times = rounded(headline.ratio, unicode);
    if (times.starts_with("1.0")) continue;
    switch (headline.kind) {
      case HeadlineKind::kUsersPerGpu:
        parts.push_back(times + (headline.per_gpu ? " the users per GPU at " : " the users at ") +
                        report::target_text(*headline.target));
        break;
      case HeadlineKind::kRatePerGpu:
        parts.push_back(times +
                        (headline.per_gpu ? " the requests/s per GPU at " : " the requests/s at ") +
                        report::target_text(*headline.target));
        break;
      case HeadlineKind::kLatency:
        parts.push_back(times + " lower latency");
        break;
      case HeadlineKind::kThroughputPerGpu:
        parts.push_back(times + " the throughput per GPU");
        break;
      case HeadlineKind::kWeights:
        parts.push_back(times + " smaller weights");
        break;
    }
  }
  return parts.empty() ? "" : "In short: " + join(parts, ", ") + ".";
}

std::string title_of(const Comparison& comparison) {
  return printable(comparison.candidate_name, 60) + " against " +
         printable(comparison.baseline_name, 60);
}

std::string lines(const std::string& text, const TableStyle& style) {
  return report::wrap(text, style.width, "  ");
}

std::vector<Measure> tables_wanted(std::span<const Measure> columns) {
  if (columns.empty()) return compare_table_measures();
  return {columns.begin(), columns.end()};
}

std::string rendered(TextTable table, const TableStyle& style) {
  std::string text = "\n" + report::paint(table.title, "1", style) + "\n" +
                     report::render_table(std::move(table.columns), std::move(table.rows), style);
  if (!table.footer.empty()) text += lines(table.footer, style);
  return text;
}

std::string short_tables(const Comparison& comparison, const TableStyle& style) {
  std::string text;
  std::vector<report::Column> shown;
  for (TextTable& table : report::short_tables_of(comparison, style.unicode)) {
    report::fit_columns(table.columns, table.rows, style);
    shown.insert(shown.end(), table.columns.begin(), table.columns.end());
    text += rendered(std::move(table), style);
  }
  const std::string terms = report::terms_of(shown);
  if (!terms.empty()) text += lines(terms, style);
  return text + report::paint("every figure and field: --full", "2", style) + "\n";
}

std::string one_table(const Comparison& comparison, const TableStyle& style, CompareView view) {
  std::string text = report::paint(title_of(comparison), "1", style) + "\n";
  for (const std::string& note : comparison.notes) text += lines("! " + note, style);
  text += "\n";
  for (const std::string& line : headline_sentences(comparison, style.unicode)) {
    text += lines("- " + line, style);
  }
  for (const std::string& line : comparison.server) text += lines("- " + line, style);
  const std::string brief = in_short(comparison, style.unicode);
  if (!brief.empty()) text += lines(brief, style);
  const std::string family = report::family_text(comparison);
  if (!family.empty()) text += lines(family, style);
  if (view == CompareView::kShort) return text + short_tables(comparison, style);
  const std::string same = report::same_fields(comparison);
  if (!same.empty()) text += "\n" + lines("Same: " + same + ".", style);
  for (TextTable& table :
       report::tables_of(comparison, tables_wanted(style.columns), style.unicode)) {
    text += rendered(std::move(table), style);
  }
  return text;
}

std::string one_markdown(const Comparison& comparison, std::span<const Measure> columns) {
  std::string text = "### " + report::markdown(title_of(comparison)) + "\n\n";
  for (const std::string& note : comparison.notes) {
    text += "- **" + report::markdown(note, kSentenceBytes) + "**\n";
  }
  for (const std::string& line : headline_sentences(comparison)) {
    text += "- " + report::markdown(line, kSentenceBytes) + "\n";
  }
  for (const std::string& line : comparison.server) {
    text += "- " + report::markdown(line, kSentenceBytes) + "\n";
  }
  const std::string brief = in_short(comparison, true);
  if (!brief.empty()) text += "\n" + report::markdown(brief, kSentenceBytes) + "\n";
  const std::string family = report::family_text(comparison);
  if (!family.empty()) text += "\n" + report::markdown(family, kSentenceBytes) + "\n";
  const std::string same = report::same_fields(comparison);
  if (!same.empty()) text += "\nSame: " + report::markdown(same, kSentenceBytes) + ".\n";
  for (const TextTable& table : report::tables_of(comparison, tables_wanted(columns), true)) {
    text += "\n" + report::markdown_table(table);
  }
  return text;
}

}  // namespace

std::vector<std::string> headline_sentences(const Comparison& comparison, bool unicode) {
  std::vector<std::string> sentences;
  for (const Headline& headline : comparison.headlines) {
    sentences.push_back(sentence(headline, comparison, unicode));
  }
  return sentences;
}

std::string comparison_table(std::span<const Comparison> comparisons, const TableStyle& style,
                             CompareView view) {
  std::string text;
  if (comparisons.size() > 1) {
    TextTable summary = report::summary_of(comparisons, style.unicode);
    text += report::paint(summary.title, "1", style) + "\n" +
            report::render_table(std::move(summary.columns), std::move(summary.rows), style) + "\n";
  }
  for (size_t i = 0; i < comparisons.size(); ++i) {
    if (i > 0) text += "\n";
    text += one_table(comparisons[i], style, view);
  }
  return text;
}

std::string comparison_markdown(std::span<const Comparison> comparisons,
                                std::span<const Measure> columns) {
  std::string text;
  if (comparisons.size() > 1)
    text += report::markdown_table(report::summary_of(comparisons, true)) + "\n";
  for (size_t i = 0; i < comparisons.size(); ++i) {
    if (i > 0) text += "\n";
    text += one_markdown(comparisons[i], columns);
  }
  return text;
}

}  // namespace llmsweep
