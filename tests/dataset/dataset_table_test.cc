#include <gmock/gmock.h>

#include <filesystem>

#include "dataset/dataset.h"
#include "llmsweep/base/error.h"
#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

using testing::HasSubstr;

// What a table's rows ask and for how many tokens, or the error's words.
std::string read_table(const std::string& bytes, const std::string& part = "") {
  const auto path = std::filesystem::path(testing::TempDir()) / "llmsweep-table.csv";
  write_file_atomically(path, bytes);
  try {
    const Dataset set = Dataset::open(path.string() + part, 1);
    Dataset::Reader reader(set);
    std::string said;
    for (int64_t i = 0; i < set.size(); ++i) {
      const Record record = reader.read(static_cast<uint64_t>(i));
      said += "[" + record.turns.back().second + "]";
      if (record.max_tokens > 0) said += std::to_string(record.max_tokens);
    }
    EXPECT_EQ(set.summary().name, path.string() + part);
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

TEST(TableDataset, TakesTheColumnThatIsNamedBehindThePath) {
  const std::string table = "id,Riddle,prompt,max_tokens,input\n1,\"a, b\",no,20,c\n2,d,no,,e\n";
  EXPECT_EQ(read_table(table, "#Riddle"), "[a, b]20[d]");
  EXPECT_EQ(read_table(table, "#riddle"), "[a, b]20[d]");
  EXPECT_EQ(read_table(table, "#prompt"), "[no]20[no]");
  EXPECT_EQ(read_table(table, "#id"), "[1]20[2]");
  EXPECT_EQ(read_table("\xEF\xBB\xBF"
                       "a;b\r\n1;2\r\n",
                       "#a"),
            "[1]");
  EXPECT_EQ(read_table("a,lines\n1,2\n", "#lines"), "[2]");
  EXPECT_THAT(read_table(table, "#riddles"), HasSubstr("no column 'riddles'"));
  EXPECT_THAT(read_table(table, "#riddles"),
              HasSubstr("names id, Riddle, prompt, max_tokens, input; #lines makes"));
  EXPECT_THAT(read_table("[{\"prompt\": \"a\"}]", "#prompt"), HasSubstr("a file that is no table"));
}

TEST(TableDataset, TakesEachLineOfAText) {
  EXPECT_EQ(read_table("\xEF\xBB\xBFto be, or\r\n\n\"not\nto; be\t\"?", "#lines"),
            "[to be, or][\"not][to; be\t\"?]");
  EXPECT_EQ(read_table("{\"a\": 1}\nprompt,b\n", "#lines"), "[{\"a\": 1}][prompt,b]");
  EXPECT_EQ(read_table("one line", "#lines"), "[one line]");
  EXPECT_THAT(read_table("a\n\xE9\n", "#lines"), HasSubstr("[a]; 1 records that are not valid"));
  EXPECT_THAT(read_table(std::string("a\0b\0\n\0c\0", 8), "#lines"), HasSubstr("UTF-16"));
}

TEST(TableDataset, IsRefusedByNameWithoutAColumnOfPrompts) {
  EXPECT_THAT(read_table("id,riddle\n1,a\n"), HasSubstr("a CSV table or a plain text, not JSON"));
  EXPECT_THAT(read_table("id,riddle\n1,a\n"), HasSubstr("FILE#COLUMN"));
  EXPECT_THAT(read_table("id,prompt\n1,\"a\n2,b\n"), HasSubstr("row 2 of the table does not end"));
  EXPECT_THAT(read_table("{\"riddle\": \"a\"}\n"), HasSubstr("no usable record"));
}

}  // namespace
}  // namespace llmsweep
