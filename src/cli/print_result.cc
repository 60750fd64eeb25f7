#include "cli/print_result.h"

#include <ostream>

#include "llmsweep/base/regular_file.h"
#include "llmsweep/base/text.h"
#include "llmsweep/report/table.h"

namespace llmsweep {

void print_result(const SweepResult& result, Console& console) {
  console.out << level_table(result, console.out_style) << users_text(result, console.out_style)
              << '\n';
}

void list_files(const std::filesystem::path& folder, Console& console) {
  for (const char* name :
       {"result.json", "requests.jsonl", "report.html", "figure.svg", "chunks.bin", "spec.yaml"}) {
    if (there_is(folder / name)) {
      console.out << printable((folder / name).string(), kPathBytes) << '\n';
    }
  }
}

}  // namespace llmsweep
