// The schema and docs/spec.md are what the list of keys says; LLMSWEEP_WRITE_DOCS=1 writes them.
#include "spec/spec_documents.h"

#include <gtest/gtest.h>

#include "schemas/written_documents.h"

namespace llmsweep {
namespace {

TEST(SpecSchema, IsWhatTheListOfKeysSays) {
  expect_written("configs/llmsweep-spec.schema.json", spec_schema());
}

TEST(SpecDocs, TablesAreWhatTheListOfKeysSays) {
  std::string document = read_file(repository_file("docs/spec.md"));
  for (const auto& [section, table] : spec_tables()) {
    replace_table(document, section.empty() ? "## Top level" : "## " + section, table);
  }
  replace_between(document, "## What a resumed run may change\n", "Two specs that differ only in ",
                  " ask for the same measurements",
                  "Two specs that differ only in " + resumable_keys());
  expect_written("docs/spec.md", document);
}

}  // namespace
}  // namespace llmsweep
