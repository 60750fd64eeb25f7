#include "llmsweep/results/journal.h"

#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "llmsweep/base/clock.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/result_file.h"
#include "results/result_fields.h"

namespace llmsweep {

template <class Archive>
void fields(Archive& archive, OpenRun& value) {
  archive("start_ns", value.start_ns);
  archive("schedule_sha256", value.schedule_sha256);
  archive("overload", value.overload);
}

template <class Archive>
void fields(Archive& archive, RunClocks& value) {
  archive("begin", value.begin);
  archive("end", value.end);
}

template <class Archive>
void fields(Archive& archive, RunEntry& value) {
  load_point(archive, "level", value.id.point);
  archive("repeat", value.id.repeat);
  archive("started_at", value.started_at);
  archive("started_ns", value.started_ns);
  archive("first_prompt", value.first_prompt);
  archive("prompts", value.prompts);
  archive("begin_byte", value.lines.begin);
  archive("end_byte", value.lines.end);
  archive("records", value.records);
  archive("telemetry_begin_byte", value.pages.begin);
  archive("telemetry_end_byte", value.pages.end);
  archive("interrupted", value.interrupted);
  archive("gave_up", value.gave_up);
  archive("client", value.client);
  archive("open_loop", value.open);
  archive("clocks", value.clocks);
  archive("clients", value.clients);
  if constexpr (!Archive::kReads) {
    if (!value.open) archive.drop("open_loop");
    if (!value.clocks) archive.drop("clocks");
    if (value.clients.empty()) archive.drop("clients");
  }
}

namespace {

constexpr int kMaxEventDepth = 64;

// The run that is under way with this place in the sweep.
auto find_run(std::vector<RunEntry>& runs, const RunEntry& like) {
  return std::find_if(runs.begin(), runs.end(),
                      [&](const RunEntry& run) { return run.id == like.id; });
}

void apply(Journal& journal, const FilePlace& place) {
  JsonReader reader(place);
  std::string event;
  reader("event", event);
  if (event == "created") {
    reader("tool", journal.created_by);
    return;
  }
  if (event == "head") {
    reader("spec_sha256", journal.spec_sha256);
    const auto result = place.value.find("result");
    if (result == place.value.end()) place.fail("has no result");
    journal.head = parse_result(result->dump(), place.file);
    journal.complete = false;
    return;
  }
  if (event == "resumed") {
    int64_t began_ns = 0;
    reader("began_ns", began_ns);
    journal.resumes.push_back(from_ns(began_ns));
    journal.stopped_for.clear();
    return;
  }
  if (event == "stopped") {
    reader("why", journal.stopped_for);
    return;
  }
  if (event == "complete") {
    journal.complete = true;
    return;
  }
  RunEntry run;
  decode(place, run);
  const auto known = find_run(journal.runs, run);
  if (event == "run_started") {
    if (known != journal.runs.end()) place.fail("starts a run twice");
    journal.prompts_used = std::max(journal.prompts_used, run.first_prompt + run.prompts);
    journal.runs.push_back(std::move(run));
  } else if (event == "run_ended") {
    if (known == journal.runs.end()) place.fail("ends a run that was not started");
    run.ended = true;
    *known = std::move(run);
  } else if (event == "run_superseded") {
    if (known == journal.runs.end()) place.fail("supersedes a run that was not started");
    journal.superseded.push_back(std::move(*known));
    journal.runs.erase(known);
  }  // else: of a later version
}

void apply_line(Journal& journal, std::string_view text, const std::string& where) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxEventDepth;
    return !too_deep;
  };
  const Json line = Json::parse(text, limit_depth, false);
  const FilePlace place{line, where, {}};
  if (too_deep || !line.is_object()) {
    place.fail("the line is not a JSON object of the journal", "was the file edited?");
  }
  apply(journal, place);
}

Journal read_lines(LineReader& lines) {
  Journal journal;
  while (const std::optional<std::string_view> line = lines.next()) {
    if (!lines.whole()) break;
    apply_line(journal, *line, lines.where());
    journal.whole_bytes = lines.end();
  }
  return journal;
}

}  // namespace

Journal parse_journal(std::string_view text, const std::string& name) {
  LineReader lines(
      [&text](char* into, size_t size) {
        const size_t taken = text.copy(into, size);
        text.remove_prefix(taken);
        return taken;
      },
      name);
  return read_lines(lines);
}

Journal read_journal(const std::filesystem::path& path) {
  if (!there_is(path)) return {};
  LineReader lines(path);
  return read_lines(lines);
}

struct JournalWriter::Impl {
  AppendFile file;
  std::string fixed_at;  // empty: now

  Impl(const std::filesystem::path& path, std::string at) : file(path), fixed_at(std::move(at)) {
    if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) return;
    const int error = errno;
    if (error == EWOULDBLOCK) {
      throw Error({.what = "another process is writing this sweep",
                   .where = path.string(),
                   .next = "let it end, or give another folder"});
    }
    throw Error({.what = std::string("cannot be locked: ") + std::strerror(error),
                 .where = path.string(),
                 .next = "check the folder and its file system"});
  }
  ~Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::string at() const { return fixed_at.empty() ? utc_timestamp() : fixed_at; }

  void append(const Json& line) {
    file.append(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    file.sync();
  }

  void append(const char* event, RunEntry run, bool whole) {
    Json line = {{"event", event}, {"at", at()}};
    Json body = encode(run);
    for (auto& [key, value] : body.items()) line[key] = std::move(value);
    if (!whole) {
      for (const char* key : {"end_byte", "records", "telemetry_end_byte", "interrupted", "gave_up",
                              "client", "open_loop", "clocks", "clients"}) {
        line.erase(key);
      }
    }
    append(line);
  }
};

JournalWriter::JournalWriter(const std::filesystem::path& path, std::string at)
    : impl_(std::make_unique<Impl>(path, std::move(at))) {}
JournalWriter::~JournalWriter() = default;
JournalWriter::JournalWriter(JournalWriter&&) noexcept = default;
JournalWriter& JournalWriter::operator=(JournalWriter&&) noexcept = default;

void JournalWriter::created(const std::string& tool) {
  impl_->append(Json{{"event", "created"}, {"at", impl_->at()}, {"tool", tool}});
}

void JournalWriter::resumed(Instant began) {
  impl_->append(Json{{"event", "resumed"}, {"at", impl_->at()}, {"began_ns", to_ns(began)}});
}

void JournalWriter::head(const SweepResult& result, const std::string& spec_sha256) {
  SweepResult without_levels = result;
  without_levels.levels.clear();
  without_levels.users_at_target.clear();
  without_levels.rates_at_target.clear();
  impl_->append(Json{{"event", "head"},
                     {"at", impl_->at()},
                     {"spec_sha256", spec_sha256},
                     {"result", Json::parse(result_to_json(without_levels))}});
}

void JournalWriter::started(const RunEntry& run) {
  impl_->append("run_started", run, false);
}

void JournalWriter::ended(const RunEntry& run) {
  impl_->append("run_ended", run, true);
}

void JournalWriter::superseded(const RunEntry& run) {
  impl_->append("run_superseded", run, false);
}

void JournalWriter::stopped(const std::string& why) {
  impl_->append(Json{{"event", "stopped"}, {"at", impl_->at()}, {"why", why}});
}

void JournalWriter::complete() {
  impl_->append(Json{{"event", "complete"}, {"at", impl_->at()}});
}

}  // namespace llmsweep
