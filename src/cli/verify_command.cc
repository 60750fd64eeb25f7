#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/format_option.h"
#include "cli/read_results.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/results/journal.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/stats/percentile.h"
#include "llmsweep/verify/verify_models.h"
#include "llmsweep/verify/verify_records.h"
#include "llmsweep/verify/verify_sessions.h"
#include "llmsweep/verify/verify_telemetry.h"

namespace llmsweep {
namespace {

struct VerifyCommandOptions {
  std::string result;  // a run's folder, or its requests.jsonl
  std::string truth;   // empty: truth.jsonl beside the records
  std::string tolerance = "100ms";
  std::string kill_margin = "20ms";  // KillWindow::kMargin
  std::string format = "text";
};

constexpr size_t kShown = 20;

std::string error_row(const char* what, const std::vector<double>& errors_ms) {
  if (errors_ms.empty()) return fmt::format("{:<34} no samples\n", what);
  const auto at = [&](double p) { return percentile_of(errors_ms, p); };
  return fmt::format("{:<34} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f}\n", what, at(0.5), at(0.9),
                     at(0.99), *std::max_element(errors_ms.begin(), errors_ms.end()));
}

// The bucket at `share` of the weight.
double quantile_ms(const Histogram& histogram, double share) {
  const auto rank = static_cast<double>(histogram.count()) * share;
  double below = 0;
  for (const auto& [bucket, weight] : histogram.buckets()) {
    below += static_cast<double>(weight);
    if (below >= rank) return to_ms(Histogram::middle_of(bucket));
  }
  return 0;
}

std::string gap_row(const char* what, const Histogram& gaps) {
  return fmt::format("{:<34} {:>9.3f} {:>9.3f} {:>9.3f} {:>9.3f}\n", what, quantile_ms(gaps, 0.5),
                     quantile_ms(gaps, 0.9), quantile_ms(gaps, 0.99), quantile_ms(gaps, 1));
}

// A line each: what a kill took with it is named, not just counted.
std::string rows_of(const std::vector<Verification::AtKill>& requests, const char* what) {
  std::string rows;
  for (const Verification::AtKill& request : requests) {
    rows += fmt::format("  {}: ended {}; {}\n", request.request, text_of(request.late), what);
  }
  return rows;
}

nlohmann::ordered_json json_of(const std::vector<Verification::AtKill>& requests) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Verification::AtKill& request : requests) {
    list.push_back({{"request", request.request},
                    {request.late.seen_kill ? "before_kill_ms" : "before_last_sign_of_life_ms",
                     to_ms(request.late.before)}});
  }
  return list;
}

std::string report(const Verification& v) {
  std::string text = fmt::format(
      "{} records, {} requests at the endpoint ({} more before the run, {} after it)\n"
      "matched: {} by response id, {} by time; {} sent again after a lost connection;\n"
      "{} never reached the endpoint; {} tokens\n\n",
      v.records, v.truths, v.before, v.after, v.by_id, v.by_time, v.resent, v.unseen, v.tokens);
  if (v.resumes > 0 || v.in_flight_at_most > 0) {
    text.pop_back();
    text += fmt::format(
        "{} resume{}: {} superseded records, {} checks; without a record {} in flight at a kill "
        "(at most {})\nand {} that ended just before it; {} records of then are not in the log\n",
        v.resumes, v.resumes == 1 ? "" : "s", v.superseded, v.checks, v.in_flight,
        v.in_flight_at_most, v.unwritten.size(), v.unlogged.size());
    text += rows_of(v.unwritten, "its record was not written yet");
    text += rows_of(v.unlogged, "the endpoint's log had not got it yet");
    text += '\n';
  }
  text += fmt::format("{:<34} {:>9} {:>9} {:>9} {:>9}\n", "ms", "p50", "p90", "p99", "max");
  text += error_row("first token: stamp − send", v.errors.first_token);
  text += error_row("last token: stamp − send", v.errors.last_token);
  text += error_row("TTFT: measured − true", v.errors.ttft);
  text += error_row("E2E: measured − true", v.errors.e2e);
  text += gap_row("gaps between chunks, measured", v.errors.gaps);
  text += gap_row("gaps between chunks, true", v.errors.true_gaps);
  return text;
}

