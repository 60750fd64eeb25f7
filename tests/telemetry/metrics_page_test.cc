#include "llmsweep/telemetry/metrics_page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/base/files.h"

namespace llmsweep {
namespace {

struct Read {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  double value;
};

struct PageOfSamples {
  std::vector<Read> samples;
  int64_t broken = 0;
};

PageOfSamples read_in_pieces(std::string_view text, size_t piece) {
  PageOfSamples page;
  MetricsPageReader reader([&](const MetricSample& sample) {
    page.samples.push_back({std::string(sample.name), sample.labels, sample.value});
  });
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.feed(text.substr(0, piece));
  }
  reader.finish();
  page.broken = reader.broken();
  EXPECT_EQ(reader.samples(), static_cast<int64_t>(page.samples.size()));
  return page;
}

PageOfSamples read_all(std::string_view text) {
  return read_in_pieces(text, std::max<size_t>(text.size(), 1));
}

TEST(MetricsPage, HasNamesLabelsAndValues) {
  const PageOfSamples page = read_all(
      "# HELP a_total Things.\n# TYPE a_total counter\na_total 3\n"
      "b{x=\"1\",y=\"two\"} 0.5\nc { x = \"1\" , } 1e+06 1395066363000\n");
  ASSERT_EQ(page.samples.size(), 3U);
  EXPECT_EQ(page.samples[0].name, "a_total");
  EXPECT_EQ(page.samples[0].value, 3);
  EXPECT_EQ(page.samples[1].labels,
            (std::vector<std::pair<std::string, std::string>>{{"x", "1"}, {"y", "two"}}));
  EXPECT_EQ(page.samples[2].name, "c");
  EXPECT_EQ(page.samples[2].labels.size(), 1U);
  EXPECT_EQ(page.samples[2].value, 1e6);
  EXPECT_EQ(page.broken, 0);
}

TEST(MetricsPage, UndoesEscapesAndReadsOverBracesInValues) {
  const PageOfSamples page = read_all(R"(a{path="C:\\x\"}\n,",z="é"} 1)");
  ASSERT_EQ(page.samples.size(), 1U);
  EXPECT_EQ(page.samples[0].labels[0].second, "C:\\x\"}\n,");
  EXPECT_EQ(page.samples[0].labels[1].second, "é");
}

TEST(MetricsPage, TakesOpenMetrics) {
  const PageOfSamples page = read_all(
      "# TYPE a counter\n# UNIT a seconds\na_total 17.0 1520879607.789 # {id=\"KOO\"} 0.67\n"
      "a_bucket{le=\"+Inf\"} 4 # {id=\"x\"} 3 1.5\n{\"my.name\",x=\"1\"} 2\n# EOF\n");
  ASSERT_EQ(page.samples.size(), 3U);
  EXPECT_EQ(page.samples[0].value, 17);
  EXPECT_EQ(page.samples[1].labels[0].second, "+Inf");
  EXPECT_EQ(page.samples[2].name, "my.name");
  EXPECT_EQ(page.broken, 0);
}

TEST(MetricsPage, TakesWhatIsNoNumberOfThings) {
  const PageOfSamples page = read_all("a NaN\nb +Inf\nc -Inf\nd +5\n");
  ASSERT_EQ(page.samples.size(), 4U);
  EXPECT_TRUE(std::isnan(page.samples[0].value));
  EXPECT_EQ(page.samples[1].value, INFINITY);
  EXPECT_EQ(page.samples[2].value, -INFINITY);
  EXPECT_EQ(page.samples[3].value, 5);
}

TEST(MetricsPage, CountsWhatIsNoSample) {
  for (const char* line :
       {"a", "a{", "a{x} 1", "a{x=1} 1", "a{x=\"1} 1", "a{x=\"1\" y=\"2\"} 1", "a{x=\"1\"}", "a 1x",
        "{} 1", "[{\"iter\":1}]", "<html>", "a{=\"1\"} 1"}) {
    const PageOfSamples page = read_all(std::string(line) + "\nb 1\n");
    EXPECT_EQ(page.broken, 1) << line;
    EXPECT_EQ(page.samples.size(), 1U) << line;
  }
}

TEST(MetricsPage, OfNothingHasNothing) {
  for (const char* text : {"", "\n\n", "# EOF", "\r\n"}) {
    const PageOfSamples page = read_all(text);
    EXPECT_TRUE(page.samples.empty()) << text;
    EXPECT_EQ(page.broken, 0) << text;
  }
}

TEST(MetricsPage, SkipsALineThatIsTooLongAndGoesOn) {
  const std::string text = "a{x=\"" + std::string(kLongestMetricsLine, 'y') + "\"} 1\nb 2\n";
  for (const size_t piece : {size_t{1000}, text.size()}) {
    const PageOfSamples page = read_in_pieces(text, piece);
    ASSERT_EQ(page.samples.size(), 1U);
    EXPECT_EQ(page.samples[0].name, "b");
    EXPECT_EQ(page.broken, 1);
  }
}

TEST(MetricsPage, IsTheSameForEveryPieceItComesIn) {
  const std::string text =
      read_file(std::string(LLMSWEEP_SOURCE_DIR) + "/tests/telemetry/pages/vllm_0_26.txt");
  const PageOfSamples whole = read_all(text);
  EXPECT_EQ(whole.broken, 0);
  EXPECT_GT(whole.samples.size(), 300U);
  for (const size_t piece : {1, 2, 3, 7, 64, 1000}) {
    const PageOfSamples page = read_in_pieces(text, piece);
    ASSERT_EQ(page.samples.size(), whole.samples.size()) << piece;
    for (size_t i = 0; i < page.samples.size(); ++i) {
      ASSERT_EQ(page.samples[i].name, whole.samples[i].name);
      ASSERT_EQ(page.samples[i].labels, whole.samples[i].labels);
      ASSERT_EQ(page.samples[i].value, whole.samples[i].value);
    }
  }
}

}  // namespace
}  // namespace llmsweep
