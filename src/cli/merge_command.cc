#include "cli/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <ostream>
#include <vector>

#include "cli/columns_option.h"
#include "cli/format_option.h"
#include "cli/print_result.h"
#include "cli/report_files.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"
#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/cli/cli.h"
#include "llmsweep/report/figure.h"
#include "llmsweep/results/result_file.h"
#include "llmsweep/sweep/merge.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;

struct MergeOptions {
  std::vector<std::string> parts;
  std::string out;
  std::string format = "table";
  std::string columns;
};

// Removes what it made unless it is given its name.
class UnfinishedFolder {
 public:
  explicit UnfinishedFolder(const fs::path& wanted)
      : wanted_(without_slash(wanted)), path_(wanted_.string() + ".unfinished") {
    refuse_what_exists(wanted_, "nothing is overwritten: give a folder that does not exist");
    refuse_what_exists(path_, "a merge that did not come to its end left it: remove it");
    std::error_code error;
    fs::create_directories(path_, error);
    if (error) {
      throw Error({.what = "cannot be made: " + error.message(),
                   .where = path_.string(),
                   .next = "give another folder"});
    }
  }
  ~UnfinishedFolder() {
    std::error_code ignored;
    if (!finished_) fs::remove_all(path_, ignored);
  }
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;

  const fs::path& path() const { return path_; }
  const fs::path& finish() {
    refuse_what_exists(wanted_, "it was made while the parts were read; nothing is overwritten");
    fs::rename(path_, wanted_);
    finished_ = true;
    return wanted_;
  }

 private:
  static fs::path without_slash(const fs::path& path) {
    return path.has_filename() ? path : path.parent_path();
  }
  static void refuse_what_exists(const fs::path& path, const char* next) {
    if (there_is(path)) {
      throw Error({.what = "exists already", .where = path.string(), .next = next});
    }
  }

  fs::path wanted_;
  fs::path path_;
  bool finished_ = false;
};

int merge_command(const MergeOptions& options, Console& console) {
  console.out_style.columns = parse_columns(options.columns, ColumnsOf::kLevel);
  UnfinishedFolder folder(options.out);
  const Rebuilt merged =
      merge_parts(std::vector<fs::path>(options.parts.begin(), options.parts.end()), folder.path());
  for (const std::string& line : merged.notes) {
    console.err << "note: " << printable(line, 1000) << '\n';
  }
  for (const std::string& line : merged.result.provenance.notes) {
    console.err << "note: " << printable(line, 1000) << '\n';
  }
  write_file_atomically(folder.path() / "figure.svg", figure_svg({&merged.result, 1}));
  write_run_report(folder.path(), merged.result);
  const fs::path& made = folder.finish();
  if (options.format == kJsonFormat) {
    console.out << result_to_json(merged.result) << '\n';
  } else {
    print_result(merged.result, console);
    list_files(made, console);
  }
  return kExitOk;
}

}  // namespace

void add_merge(CLI::App& app, Command& chosen) {
  auto options = std::make_shared<MergeOptions>();
  CLI::App* command =
      app.add_subcommand("merge", "Make one result of the parts that several clients measured");
  command
      ->add_option("PART", options->parts,
                   "Folders that 'run --part' left, of all clients, in any order")
      ->type_name("FOLDER")
      ->required();
  command->add_option("--out", options->out, "Folder of the result; it must not exist")
      ->type_name("FOLDER")
      ->required();
  add_format(*command, options->format);
  add_columns(*command, options->columns);
  command->footer(
      "Example:\n"
      "  llmsweep merge parts/a parts/b parts/c --out results/my-server\n\n"
      "A client that is missing, there twice or of another run is an error. One that did not come\n"
      "to the end of a run makes the run INVALID; what it had measured is kept. docs/scale.md has\n"
      "the whole of it.\n");
  command->callback([options, &chosen] {
    chosen = [options](Console& console) { return merge_command(*options, console); };
  });
}

}  // namespace llmsweep