nlohmann::ordered_json json_of(const std::vector<double>& errors_ms) {
  if (errors_ms.empty()) return nullptr;
  return {{"p50", percentile_of(errors_ms, 0.5)},
          {"p90", percentile_of(errors_ms, 0.9)},
          {"p99", percentile_of(errors_ms, 0.99)},
          {"max", *std::max_element(errors_ms.begin(), errors_ms.end())}};
}

// "models: a 150, b 50 measured, as the schedule draws them".
std::string shares_text(const ModelShares& shares) {
  std::vector<std::string> parts;
  for (const auto& [model, requests] : shares.requests) {
    parts.push_back(fmt::format("{} {}", printable(model), requests));
  }
  return fmt::format("\nmodels: {} measured{}\n", join(parts, ", "),
                     shares.problems.empty() ? ", each as the schedule draws it" : "");
}

std::string json_of(const Verification& v, const ModelShares& shares) {
  nlohmann::ordered_json models = nlohmann::ordered_json::object();
  for (const auto& [model, requests] : shares.requests) models[model] = requests;
  const nlohmann::ordered_json json = {{"verified", v.problems.empty()},
                                       {"records", v.records},
                                       {"superseded", v.superseded},
                                       {"truths", v.truths},
                                       {"before", v.before},
                                       {"after", v.after},
                                       {"by_id", v.by_id},
                                       {"by_time", v.by_time},
                                       {"resent", v.resent},
                                       {"unseen", v.unseen},
                                       {"tokens", v.tokens},
                                       {"resumes", v.resumes},
                                       {"in_flight_at_kill", v.in_flight},
                                       {"in_flight_at_most", v.in_flight_at_most},
                                       {"unwritten_at_kill", v.unwritten.size()},
                                       {"unlogged_at_kill", v.unlogged.size()},
                                       {"unwritten", json_of(v.unwritten)},
                                       {"unlogged", json_of(v.unlogged)},
                                       {"checks_of_resumes", v.checks},
                                       {"models", models},
                                       {"errors_ms",
                                        {{"first_token", json_of(v.errors.first_token)},
                                         {"last_token", json_of(v.errors.last_token)},
                                         {"ttft", json_of(v.errors.ttft)},
                                         {"e2e", json_of(v.errors.e2e)}}},
                                       {"problems", v.problems}};
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Duration duration_of(const char* option, const std::string& text) {
  const auto duration = parse_duration(text);
  if (duration) return *duration;
  throw Error({.what = "'" + printable(text) + "' is not a time",
               .where = option,
               .next = "give a number with a unit: 100ms"});
}

struct RunFiles {
  std::filesystem::path records;
  std::filesystem::path result;
  std::filesystem::path journal;
  std::filesystem::path telemetry;
  std::filesystem::path truth;  // of an embedded endpoint
};

RunFiles files_of(const std::filesystem::path& given) {
  const bool folder = is_folder(given);
  const std::filesystem::path beside = folder ? given : given.parent_path();
  return {.records = folder ? given / "requests.jsonl" : given,
          .result = beside / "result.json",
          .journal = beside / "sweep.jsonl",
          .telemetry = beside / "telemetry.jsonl",
          .truth = beside / "truth.jsonl"};
}

std::vector<RequestRecord> read_records(const std::filesystem::path& file) {
  std::vector<RequestRecord> records;
  RecordReader reader(file, {.superseded = Superseded::kInclude});
  while (auto record = reader.next()) records.push_back(std::move(*record));
  return records;
}

// The log that was given, or the one that a run with an embedded endpoint leaves.
Truth read_truth(const std::string& given, const RunFiles& files) {
  if (!given.empty()) return llmsweep::read_truth(given);
  if (there_is(files.truth)) return llmsweep::read_truth(files.truth);
  throw Error({.what = "there is no truth log beside the records",
               .where = files.truth.string(),
               .next = "give --truth FILE, what `llmsweep simulate --log FILE` wrote"});
}

int verify_command(const VerifyCommandOptions& options, Console& console) {
  const Duration tolerance = duration_of("--tolerance", options.tolerance);
  const Duration margin = duration_of("--kill-margin", options.kill_margin);
  const RunFiles files = files_of(options.result);
  const std::vector<RequestRecord> records = read_records(files.records);
  const Journal journal = read_journal(files.journal);
  if (const auto& part = journal.head.part; part && part->of > 1) {
    throw Error({.what = fmt::format("holds the requests of part {}/{} alone: those of the others "
                                     "would be missing",
                                     part->rank, part->of),
                 .where = files.journal.string(),
                 .next = "verify what llmsweep merge makes of all parts"});
  }
  if (records.empty() && journal.runs.empty() && journal.superseded.empty()) {
    throw Error({.what = "no records to verify", .where = files.records.string(), .next = {}});
  }
  const Truth truth = read_truth(options.truth, files);
  Verification verification = verify_records(
      records, truth,
      {.tolerance = tolerance,
       .history = SweepHistory(journal),
       .window = {.width = kLongestUnwritten + margin, .embedded = options.truth.empty()}});
  const std::vector<std::string> of_users = verify_sessions(records, truth);
  verification.problems.insert(verification.problems.end(), of_users.begin(), of_users.end());
  const ModelShares shares = journal.head.spec_json == SweepResult().spec_json
                                 ? ModelShares()
                                 : verify_models(records, journal);
  verification.problems.insert(verification.problems.end(), shares.problems.begin(),
                               shares.problems.end());
  if (there_is(files.result)) {
    const SweepResult result = read_result_argument(files.result);
    for (const std::vector<std::string>& problems :
         {verify_counts(records, result), verify_telemetry(files.telemetry, journal, result)}) {
      verification.problems.insert(verification.problems.end(), problems.begin(), problems.end());
    }
  } else {
    console.err << "note: no result.json beside the records to count them against\n";
  }
  if (options.format == kJsonFormat) {
    console.out << json_of(verification, shares);
    return verification.problems.empty() ? kExitOk : kExitMeasurementFailed;
  }
  console.out << report(verification);
  if (!shares.requests.empty()) console.out << shares_text(shares);
  if (verification.problems.empty()) {
    console.out << "\nverified: every request and token is accounted for\n";
    return kExitOk;
  }
  const size_t count = verification.problems.size();
  console.out << fmt::format("\nNOT verified: {} problem{}\n", count, count == 1 ? "" : "s");
  for (size_t i = 0; i < std::min(kShown, count); ++i) {
    console.out << "  " << verification.problems[i] << '\n';
  }
  if (count > kShown) console.out << fmt::format("  … and {} more\n", count - kShown);
  return kExitMeasurementFailed;
}

}  // namespace

