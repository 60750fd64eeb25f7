#include "llmsweep/sweep/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/model/describe.h"
#include "llmsweep/results/journal.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/spec/spec_file.h"
#include "llmsweep/stats/level_stats.h"
#include "llmsweep/stats/percentile.h"
#include "llmsweep/sweep/part_plan.h"
#include "sweep/stepped_sweep.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

// Of two readings of one kernel's clocks: what a step between them may be.
constexpr Duration kOneClock = std::chrono::milliseconds(1);
constexpr Duration kOneKernel = std::chrono::microseconds(100);

struct ReadPart {
  fs::path folder;
  Journal journal;

  const SweepResult& head() const { return journal.head; }
  const PartOfRun& part() const { return *journal.head.part; }
  const RunEntry* entry(const RunId& id) const {
    for (const RunEntry& run : journal.runs) {
      if (run.id == id) return &run;
    }
    return nullptr;
  }
  Part place() const {
    return {.rank = static_cast<uint32_t>(part().rank), .of = static_cast<uint32_t>(part().of)};
  }
  std::string name() const {
    return fmt::format("{} on {}", text_of(place()), head().provenance.host);
  }
};

// ---- Which parts.

[[noreturn]] void refuse_part(const fs::path& where, std::string what, std::string next) {
  throw Error({.what = std::move(what), .where = where.string(), .next = std::move(next)});
}

ReadPart read_part(const fs::path& folder) {
  ReadPart part{.folder = folder, .journal = read_journal(folder / "sweep.jsonl")};
  const SweepResult& head = part.journal.head;
  if (head.tool.empty()) {
    refuse_part(folder, "holds no part of a sweep that can be read",
                "give the folders that 'llmsweep run --part' wrote");
  }
  if (!head.clients.empty()) {
    refuse_part(folder, "was merged already", "give the parts that it was made of");
  }
  if (!head.part) {
    refuse_part(folder, "was measured by one client, and is no part of anything",
                "give the folders that 'llmsweep run --part' wrote");
  }
  if (!part.journal.resumes.empty() || !part.journal.superseded.empty()) {
    refuse_part(folder, "was resumed, so that the other clients sent other prompts",
                "run all parts again");
  }
  return part;
}

void require_each_once(const std::vector<ReadPart>& parts) {
  const int of = parts.front().part().of;
  for (const ReadPart& part : parts) {
    if (part.part().of != of) {
      refuse_part(part.folder,
                  fmt::format("is of {} clients, {} is of {}", part.part().of,
                              printable(parts.front().folder.string(), 200), of),
                  "give the parts of one run");
    }
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].part().rank != parts[i - 1].part().rank) continue;
    refuse_part(parts[i].folder,
                fmt::format("is part {}/{}, as {} is", parts[i].part().rank, of,
                            printable(parts[i - 1].folder.string(), 200)),
                "give each part once");
  }
  std::vector<std::string> missing;
  for (int rank = 0; rank < of; ++rank) {
    const bool there = std::any_of(parts.begin(), parts.end(), [rank](const ReadPart& part) {
      return part.part().rank == rank;
    });
    if (!there) missing.push_back(fmt::format("{}/{}", rank, of));
  }
  if (missing.empty()) return;
  throw Error({.what = fmt::format("part{} {} {} missing", missing.size() == 1 ? "" : "s",
                                   join(missing, ", "), missing.size() == 1 ? "is" : "are"),
               .where = "merge",
               .next = "give the folders of all clients; of one that was lost too"});
}

// What would make two parts send others' requests, or at other times.
std::string difference(const SweepResult& a, const SweepResult& b) {
  const auto differ = [](const char* what, const std::string& x, const std::string& y) {
    return x == y ? std::string()
                  : fmt::format("{}: {} and {}", what, printable(x, 80), printable(y, 80));
  };
  if (a.spec_json != b.spec_json) {
    const std::vector<std::string> keys = spec_differences(a.spec_json, b.spec_json);
    return "the specs differ" + (keys.empty() ? std::string() : ": " + join(keys, "; "));
  }
  const auto number = [](double value) { return format_number(value); };
  const std::string differences[] = {
      differ("versions", a.tool, b.tool),
      differ("--start-at", a.part->start_at, b.part->start_at),
      differ("--every, s", number(a.part->every_s), number(b.part->every_s)),
      differ("workload.nonce", a.workload.nonce, b.workload.nonce),
      differ("prompts (prompt_set_sha256)", a.workload.prompt_set_sha256,
             b.workload.prompt_set_sha256),
      differ("tokenizers", a.workload.tokenizer_sha256, b.workload.tokenizer_sha256),
      differ("models", a.model, b.model),
      differ("request fields that the server refused", join(a.provenance.dropped_fields, " "),
             join(b.provenance.dropped_fields, " ")),
      differ("tokens of the chat template",
             number(static_cast<double>(a.workload.template_overhead_tokens.value_or(-1))),
             number(static_cast<double>(b.workload.template_overhead_tokens.value_or(-1)))),
      differ("traces", a.trace ? a.trace->sha256 : "", b.trace ? b.trace->sha256 : "")};
  for (const std::string& found : differences) {
    if (!found.empty()) return found;
  }
  return {};
}

