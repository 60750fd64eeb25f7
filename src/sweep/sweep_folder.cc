#include "llmsweep/sweep/sweep_folder.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

#include "llmsweep/base/error.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/results/journal.h"

namespace llmsweep {
namespace fs = std::filesystem;
namespace {

constexpr const char* kWritten[] = {"sweep.jsonl",       "requests.jsonl", "truth.jsonl",
                                    "truth.jsonl.signs", "chunks.bin",     "result.json",
                                    "report.html",       "figure.svg",     "spec.yaml"};

[[noreturn]] void fail(const fs::path& where, std::string what) {
  throw Error({.what = std::move(what),
               .where = where.string(),
               .next = "give the folder that 'llmsweep run' wrote; without --resume a run makes "
                       "a new one"});
}

// A kill between the opening of the journal and its first line: nothing but that empty file is
// there, and nothing can be lost or replaced.
bool is_barely_begun(const fs::path& folder) {
  std::error_code error;
  const auto entries =
      std::distance(fs::directory_iterator(folder, error), fs::directory_iterator());
  return !error && entries == 1 && fs::file_size(folder / "sweep.jsonl", error) == 0 && !error;
}

}  // namespace

void require_sweep_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) fail(folder, "there is no such folder");
  if (error) fail(folder, "cannot be looked at: " + error.message());
  if (!fs::is_directory(status)) fail(folder, "is not a folder");
  const fs::path journal = folder / "sweep.jsonl";
  for (const char* name : kWritten) require_own_file(folder / name);
  if (!there_is(journal)) fail(folder, "holds no sweep: there is no sweep.jsonl in it");
  if (!read_journal(journal).ours() && !is_barely_begun(folder)) {
    fail(journal, "is not the journal of a sweep: no line says what made it");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    fail(folder, std::string("cannot be written: ") + std::strerror(errno));
  }
}

}  // namespace llmsweep
