#include <gmock/gmock.h>

#include <filesystem>

#include "dataset/dataset.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

using testing::HasSubstr;

// What a table's rows ask and for how many tokens, or the error's words.
std::string read_table(const std::string& bytes) {
  const auto path = std::filesystem::path(testing::TempDir()) / "llmsweep-table.csv";
  write_file_atomically(path, bytes);
  try {
    const Dataset set = Dataset::open(path.string(), 1);
    Dataset::Reader reader(set);
    std::string said;
    for (int64_t i = 0; i < set.size(); ++i) {
      const Record record = reader.read(static_cast<uint64_t>(i));
      said += "[" + record.turns.back().second + "]";
      if (record.max_tokens > 0) said += std::to_string(record.max_tokens);
    }
    for (const std::string& reason : set.summary().skip_reasons) said += "; " + reason;
    return said;
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(TableDataset, IsReadByTheNamesOfItsColumns) {
  EXPECT_EQ(read_table("id,prompt\n1,a\n2,b\n"), "[a][b]");
  EXPECT_EQ(read_table("\xEF\xBB\xBFid,Prompt,max_tokens\r\n1,a,20\r\n2,b,30.0\r\n3,c,\r\n"),
            "[a]20[b]30[c]");
  EXPECT_EQ(read_table("id\tquestion\n1\ta, b\n"), "[a, b]");
  EXPECT_EQ(read_table("id;text\n1;\"a;\"\"b\"\"\nc\"\n"), "[a;\"b\"\nc]");
  EXPECT_EQ(read_table("\"id\",\"prompt\"\n\"1\",\"a\"\n"), "[a]");
  EXPECT_EQ(read_table("instruction,input,output\nSort:,b a,a b\n"), "[Sort:\n\nb a]");
}

TEST(TableDataset, OfOneColumnHasAPromptALine) {
  EXPECT_EQ(read_table("prompt\nfirst, with a comma\n\nsecond\n"), "[first, with a comma][second]");
}

TEST(TableDataset, CountsRowsThatItCannotUse) {
  EXPECT_EQ(read_table("id,prompt\n1,a\n2,b,c\n3\n"),
            "[a]; 2 records without a readable turn (first: record 1)");
  EXPECT_THAT(read_table("prompt,id\na,1\n\xE9,2\n"), HasSubstr("[a]; 1 records that are not valid "
                                                                "UTF-8"));
  EXPECT_THAT(read_table("prompt,max_tokens\na,many\nb,2\n"), HasSubstr("not a positive whole"));
}

TEST(TableDataset, IsRefusedByNameWithoutAColumnOfPrompts) {
  EXPECT_THAT(read_table("id,riddle\n1,a\n"), HasSubstr("a CSV table or a plain text, not JSON"));
  EXPECT_THAT(read_table("id,riddle\n1,a\n"), HasSubstr("'prompt' in the first line"));
  EXPECT_THAT(read_table("id,prompt\n1,\"a\n2,b\n"), HasSubstr("row 2 of the table does not end"));
  EXPECT_THAT(read_table("{\"riddle\": \"a\"}\n"), HasSubstr("no usable record"));
}

}  // namespace
}  // namespace llmsweep
