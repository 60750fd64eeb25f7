// The parts of the HTML report. Private to report/. Each returns markup in which everything from
// outside is escaped.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/report/html.h"

namespace llmsweep::report {

// Files of src/report/html/, as they were embedded.
struct HtmlAssets {
  std::string_view page, requests;
  std::string style;   // with the colours of the curves
  std::string script;  // in the order in which its files need each other
};
HtmlAssets html_assets();

std::string html_badges(std::span<const SweepResult> results);
std::string html_lead(std::span<const SweepResult> results);
std::string html_headline(const HtmlInput& input);
std::string html_levels(const HtmlInput& input);
std::string html_comparison(std::span<const Comparison> comparisons);
std::string html_requests(const HtmlInput& input);  // empty without requests
std::string html_findings(std::span<const SweepResult> results);
std::string html_client(std::span<const SweepResult> results);
std::string html_provenance(std::span<const SweepResult> results);

// What the scripts draw from, as JSON that is safe inside <script>.
std::string html_data(const HtmlInput& input);

}  // namespace llmsweep::report
