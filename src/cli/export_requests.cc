#include "cli/export_requests.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <utility>

#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/report/requests_csv.h"
#include "llmsweep/results/journal.h"
#include "llmsweep/results/record_file.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

// The time of day of each run, as far as the journal has it.
std::map<RunId, Duration> offsets_of(const fs::path& folder) {
  std::map<RunId, Duration> offsets;
  if (!is_file(folder / "sweep.jsonl")) return offsets;
  for (const RunEntry& run : read_journal(folder / "sweep.jsonl").runs) {
    const std::optional<Duration> started = parse_utc_timestamp(run.started_at);
    if (started && run.started_ns > 0) offsets[run.id] = *started - Duration(run.started_ns);
  }
  return offsets;
}

class RequestLines {
 public:
  RequestLines(const fs::path& folder, const Sharing* sharing)
      : reader_(folder / "requests.jsonl"), offsets_(offsets_of(folder)), sharing_(sharing) {}

  // Some lines at a time; empty at the end.
  std::string_view next() {
    constexpr size_t kPiece = 1 << 16;
    piece_ = std::exchange(header_, {});
    while (piece_.size() < kPiece) {
      try {
        std::optional<RequestRecord> record = reader_.next();
        if (!record) break;
        if (sharing_ != nullptr) record->error = sharing_->text(record->error);
        const auto offset = offsets_.find(record->run);
        piece_ += requests_csv_line(*record, offset == offsets_.end()
                                                 ? std::nullopt
                                                 : std::optional<Duration>(offset->second));
      } catch (const Error&) {
        ++unreadable_;
      }
    }
    return piece_;
  }
  int64_t unreadable() const { return unreadable_; }

 private:
  RecordReader reader_;
  std::map<RunId, Duration> offsets_;
  const Sharing* sharing_;
  std::string header_ = requests_csv_header();
  std::string piece_;
  int64_t unreadable_ = 0;
};

}  // namespace

void export_requests(const std::string& result, const std::string& out, const Sharing* sharing,
                     Console& console) {
  const fs::path given = result;
  const fs::path folder = is_folder(given) ? given : given.parent_path();
  if (!is_file(folder / "requests.jsonl")) {
    throw Error({.what = "there is no requests.jsonl beside it",
                 .where = printable(result, 4096),
                 .next = "give the folder that a run left; imported results have no requests"});
  }
  RequestLines lines(folder, sharing);
  const NextPiece next = [&lines] { return lines.next(); };
  if (out.empty() || out == "-") {
    for (std::string_view piece = next(); !piece.empty(); piece = next()) console.out << piece;
  } else {
    write_file_atomically(out, next);
  }
  if (lines.unreadable() > 0) {
    console.err << fmt::format("note: {} lines of {} cannot be read\n", lines.unreadable(),
                               printable((folder / "requests.jsonl").string(), 4096));
  }
}

}  // namespace llmsweep