void add_verify(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<VerifyCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "verify", "Hold a run's records against the truth log of the simulated endpoint");
  command->add_option("RESULT", options->result, "The run's folder, or its requests.jsonl")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--truth", options->truth,
                   "What `simulate --log` wrote; else truth.jsonl beside the records, which a run "
                   "with endpoint.simulator leaves")
      ->type_name("FILE");
  command->add_option("--tolerance", options->tolerance, "How late a stamp may be")
      ->type_name("TIME")
      ->capture_default_str();
  command
      ->add_option("--kill-margin", options->kill_margin,
                   "What the host may add to the 20 ms within which a record is written: what "
                   "ended earlier before a kill and has no record is lost")
      ->type_name("TIME")
      ->capture_default_str();
  add_format(*command, options->format);
  command->footer(
      "Example:\n"
      "  llmsweep simulate configs/simulators/toy.yaml --port 8000 --log truth.jsonl &\n"
      "  llmsweep run spec.yaml --set endpoint.url=http://127.0.0.1:8000/v1\n"
      "  llmsweep verify results/NAME --truth truth.jsonl\n"
      "  llmsweep verify results/NAME        # of a run with endpoint.simulator\n\n"
      "Exits with 1 on any lost or invented request or token, wrong outcome, or stamp that is\n"
      "early or too late. Errors in TTFT, E2E and chunk gaps are printed as distributions.\n"
      "See docs/simulator.md.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return verify_command(*options, console); };
  });
}

}  // namespace llmsweep