void require_alike(const std::vector<ReadPart>& parts) {
  const ReadPart& first = parts.front();
  for (const ReadPart& part : parts) {
    std::string what = difference(first.head(), part.head());
    if (what.empty() && first.journal.spec_sha256 != part.journal.spec_sha256) {
      what = "a file that the spec names is another";
    }
    if (what.empty()) continue;
    refuse_part(
        part.folder,
        fmt::format("is of another run than {}: {}", printable(first.folder.string(), 200), what),
        "give the parts of one run; what the clients share has to be the same for all");
  }
}

// ---- One clock.

struct KnownClock {
  Duration offset{};  // CLOCK_REALTIME − CLOCK_MONOTONIC
  std::optional<Duration> error;
};

// A step or a drift while the run lasted is an error of the offset.
KnownClock clock_of(const ReadPart& part, const RunEntry* run) {
  const auto error_of = [](const ClockReading& reading) {
    return reading.max_error_us
               ? std::optional<Duration>(std::chrono::microseconds(*reading.max_error_us))
               : std::nullopt;
  };
  if (run == nullptr || !run->clocks) {
    return {.offset = part.part().clock.offset(), .error = error_of(part.part().clock)};
  }
  const Duration before = run->clocks->begin.offset();
  const Duration after = run->clocks->end.offset();
  KnownClock clock{.offset = before + (after - before) / 2, .error = {}};
  const std::optional<Duration> first = error_of(run->clocks->begin);
  const std::optional<Duration> last = error_of(run->clocks->end);
  if (first && last) clock.error = std::max(*first, *last) + std::chrono::abs(after - before) / 2;
  return clock;
}

struct Shift {
  Duration by{};
  std::optional<Duration> bound;
};

// From the part's clock to the reference's.
Shift shift_between(const ReadPart& reference, const ReadPart& part, const RunId& id) {
  if (&reference == &part) return {.by = {}, .bound = Duration(0)};
  const KnownClock theirs = clock_of(reference, reference.entry(id));
  const KnownClock ours = clock_of(part, part.entry(id));
  const Duration by = ours.offset - theirs.offset;
  const std::string& boot = part.head().provenance.boot_id;
  if (!boot.empty() && boot == reference.head().provenance.boot_id) {
    // One kernel, whose clocks both read; of another time namespace they differ by far more.
    if (std::chrono::abs(by) < kOneClock) return {.by = {}, .bound = Duration(0)};
    return {.by = by, .bound = kOneKernel};
  }
  if (!theirs.error || !ours.error) return {.by = by, .bound = {}};
  return {.by = by, .bound = *theirs.error + *ours.error};
}

void shift(RequestRecord& record, Duration by) {
  record.scheduled += by;
  for (std::optional<Instant> RequestRecord::*instant :
       {&RequestRecord::sent, &RequestRecord::first_byte, &RequestRecord::first_token,
        &RequestRecord::first_answer_token, &RequestRecord::last_token,
        &RequestRecord::first_choice, &RequestRecord::last_choice, &RequestRecord::end}) {
    if (record.*instant) *(record.*instant) += by;
  }
}

// ---- One run.

std::string why_lost(const RunEntry* run) {
  if (run == nullptr) return "it never began the run";
  if (!run->ended) return "it did not come to the end of the run";
  if (run->interrupted) return "it was stopped, or its time in the timetable was over";
  if (run->gave_up) return "it gave up after too many errors";
  return {};
}

// Of a run without an end, all that is there.
std::vector<RequestRecord> records_of(const ReadPart& part, const RunEntry& run) {
  const fs::path file = part.folder / "requests.jsonl";
  std::vector<RequestRecord> records;
  if (!there_is(file)) return records;
  const ByteRange lines = run.ended ? run.lines : ByteRange{.begin = run.lines.begin};
  RecordReader reader(file, {.range = lines, .superseded = Superseded::kSkip});
  while (std::optional<RequestRecord> record = reader.next()) {
    if (record->run != run.id) {
      refuse_part(file, text_of(run.id) + ": a record of another run stands among its lines",
                  "was the file changed after the run?");
    }
    records.push_back(std::move(*record));
  }
  if (run.ended && static_cast<int64_t>(records.size()) != run.records) {
    refuse_part(file,
                fmt::format("{} has {} records, {} were written", text_of(run.id), records.size(),
                            run.records),
                "was the file changed after the run?");
  }
  return records;
}

