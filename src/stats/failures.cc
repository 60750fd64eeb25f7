#include "llmsweep/stats/failures.h"

#include <algorithm>
#include <map>

#include "llmsweep/base/text.h"

namespace llmsweep {
namespace {

constexpr size_t kMostReasons = 5;
constexpr size_t kLongestReason = 400;

// The text without what differs from request to request.
std::string kind_of_error(const std::string& text) {
  std::string kind;
  for (const std::string& word : split(text, ' ')) {
    kind += word.find_first_of("0123456789") == std::string::npos ? word : "#";
    kind += ' ';
  }
  return kind;
}

template <class Reason, class CountOf>
void keep_most_frequent(std::vector<Reason>& reasons, const CountOf& count_of) {
  std::stable_sort(reasons.begin(), reasons.end(),
                   [&](const Reason& a, const Reason& b) { return count_of(a) > count_of(b); });
  if (reasons.size() > kMostReasons) reasons.resize(kMostReasons);
}

}  // namespace

std::vector<ErrorCount> count_errors(std::span<const RequestRecord> records) {
  std::vector<ErrorCount> errors;
  std::map<std::string, size_t> places;
  for (const RequestRecord& record : records) {
    if (record.phase != Phase::kMeasured || record.outcome == Outcome::kOk) continue;
    // "HTTP 400" and "HTTP 500" are two reasons.
    const std::string kind = std::to_string(record.http_status) + kind_of_error(record.error);
    const auto [place, first] = places.emplace(kind, errors.size());
    if (first) errors.push_back({.text = printable(record.error, kLongestReason)});
    ++errors[place->second].count;
  }
  keep_most_frequent(errors, [](const ErrorCount& error) { return error.count; });
  return errors;
}

std::vector<FailureReason> failures_of(const SweepResult& result) {
  std::vector<FailureReason> reasons;
  std::map<std::string, size_t> places;
  for (const LevelStats& level : result.levels) {
    for (const ErrorCount& error : level.pooled.requests.errors) {
      const std::string kind =
          error.text.substr(0, error.text.find(':')) + kind_of_error(error.text);
      const auto [place, first] = places.emplace(kind, reasons.size());
      if (first) reasons.push_back({.error = {.text = error.text}, .levels = {}});
      FailureReason& reason = reasons[place->second];
      reason.error.count += error.count;
      if (reason.levels.empty() || reason.levels.back() != level.point) {
        reason.levels.push_back(level.point);
      }
    }
  }
  keep_most_frequent(reasons, [](const FailureReason& reason) { return reason.error.count; });
  return reasons;
}

}  // namespace llmsweep
