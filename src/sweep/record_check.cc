#include "sweep/record_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void refuse(const fs::path& requests, std::string what) {
  throw Error(
      {.what = std::move(what),
       .where = requests.string(),
       .next = "nothing was changed; requests.jsonl and sweep.jsonl have to be of one sweep"});
}

struct Placed {
  RunEntry run;
  bool superseded = false;
};

// By their place in the file. Of those that begin at one byte all but the last have no records.
std::vector<Placed> runs_in_order(const Journal& journal) {
  std::vector<Placed> runs;
  for (const RunEntry& run : journal.superseded) runs.push_back({run, true});
  for (const RunEntry& run : journal.runs) runs.push_back({run, false});
  const auto known_end = [](const RunEntry& run) {
    return run.ended ? run.lines.end : run.lines.begin;
  };
  std::stable_sort(runs.begin(), runs.end(), [&](const Placed& a, const Placed& b) {
    return std::pair(a.run.lines.begin, known_end(a.run)) <
           std::pair(b.run.lines.begin, known_end(b.run));
  });
  return runs;
}

void check_run(const fs::path& requests, const Placed& placed, ByteRange lines) {
  const RunEntry& run = placed.run;
  const bool counts = run.whole() && !placed.superseded;
  const auto superseded = counts ? Superseded::kSkip : Superseded::kInclude;
  RecordReader reader(requests, {.range = lines, .superseded = superseded});
  int64_t found = 0;
  while (const std::optional<RequestRecord> record = reader.next()) {
    const bool earlier =
        run.started_ns > 0 && record->sent && to_ns(*record->sent) < run.started_ns;
    if (earlier || record->run != run.id) {
      refuse(requests,
             "a record of another run stands where sweep.jsonl has those of " + text_of(run.id));
    }
    ++found;
  }
  if (run.ended && found != run.records) {
    refuse(requests,
           fmt::format("{} has {} records, {} were written", text_of(run.id), found, run.records));
  }
}

}  // namespace

void require_records_of(const Journal& journal, const fs::path& requests) {
  const std::vector<Placed> runs = runs_in_order(journal);
  const bool any = there_is(requests);
  const int64_t whole = any ? end_of_whole_lines(requests) : 0;
  int64_t at = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    const int64_t follows = i + 1 < runs.size() ? runs[i + 1].run.lines.begin : whole;
    const ByteRange lines{.begin = runs[i].run.lines.begin,
                          .end = runs[i].run.ended ? runs[i].run.lines.end : follows};
    if (lines.begin != at || lines.end < lines.begin || lines.end > whole) {
      refuse(requests,
             fmt::format("the records of {} are not at bytes {} to {} as sweep.jsonl has it",
                         text_of(runs[i].run.id), lines.begin, lines.end));
    }
    if (lines.end > lines.begin) check_run(requests, runs[i], lines);
    at = lines.end;
  }
  if (whole > at || (any && runs.empty() && size_of_file(requests) > 0)) {
    refuse(requests,
           fmt::format("holds records from byte {} on that no run of sweep.jsonl made", at));
  }
}

}  // namespace llmsweep