ClientOfRun describe_client(const ReadPart& part, const RunEntry* run, const Shift& clock,
                            const std::vector<RequestRecord>& records) {
  ClientOfRun client{.rank = part.part().rank,
                     .lost = why_lost(run),
                     .records = static_cast<int64_t>(records.size()),
                     .clock_shift_ms = to_ms(clock.by),
                     .clock_bound_ms = {},
                     .e2e_p50_ms = {},
                     .ttft_p50_ms = {},
                     .client = run != nullptr ? run->client : ClientHealth{}};
  if (clock.bound) client.clock_bound_ms = to_ms(*clock.bound);
  std::vector<double> e2e;
  std::vector<double> ttft;
  for (const RequestRecord& record : records) {
    if (record.phase != Phase::kMeasured || record.outcome != Outcome::kOk) continue;
    const RequestMetrics metrics = request_metrics(record, record.run.point.origin());
    if (metrics.e2e_ms) e2e.push_back(*metrics.e2e_ms);
    if (metrics.ttft_ms) ttft.push_back(*metrics.ttft_ms);
  }
  if (!e2e.empty()) client.e2e_p50_ms = percentile_of(std::move(e2e), 0.5);
  if (!ttft.empty()) client.ttft_p50_ms = percentile_of(std::move(ttft), 0.5);
  return client;
}

void require_same_plan(const ReadPart& part, const RunEntry& first, const RunEntry& run) {
  const bool same_prompts = first.first_prompt == run.first_prompt && first.prompts == run.prompts;
  const bool same_arrivals =
      !first.open || !run.open || first.open->schedule_sha256 == run.open->schedule_sha256;
  if (same_prompts && same_arrivals) return;
  refuse_part(part.folder,
              fmt::format("{} was made with other {} than by the other clients", text_of(run.id),
                          same_prompts ? "arrivals (schedule_sha256)" : "prompts"),
              "give the parts of one run");
}

// The run as one client would have left it, and what every client sent of it, by its end.
struct MergedRun {
  RunEntry entry;
  std::vector<RequestRecord> records;
};

void add_to(RunEntry& merged, const RunEntry& run, Duration by) {
  if (merged.started_ns == 0) {
    merged.started_ns = run.started_ns + by.count();
    merged.started_at = run.started_at;
  }
  merged.first_prompt = run.first_prompt;
  merged.prompts = run.prompts;
  merged.ended |= run.ended;
  if (!run.open) return;
  OpenRun open = *run.open;
  open.start_ns += by.count();
  if (merged.open) {
    merged.open->overload = std::max(merged.open->overload, open.overload);
  } else {
    merged.open = open;  // of the lowest rank: all began at one instant of the timetable
  }
}

// When the timetable says, and not when the first of the clients began to make its prompts: others
// may have asked the endpoint since then, to check it.
void begin_with_the_first(MergedRun& merged) {
  if (merged.records.empty()) return;
  Instant first = merged.records.front().scheduled;
  for (const RequestRecord& record : merged.records) first = std::min(first, record.scheduled);
  RunEntry& entry = merged.entry;
  const std::optional<Duration> at = parse_utc_timestamp(entry.started_at);
  if (at) entry.started_at = utc_timestamp(*at + (first - from_ns(entry.started_ns)));
  entry.started_ns = to_ns(first);
}

std::optional<MergedRun> merge_run(const std::vector<ReadPart>& parts, const RunId& id) {
  MergedRun merged{.entry = {.id = id}, .records = {}};
  std::vector<ClientHealth> clients;
  const RunEntry* first = nullptr;
  for (const ReadPart& part : parts) {
    const RunEntry* run = part.entry(id);
    const Shift clock = shift_between(parts.front(), part, id);
    std::vector<RequestRecord> records;
    if (run != nullptr) {
      if (first == nullptr) first = run;
      require_same_plan(part, *first, *run);
      records = records_of(part, *run);
      add_to(merged.entry, *run, clock.by);
      if (run->ended) clients.push_back(run->client);
    }
    for (RequestRecord& record : records) shift(record, clock.by);
    merged.entry.clients.push_back(describe_client(part, run, clock, records));
    std::move(records.begin(), records.end(), std::back_inserter(merged.records));
  }
  if (first == nullptr) return std::nullopt;
  begin_with_the_first(merged);
  merged.entry.client = pool_clients(clients);
  merged.entry.records = static_cast<int64_t>(merged.records.size());
  std::sort(merged.records.begin(), merged.records.end(),
            [](const RequestRecord& a, const RequestRecord& b) {
              const auto key = [](const RequestRecord& record) {
                return std::pair(record.end.value_or(record.scheduled), record.index);
              };
              return key(a) < key(b);
            });
  return merged;
}

// ---- All of it.

std::vector<RunId> planned_runs(const SweepSpec& spec) {
  std::vector<RunId> runs;
  for (int repeat = 0; repeat < spec.load.repeats; ++repeat) {
    for (const LoadPoint point : levels_of_round(spec.load, repeat))
      runs.push_back({point, repeat});
  }
  return runs;
}

std::vector<std::string> notes_of(const std::vector<ReadPart>& parts,
                                  const std::vector<RunEntry>& runs) {
  std::vector<std::string> notes = {
      fmt::format("merged from the parts of {} client{}: runs[].clients has what each had to do "
                  "with a run",
                  parts.size(), parts.size() == 1 ? "" : "s")};
  const ClientOfRun* busiest = nullptr;
  const RunEntry* in = nullptr;
  for (const RunEntry& run : runs) {
    for (const ClientOfRun& client : run.clients) {
      if (!client.lost.empty()) {
        notes.push_back(fmt::format("{}: {} was lost: {}", text_of(run.id),
                                    parts[static_cast<size_t>(client.rank)].name(), client.lost));
      }
      if (busiest == nullptr || client.client.busy_fraction > busiest->client.busy_fraction) {
        busiest = &client;
        in = &run;
      }
    }
  }
  if (busiest != nullptr && parts.size() > 1) {
    notes.push_back(
        fmt::format("the busiest client was {}: its event loop was busy for {:.0f} % of {}",
                    parts[static_cast<size_t>(busiest->rank)].name(),
                    100 * busiest->client.busy_fraction, text_of(in->id)));
  }
  return notes;
}

bool is_whole(const RunEntry& run) {
  return run.ended && std::all_of(run.clients.begin(), run.clients.end(),
                                  [](const ClientOfRun& client) { return client.lost.empty(); });
}

std::vector<ReadPart> read_parts(const std::vector<fs::path>& folders) {
  std::vector<ReadPart> parts;
  for (const fs::path& folder : folders) parts.push_back(read_part(folder));
  std::sort(parts.begin(), parts.end(), [](const ReadPart& a, const ReadPart& b) {
    const auto key = [](const ReadPart& part) {
      return std::tuple(part.part().of, part.part().rank, part.folder);
    };
    return key(a) < key(b);
  });
  require_each_once(parts);
  require_alike(parts);
  return parts;
}

// The requests of every run, one run behind the other.
std::vector<RunEntry> write_records(const std::vector<ReadPart>& parts, const SweepSpec& spec,
                                    const fs::path& file) {
  AppendFile requests(file);
  std::vector<RunEntry> runs;
  int64_t bytes = 0;
  for (const RunId& id : planned_runs(spec)) {
    std::optional<MergedRun> merged = merge_run(parts, id);
    if (!merged) continue;
    merged->entry.lines.begin = bytes;
    std::string lines;
    for (const RequestRecord& record : merged->records) {
      lines += record_to_jsonl(record);
      constexpr size_t kAtOnce = size_t{1} << 20;
      if (lines.size() < kAtOnce) continue;
      requests.append(lines);
      bytes += static_cast<int64_t>(lines.size());
      lines.clear();
    }
    requests.append(lines);
    bytes += static_cast<int64_t>(lines.size());
    merged->entry.lines.end = bytes;
    runs.push_back(std::move(merged->entry));
  }
  requests.sync();
  return runs;
}

}  // namespace

Rebuilt merge_parts(const std::vector<fs::path>& folders, const fs::path& out) {
  const std::vector<ReadPart> parts = read_parts(folders);
  const ReadPart& first = parts.front();
  const SweepSpec spec =
      parse_recorded_spec(first.head().spec_json, (first.folder / "sweep.jsonl").string());
  const std::vector<RunEntry> runs = write_records(parts, spec, out / "requests.jsonl");
  SweepResult head = first.head();
  head.part.reset();
  std::erase(head.provenance.notes, note_of(first.place()));
  for (const ReadPart& part : parts) {
    const Provenance& by = part.head().provenance;
    head.clients.push_back({.rank = part.part().rank,
                            .host = by.host,
                            .cores = by.cores,
                            .kernel = by.kernel,
                            .boot_id = by.boot_id});
  }
  for (std::string& note : notes_of(parts, runs)) head.provenance.notes.push_back(std::move(note));
  JournalWriter journal(out / "sweep.jsonl", head.created_at);
  journal.created(head.tool);
  journal.head(head, first.journal.spec_sha256);
  for (const RunEntry& run : runs) {
    journal.started(run);
    if (run.ended) journal.ended(run);
  }
  const bool whole =
      runs.size() == planned_runs(spec).size() && std::all_of(runs.begin(), runs.end(), is_whole);
  if (whole) journal.complete();
  Rebuilt rebuilt = rebuild_result(out);
  write_result(out / "result.json", rebuilt.result);
  return rebuilt;
}

}  // namespace llmsweep
