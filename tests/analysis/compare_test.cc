#include "llmsweep/analysis/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "analysis/make_result.h"
#include "llmsweep/base/error.h"

namespace llmsweep {
namespace {

using testing::e2e_target;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_result;
using namespace std::chrono_literals;

const testing::Levels kSlow = {{1, {14700, 14716, 14730}}, {8, {16000, 16100, 16050}}};
const testing::Levels kFast = {
    {1, {5790, 5801, 5815}}, {8, {11900, 12000, 12050}}, {16, {19000, 19100, 19200}}};

const FieldReport& field_of(const Comparison& comparison, const std::string& name) {
  for (const FieldReport& field : comparison.fields) {
    if (field.field == name) return field;
  }
  throw std::runtime_error("no field " + name);
}

std::string refusal(const SweepResult& a, const SweepResult& b,
                    const ComparisonOptions& options = {}) {
  try {
    compare(a, b, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "compared";
}

TEST(Compare, FindsNothingBetweenAResultAndItself) {
  const SweepResult result = make_result("a", 8, kFast);
  const Comparison comparison = compare(result, result, {.targets = {e2e_target(15s)}});
  ASSERT_EQ(comparison.levels.size(), 3u);
  for (const LevelComparison& level : comparison.levels) {
    for (const char* key : {"e2e", "ttft", "tpot", "throughput", "throughput_per_gpu"}) {
      const auto& ratio = level.ratio_of(measure_of(key));
      ASSERT_TRUE(ratio) << key;
      EXPECT_DOUBLE_EQ(ratio->ratio, 1);
      EXPECT_EQ(ratio->verdict, Verdict::kNoDifferenceShown);
      EXPECT_LT(ratio->ci95->low, 1);
      EXPECT_GT(ratio->ci95->high, 1);
    }
  }
  EXPECT_DOUBLE_EQ(*comparison.users[0].per_gpu_ratio, 1);
  for (const EqualLatency& row : comparison.equal_latency) EXPECT_DOUBLE_EQ(row.ratio, 1);
  for (const FieldReport& field : comparison.fields) EXPECT_NE(field.state, FieldState::kUnlike);
}

TEST(Compare, IsTheInverseWhenTheSidesAreSwapped) {
  const SweepResult a = make_result("a", 8, kSlow);
  const SweepResult b = make_result("b", 4, kFast);
  const ComparisonOptions options{.targets = {e2e_target(15s)}};
  const Comparison forth = compare(a, b, options), back = compare(b, a, options);
  ASSERT_EQ(forth.levels.size(), 2u);
  for (size_t i = 0; i < forth.levels.size(); ++i) {
    const Ratio& there = *forth.levels[i].ratio_of(measure_of("e2e"));
    const Ratio& here = *back.levels[i].ratio_of(measure_of("e2e"));
    EXPECT_NEAR(there.ratio * here.ratio, 1, 1e-12);
    EXPECT_NEAR(there.ci95->low * here.ci95->high, 1, 1e-12);
    EXPECT_EQ(there.verdict, Verdict::kBetter);
    EXPECT_EQ(here.verdict, Verdict::kWorse);
    const Ratio& up = *forth.levels[i].ratio_of(measure_of("throughput_per_gpu"));
    EXPECT_NEAR(up.ratio * back.levels[i].ratio_of(measure_of("throughput_per_gpu"))->ratio, 1,
                1e-12);
    EXPECT_EQ(up.verdict, Verdict::kBetter);
  }
  EXPECT_NEAR(*forth.users[0].per_gpu_ratio * *back.users[0].per_gpu_ratio, 1, 1e-12);
  ASSERT_EQ(forth.equal_latency.size(), back.equal_latency.size());
  for (size_t i = 0; i < forth.equal_latency.size(); ++i) {
    EXPECT_NEAR(forth.equal_latency[i].ratio * back.equal_latency[i].ratio, 1, 1e-12);
  }
  EXPECT_EQ(forth.only_candidate, std::vector{at_concurrency(16)});
  EXPECT_EQ(back.only_baseline, std::vector{at_concurrency(16)});
}

TEST(Compare, GivesSixteenTimesTheUsersPerGpuOfTheArticle) {
  const SweepResult h200 = make_result("h200", 8, kSlow);
  const SweepResult gb200 = make_result("gb200", 4, kFast);
  const Comparison comparison = compare(h200, gb200, {.targets = {e2e_target(15s)}});
  EXPECT_EQ(comparison.users[0].kind, RatioKind::kExact);
  EXPECT_DOUBLE_EQ(comparison.users[0].baseline.users_per_gpu, 0.125);
  EXPECT_DOUBLE_EQ(comparison.users[0].candidate.users_per_gpu, 2);
  EXPECT_DOUBLE_EQ(*comparison.users[0].per_gpu_ratio, 16);
  ASSERT_EQ(comparison.headlines[1].kind, HeadlineKind::kLatency);
  EXPECT_EQ(comparison.headlines[1].levels, 2);
  EXPECT_EQ(comparison.headlines[1].last, at_concurrency(8));
  EXPECT_NEAR(comparison.headlines[1].ratio, std::sqrt(14715.33 / 5801.66 * (16049.95 / 11983.17)),
              1e-3);
}

// By hand: logs of {100, 102, 104} and {110, 112, 114}, Welch by the textbook formula.
TEST(Compare, HasWelchsIntervalOfTheLogMedians) {
  const SweepResult a = make_result("a", 1, {{4, {100, 102, 104}}});
  const SweepResult b = make_result("b", 1, {{4, {110, 112, 114}}});
  const Ratio ratio = *compare(a, b).levels[0].ratio_of(measure_of("e2e"));
  EXPECT_NEAR(ratio.ratio, std::cbrt(110.0 * 112 * 114) / std::cbrt(100.0 * 102 * 104), 1e-12);
  // d = 0.09355, SE = 0.01531, 3.97 degrees, t = 2.785
  EXPECT_NEAR(std::log(ratio.ci95->high) - std::log(ratio.ratio), 0.0427, 0.0005);
  EXPECT_EQ(ratio.verdict, Verdict::kWorse);
}

// p is 0.028 by itself; five figures of one level say the same.
TEST(Compare, GivesAVerdictOnlyToWhatSurvivesHolmOverTheRowsThatAreShown) {
  const SweepResult a = make_result("a", 1, {{4, {100, 102, 104}}});
  const SweepResult b = make_result("b", 1, {{4, {105.5, 107.5, 109.5}}});
  const Measure e2e = measure_of("e2e");
  const Comparison whole = compare(a, b);
  EXPECT_EQ(whole.family.rows, 5);
  EXPECT_DOUBLE_EQ(whole.family.by_chance(), 0.25);
  const Ratio row = *whole.levels[0].ratio_of(e2e);
  EXPECT_GT(row.ci95->low, 1);  // the interval is not corrected
  EXPECT_EQ(row.verdict, Verdict::kNoDifferenceShown);
  EXPECT_NEAR(*row.p_adjusted, 5 * 0.0283, 0.0005);
  const Comparison one = compare(a, b, {.measures = {e2e}});
  EXPECT_EQ(one.family.rows, 1);
  EXPECT_EQ(one.levels[0].ratio_of(e2e)->verdict, Verdict::kWorse);
  const auto& speed = one.levels[0].ratio_of(measure_of("output_speed"));
  EXPECT_FALSE(speed->verdict);  // in the data, not in the family
  EXPECT_FALSE(speed->judged);
  EXPECT_TRUE(speed->ci95);
}

// Ratios of 1.1 and 1.21 with the same scatter of the rounds on both levels: 1.1537.
TEST(Compare, TakesTheMeanOfTheLevelsLogRatiosOverTheSweep) {
  const SweepResult a = make_result("a", 1, {{1, {100, 101, 102}}, {8, {200, 202, 204}}});
  const SweepResult b = make_result("b", 1, {{1, {110, 111.1, 112.2}}, {8, {242, 244.42, 246.84}}});
  const Comparison comparison = compare(a, b);
  const Ratio over = *comparison.sweep_ratio_of(measure_of("e2e"));
  EXPECT_NEAR(over.ratio, 1.1 * std::sqrt(1.1), 1e-9);
  EXPECT_EQ(over.levels, 2);
  const Ratio level = *comparison.levels[0].ratio_of(measure_of("e2e"));
  EXPECT_NEAR(std::log(over.ci95->high / over.ratio), std::log(level.ci95->high / level.ratio),
              1e-9);
  EXPECT_EQ(over.verdict, Verdict::kWorse);
  EXPECT_EQ(comparison.family.rows, 5 * 3);
  ASSERT_EQ(comparison.headlines[0].kind, HeadlineKind::kLatency);
  EXPECT_EQ(comparison.headlines[0].levels, 2);
}

TEST(Compare, LeavesInvalidLevelsOutOfTheSweepsRatio) {
  const SweepResult a = make_result("a", 1, {{1, {100, 101}}, {4, {100, 101}}, {8, {200, 202}}});
  SweepResult b = a;
  b.levels[2].pooled.valid = false;
  b.levels[0].pooled.validity = {{"e2e:p50", {InvalidReason::kClientDelay}}};
  const Comparison comparison = compare(a, b);
  EXPECT_FALSE(comparison.sweep_ratio_of(measure_of("e2e")));
  EXPECT_EQ(comparison.sweep_ratio_of(measure_of("throughput"))->levels, 2);
  EXPECT_EQ(comparison.sweep_levels, (std::vector{at_concurrency(1), at_concurrency(4)}));
}

TEST(Compare, HasNoIntervalOverASweepWhoseLevelsShareNoRepeats) {
  SweepResult a = make_result("a", 1, {{1, {100, 101}}, {8, {200, 202}}});
  for (RunStats& run : a.levels[1].runs) run.repeat += 2;
  const Ratio over = *compare(a, a).sweep_ratio_of(measure_of("e2e"));
  EXPECT_DOUBLE_EQ(over.ratio, 1);
  EXPECT_FALSE(over.ci95);
  EXPECT_EQ(over.verdict, Verdict::kNoInterval);
}

TEST(Compare, CallsAChangeBelowTheMinimumEffectNoDifference) {
  const SweepResult a = make_result("a", 1, {{4, {100.0, 100.01, 99.99}}});
  const SweepResult b = make_result("b", 1, {{4, {102.0, 102.01, 101.99}}});
  EXPECT_EQ(compare(a, b).levels[0].ratio_of(measure_of("e2e"))->verdict,
            Verdict::kNoDifferenceShown);
  EXPECT_EQ(compare(a, b, {.min_effect = 0.01}).levels[0].ratio_of(measure_of("e2e"))->verdict,
            Verdict::kWorse);
}

TEST(Compare, SaysThatOneRepeatHasNoBetweenRunInterval) {
  const SweepResult a = make_result("a", 1, {{4, {100}}});
  const SweepResult b = make_result("b", 1, {{4, {50, 51, 52}}});
  const Comparison comparison = compare(a, b);
  EXPECT_FALSE(comparison.levels[0].ratio_of(measure_of("e2e"))->ci95);
  EXPECT_EQ(comparison.levels[0].ratio_of(measure_of("e2e"))->verdict, Verdict::kNoInterval);
  EXPECT_DOUBLE_EQ(comparison.levels[0].ratio_of(measure_of("e2e"))->ratio,
                   std::cbrt(50 * 51 * 52) / 100);
  EXPECT_THAT(comparison.notes, ::testing::Contains(HasSubstr("No between-run interval")));
}

TEST(Compare, WithholdsTheVerdictOfAnInvalidLevel) {
  const SweepResult a = make_result("a", 1, {{4, {100, 101}}});
  SweepResult b = make_result("b", 1, {{4, {50, 51}}});
  b.levels[0].pooled.valid = false;
  b.levels[0].pooled.invalid_reasons = {InvalidReason::kClientBusy};
  const Comparison comparison = compare(a, b);
  EXPECT_FALSE(comparison.levels[0].candidate_valid);
  EXPECT_FALSE(comparison.levels[0].ratio_of(measure_of("e2e"))->verdict);
  EXPECT_THAT(comparison.headlines, IsEmpty());
  EXPECT_THAT(comparison.equal_latency, IsEmpty());
}

TEST(Compare, WithholdsTheVerdictOfAFigureThatTheClientMayHaveMade) {
  const SweepResult a = make_result("a", 1, {{4, {100, 101}}});
  SweepResult b = make_result("b", 1, {{4, {50, 51}}});
  b.levels[0].pooled.validity = {{"e2e:p50", {InvalidReason::kClientDelay}}};
  const Comparison comparison = compare(a, b);
  EXPECT_FALSE(comparison.levels[0].ratio_of(measure_of("e2e"))->verdict);
  EXPECT_FALSE(comparison.levels[0].ratio_of(measure_of("e2e"))->sound);
  EXPECT_TRUE(comparison.levels[0].ratio_of(measure_of("throughput"))->verdict);
}

TEST(Compare, JudgesTheOtherFiguresOfALevelThatIsInvalidForOne) {
  const SweepResult a = make_result("a", 1, {{4, {100, 101}}});
  SweepResult b = make_result("b", 1, {{4, {50, 51}}});
  b.levels[0].pooled.validity = {{"ttft:p50", {InvalidReason::kClientDelay}}};
  b.levels[0].pooled.valid = false;
  b.levels[0].pooled.invalid_reasons = {InvalidReason::kClientDelay};
  const Comparison comparison = compare(a, b);
  EXPECT_FALSE(comparison.levels[0].candidate_valid);
  EXPECT_FALSE(comparison.levels[0].ratio_of(measure_of("ttft"))->verdict);
  EXPECT_TRUE(comparison.levels[0].ratio_of(measure_of("e2e"))->verdict);
  EXPECT_TRUE(comparison.levels[0].ratio_of(measure_of("throughput"))->verdict);
}

TEST(Compare, ShowsTheRatioWithAndWithoutTheNoiseBetweenSessions) {
  const SweepResult a = make_result("a", 1, {{4, {100, 102, 104}}, {8, {200, 204, 208}}});
  SweepResult b = make_result("b", 1, {{4, {110, 112, 114}}, {8, {220, 224, 228}}});
  const Comparison one = compare(a, b);
  EXPECT_EQ(one.session_gap, "");
  EXPECT_FALSE(one.levels[0].ratio_of(measure_of("e2e"))->within_sessions);
  b.created_at = "2026-11-29T09:30:00Z";
  const Comparison two = compare(a, b);
  EXPECT_EQ(two.session_gap, "9 h apart");
  EXPECT_THAT(two.notes, ::testing::Contains(HasSubstr("1 % of noise between sessions")));
  const auto& before = one.levels[0].ratio_of(measure_of("e2e"));
  const auto& after = two.levels[0].ratio_of(measure_of("e2e"));
  EXPECT_EQ(after->within_sessions, before->ci95);
  EXPECT_LT(after->ci95->low, before->ci95->low);
  EXPECT_GT(after->ci95->high, before->ci95->high);
  EXPECT_EQ(after->ratio, before->ratio);
  EXPECT_TRUE(two.sweep_ratio_of(measure_of("e2e"))->within_sessions);
  EXPECT_EQ(compare(a, b, {.session_noise = 0}).levels[0].ratio_of(measure_of("e2e"))->ci95,
            before->ci95);
}

TEST(Compare, KnowsASessionByHostBootAndHour) {
  const SweepResult a = make_result("a", 1, kSlow);
  const auto gap_with = [&a](const auto& change) {
    SweepResult b = make_result("b", 1, kSlow);
    change(b);
    return compare(a, b).session_gap;
  };
  EXPECT_EQ(gap_with([](SweepResult&) {}), "");
  EXPECT_EQ(gap_with([](SweepResult& b) { b.provenance.host = "h2"; }), "on another host");
  EXPECT_EQ(gap_with([](SweepResult& b) { b.created_at = "2026-12-03T00:10:00Z"; }),
            "4 days apart");
  EXPECT_EQ(gap_with([](SweepResult& b) { b.created_at = "20261129-001000"; }), "");
  EXPECT_EQ(gap_with([](SweepResult& b) { b.created_at = "yesterday"; }),
            "at times that the files do not say");
  SweepResult booted = a;
  booted.provenance.boot_id = "1";
  SweepResult again = make_result("c", 1, kSlow);
  again.provenance.boot_id = "2";
  EXPECT_EQ(compare(booted, again).session_gap, "after another boot");
  booted = a;
  booted.provenance.server_started = "2026-11-28T15:20:00Z";
  again = booted;
  EXPECT_EQ(compare(booted, again).session_gap, "");
  again.provenance.server_started = "2026-11-28T15:40:00Z";
  EXPECT_EQ(compare(booted, again).session_gap, "after another start of the server");
  booted.simulated = again.simulated = true;
  EXPECT_EQ(compare(booted, again).session_gap, "");
}

TEST(Compare, RefusesUnlikeWorkloadsAndListsEveryDifference) {
  SweepResult a = make_result("a", 1, kSlow);
  SweepResult b = make_result("b", 1, kSlow);
  b.workload.input_tokens = TokenCount{.fixed = 1024};
  b.workload.output_tokens = TokenCount{.fixed = 512};
  b.workload.seed = 8;
  b.workload.prompt_set_sha256 = std::string(64, 'b');
  b.workload.streaming = false;
  b.simulated = true;
  b.levels[0].pooled.token_count_estimated = true;
  b.levels[0].pooled.input_tokens_mean = 2400;
  b.levels[0].pooled.cached_tokens_mean = 1200;
  a.levels[0].pooled.input_tokens_mean = 2400;
  a.workload.inputs_per_request = 10;
  b.workload.inputs_per_request = 20;
  a.models = {{.name = "x", .weight = 3}, {.name = "y", .weight = 1}};
  a.prices = b.prices = PriceSpec{.gpu_hour = 2};
  b.prices->currency = "EUR";
  a.profile = {{.to_s = 60, .rate_from = 2, .rate_to = 2, .level = {}}};
  b.profile = {{.to_s = 60, .rate_from = 2, .rate_to = 4, .level = {}}};
  a.spec_json = R"({"endpoint": {"api": "chat"}, "load": {}, "workload": {"sessions":
      {"turns": 4, "input_tokens": 200, "output_tokens": [300, 100], "think": "5s",
       "system_tokens": 0}}})";
  b.spec_json = R"({"endpoint": {"api": "chat"}, "load": {}, "workload": {"sessions":
      {"turns": 8, "think": {"mean": "20s", "cv": 1}, "system_tokens": 100}}})";
  a.trace = ReplaySummary{.file = "t.jsonl",
                          .format = TraceFormat::kMooncake,
                          .sha256 = std::string(64, 'c'),
                          .from_s = 60,
                          .span_s = 900,
                          .scaled_by = "share"};
  b.trace = a.trace;
  b.trace->spread_s = 3;
  b.trace->session_mode = TraceSessions::kClosed;
  b.trace->think_cap_s = 5;
  const std::string text = refusal(a, b);
  EXPECT_THAT(text,
              HasSubstr("load.trace: mooncake t.jsonl cccccccccccc, 900 s from 60 s, by share "
                        "in 'a', mooncake t.jsonl cccccccccccc, 900 s from 60 s, by share, "
                        "spread 3 s in 'b'"));
  EXPECT_THAT(text, HasSubstr("load.trace.sessions: open in 'a', closed in 'b'"));
  EXPECT_THAT(text, HasSubstr("load.trace.think_cap: none in 'a', 5 s in 'b'"));
  EXPECT_THAT(text, HasSubstr("workload.sessions.turns: 4 in 'a', 8 in 'b'"));
  EXPECT_THAT(text, HasSubstr("workload.sessions.think: \"5s\" in 'a'"));
  EXPECT_THAT(text, HasSubstr("workload.sessions.input_tokens: 200 in 'a', none in 'b'"));
  EXPECT_THAT(text, HasSubstr("workload.sessions.output_tokens: [300,100] in 'a', none in 'b'"));
  EXPECT_THAT(text, HasSubstr("load_profile: 60 s at 2 in 'a', 60 s at 2 → 4 in 'b'"));
  for (const std::string& field : comparable_fields()) {
    EXPECT_THAT(text, HasSubstr(field + ":"));
    EXPECT_THAT(text, HasSubstr("--allow-different " + field));
  }
  EXPECT_THAT(text, HasSubstr("2,400"));
  EXPECT_THAT(text, HasSubstr("1,024"));
  EXPECT_EQ(refusal(a, b, {.allow_different = comparable_fields()}), "compared");
  EXPECT_THAT(compare(a, b, {.allow_different = comparable_fields()}).notes,
              ::testing::Contains(HasSubstr("because it was allowed: seed")));
}

TEST(Compare, RefusesUsersWhoThinkAndOthersWhoDoNot) {
  const auto with_sessions = [](const std::string& name, const std::string& sessions) {
    SweepResult result = make_result(name, 1, kSlow);
    for (LevelStats& level : result.levels) {
      level.point = with_users(level.point.concurrency());
      level.pooled.sessions.emplace();
    }
    result.spec_json =
        R"({"endpoint": {"api": "chat"}, "load": {}, "workload": {)" + sessions + "}}";
    return result;
  };
  const std::string four = R"("sessions": {"turns": 4, "think": "20s", "system_tokens": 0})";
  SweepResult a = with_sessions("a", four);
  SweepResult same = with_sessions("b", four);
  EXPECT_EQ(refusal(a, same), "compared");
  EXPECT_THAT(
      refusal(a,
              with_sessions("b", R"("sessions": {"turns": 4, "think": "2s", "system_tokens": 0})")),
      ::testing::AllOf(HasSubstr("workload.sessions.think: \"20s\" in 'a', \"2s\" in 'b'"),
                       ::testing::Not(HasSubstr("sessions.turns"))));
  EXPECT_THAT(refusal(a, with_sessions("b", "")),
              HasSubstr("workload.sessions.think: \"20s\" in 'a', none in 'b'"));
  // What turns find in the cache is the system's doing, and no reason to refuse.
  for (SweepResult* result : {&a, &same}) {
    for (LevelStats& level : result->levels) level.pooled.input_tokens_mean = 2400;
  }
  same.levels[0].pooled.cached_tokens_mean = 2000;
  EXPECT_EQ(refusal(a, same), "compared");
}

TEST(Compare, RefusesOneFieldWhereAnotherIsAllowed) {
  const SweepResult a = make_result("a", 1, kSlow);
  SweepResult b = make_result("b", 1, kSlow);
  b.workload.seed = 8;
  b.workload.prompt_set_sha256 = std::string(64, 'b');
  const std::string text = refusal(a, b, {.allow_different = {"seed"}});
  EXPECT_THAT(text, HasSubstr("prompt_set"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("--allow-different seed")));
}

TEST(Compare, SuggestsTheFieldThatWasMeant) {
  const SweepResult a = make_result("a", 1, kSlow);
  EXPECT_THAT(refusal(a, a, {.allow_different = {"sede"}}), HasSubstr("did you mean 'seed'"));
}

TEST(Compare, ShowsWhatAComparisonIsAboutAndDoesNotRefuseIt) {
  const SweepResult a = make_result("a", 8, kSlow);
  SweepResult b = make_result("b", 4, kFast);
  b.system.accelerator = "H200";
  b.system.precision = "FP8";
  b.system.mtp = true;
  b.model = "other";
  const Comparison comparison = compare(a, b);
  for (const char* name : {"accelerator", "precision", "gpus", "model"}) {
    EXPECT_EQ(field_of(comparison, name).state, FieldState::kDiffers) << name;
  }
  EXPECT_EQ(field_of(comparison, "mtp").state, FieldState::kUnknown);
  EXPECT_EQ(field_of(comparison, "seed").state, FieldState::kSame);
  EXPECT_THAT(comparison.notes, ::testing::Contains(HasSubstr("models differ")));
}

SweepResult asking(const std::string& endpoint, const std::string& load) {
  SweepResult result = make_result("a", 8, kSlow);
  result.tool = "llmsweep 0.1.0";
  result.spec_json = R"({"endpoint": )" + endpoint + R"(, "load": )" + load + "}";
  result.workload.template_overhead_tokens = 7;
  result.workload.tokenizer_sha256 = std::string(64, 'a');
  for (LevelStats& level : result.levels) level.pooled.input_tokens_mean = 2400;
  return result;
}

const char* const kEndpoint =
    R"({"api": "chat", "extra_body": {}, "request_fields": ["ignore_eos", "min_tokens"]})";
const char* const kLoad = R"({"fillers": true, "warmup_per_slot": 1})";

TEST(Compare, NamesAtTheTopWhateverMakesRequestsUnlike) {
  const SweepResult a = asking(kEndpoint, kLoad);
  const auto notes_of = [&a](const SweepResult& b) {
    std::string text;
    for (const std::string& note : compare(a, b).notes) text += note + "\n";
    return text;
  };
  EXPECT_THAT(notes_of(a), ::testing::Not(HasSubstr("unlike")));
  const auto endpoint = [](const char* api, const char* body) {
    return asking(std::string(R"({"api": ")") + api + R"(", "extra_body": )" + body +
                      R"(, "request_fields": ["ignore_eos", "min_tokens"]})",
                  kLoad);
  };
  EXPECT_THAT(notes_of(endpoint("completions", "{}")),
              HasSubstr("unlike in api: chat against completions."));
  EXPECT_THAT(notes_of(endpoint("chat", R"({"top_k": 10, "temperature": 1.5})")),
              HasSubstr("unlike in extra_body: nothing against temperature 1.5, top_k 10."));
  EXPECT_THAT(notes_of(asking(kEndpoint, R"({"fillers": false, "warmup_per_slot": 1})")),
              HasSubstr("unlike in fillers: on against off."));
  EXPECT_THAT(notes_of(asking(kEndpoint, R"({"fillers": true, "warmup_per_slot": 0})")),
              HasSubstr("unlike in warmup_per_slot: 1 against 0."));
  SweepResult b = a;
  b.provenance.dropped_fields = {"ignore_eos"};
  EXPECT_THAT(notes_of(b),
              HasSubstr("unlike in request_fields: ignore_eos, min_tokens against min_tokens."));
  b = a;
  b.workload.template_overhead_tokens = 107;
  EXPECT_THAT(notes_of(b), HasSubstr("unlike in template_tokens: 7 against 107."));
  b = a;
  b.workload.tokenizer_sha256 = std::string(64, 'f');
  EXPECT_THAT(notes_of(b), HasSubstr("unlike in tokenizer: aaaaaaaaaaaa against ffffffffffff."));
  b = a;
  for (LevelStats& level : b.levels) level.pooled.input_tokens_mean = 2500;
  EXPECT_THAT(notes_of(b),
              HasSubstr("unlike in input_counted: 2,400 tokens against 2,500 tokens."));
  b = a;
  b.levels[1].pooled.cached_tokens_mean = 96;  // 4 %
  EXPECT_THAT(notes_of(b), HasSubstr("unlike in cached_input: 0 % against 4 %."));
  b = a;
  b.tool = "llmsweep 0.9.9";
  EXPECT_THAT(notes_of(b), HasSubstr("programs that measured differ: llmsweep 0.1.0 and llmsweep"));
  b = a;
  for (LevelStats& level : b.levels) level.point = at_rate(level.point.value);
  EXPECT_THAT(notes_of(b), HasSubstr("unlike in load: concurrency against request rate."));
}

TEST(Compare, RefusesALargeShareOfCachedInputUnlessItIsAllowed) {
  const SweepResult a = asking(kEndpoint, kLoad);
  SweepResult b = a;
  b.levels[1].pooled.cached_tokens_mean = 1200;
  EXPECT_THAT(refusal(a, b), HasSubstr("cached_input: 0 % in 'a', 50 % in 'a'"));
  EXPECT_EQ(refusal(a, b, {.allow_different = {"cached_input"}}), "compared");
}

TEST(Compare, TakesWhatIsNoSpecForUnknown) {
  for (const char* spec :
       {"null", "[]", "{", R"({"endpoint": 1})", R"({"load": {"fillers": []}})"}) {
    SweepResult b = asking(kEndpoint, kLoad);
    b.spec_json = spec;
    EXPECT_EQ(field_of(compare(asking(kEndpoint, kLoad), b), "api").state, FieldState::kUnknown);
  }
}

TEST(Compare, CarriesWarningsAndWhatIsInvalidOfEitherSide) {
  const SweepResult a = make_result("a", 8, kSlow);
  SweepResult b = make_result("b", 8, kSlow);
  for (LevelStats& level : b.levels) level.pooled.warnings = {Warning::kCachedTokens};
  b.levels[0].pooled.validity = {{"ttft:p50", {InvalidReason::kClientDelay}}};
  b.levels[1].pooled.valid = false;
  b.levels[1].pooled.invalid_reasons = {InvalidReason::kErrors};
  const auto& notes = compare(a, b).notes;
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("'b' at c1, c8: ")));
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("'b' at c1: ttft:p50 is not valid.")));
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("'b' at c8 is INVALID: ")));
}

TEST(Compare, SaysOnceThatAFigureIsNotValidByAnyOfItsStatistics) {
  const SweepResult a = make_result("a", 8, kSlow);
  SweepResult b = make_result("b", 8, kSlow);
  for (LevelStats& level : b.levels) {
    for (const char* key : {"itl:mean", "itl:p50", "itl:p99"}) {
      level.pooled.validity[key] = {InvalidReason::kClientDelay};
    }
  }
  std::vector<std::string> of_itl;
  for (const std::string& note : compare(a, b).notes) {
    if (note.find("itl") != std::string::npos) of_itl.push_back(note);
  }
  ASSERT_EQ(of_itl.size(), 1u);
  EXPECT_THAT(of_itl[0], HasSubstr("'b' at c1, c8: itl by several statistics is not valid."));
  // Nor does each metric that a late client reaches have a line of its own.
  for (LevelStats& level : b.levels)
    level.pooled.validity["ttft:p50"] = {InvalidReason::kClientDelay};
  EXPECT_THAT(compare(a, b).notes, ::testing::Contains(HasSubstr(
                                       "'b' at c1, c8: itl by several statistics, ttft:p50 are "
                                       "not valid. The client was late")));
}

TEST(Compare, KnowsTheSameMeasurementUnderAnotherName) {
  SweepResult a = make_result("a", 8, kSlow);
  a.created_at = "2026-11-29T01:02:03Z";
  a.workload.nonce = "n";
  SweepResult b = a;
  b.name = "copy";
  EXPECT_TRUE(same_measurement(a, b));
  EXPECT_THAT(compare(a, b).notes, ::testing::Contains(HasSubstr("are the same measurement")));
  b.levels[0].runs.push_back(testing::make_run(1, 14'800, 3));  // resumed since
  b.levels.pop_back();
  EXPECT_TRUE(same_measurement(a, b));
  for (RunStats& run : b.levels[0].runs) *run.e2e.max += 1;
  EXPECT_FALSE(same_measurement(a, b));
  b = a;
  b.created_at = "2026-11-29T01:02:04Z";
  EXPECT_FALSE(same_measurement(a, b));
}

TEST(Compare, WithholdsTheVerdictOfAFigureThatARunLacks) {
  const SweepResult a = make_result("a", 1, {{4, {100, 101, 102}}});
  SweepResult b = make_result("b", 1, {{4, {50, 51, 52}}});
  b.levels[0].runs[2].e2e.p99.reset();
  const Measure p99{find_quantity("e2e"), Statistic::kP99};
  const std::optional<Ratio> ratio = compare(a, b, {.measures = {p99}}).levels[0].ratio_of(p99);
  ASSERT_TRUE(ratio);
  EXPECT_FALSE(ratio->complete);
  EXPECT_FALSE(ratio->verdict);
}

TEST(Compare, TakesWhatAFileDoesNotSayForUnknownAndNotForUnlike) {
  const SweepResult a = make_result("a", 8, kSlow);
  SweepResult b = make_result("b", 8, kFast);
  b.source = Source::kPublished;
  b.workload.prompt_set_sha256.clear();
  b.workload.seed = 0;
  b.workload.input_tokens.reset();
  const Comparison comparison = compare(a, b);
  for (const char* name : {"prompt_set", "seed", "input_tokens", "token_counts"}) {
    EXPECT_EQ(field_of(comparison, name).state, FieldState::kUnknown) << name;
    EXPECT_EQ(field_of(comparison, name).candidate, "unknown") << name;
  }
}

TEST(Compare, TakesImportedMeansWithinOnePercentForTheSameLengths) {
  const SweepResult a = make_result("a", 8, kSlow);
  SweepResult b = make_result("b", 8, kFast);
  b.source = Source::kImported;
  b.workload.seed = 0;
  b.workload.prompt_set_sha256.clear();
  b.workload.input_tokens = TokenCount{.kind = TokenCount::Kind::kNormal, .mean = 2395.2};
  EXPECT_EQ(refusal(a, b), "compared");
  b.workload.input_tokens->mean = 2300;
  EXPECT_THAT(refusal(a, b), HasSubstr("input_tokens"));
}

TEST(Compare, BoundsTheUsersRatioWhereASweepEndsBeforeTheTargetIsMissed) {
  const SweepResult a = make_result("a", 8, kSlow);
  const SweepResult open = make_result("open", 4, {{1, {5000}}, {8, {9000}}});
  const ComparisonOptions at15{.targets = {e2e_target(15s)}};
  EXPECT_EQ(compare(a, open, at15).users[0].kind, RatioKind::kAtLeast);
  EXPECT_EQ(compare(open, a, at15).users[0].kind, RatioKind::kAtMost);
  EXPECT_EQ(compare(open, open, at15).users[0].kind, RatioKind::kUndefined);
  EXPECT_FALSE(compare(open, open, at15).users[0].per_gpu_ratio);
  const Comparison below = compare(a, open, {.targets = {e2e_target(6s)}});
  EXPECT_EQ(below.users[0].kind, RatioKind::kUndefined);
  EXPECT_EQ(below.users[0].baseline.kind, UsersKind::kBelowSweep);
}

TEST(Compare, PrefersTheUsersThatTheFileStates) {
  SweepResult a = make_result("a", 4, {{1, {5000}}});
  a.users_at_target = {{.target = e2e_target(15s), .users = 8, .c_pass = 8, .users_per_gpu = 2}};
  const Comparison comparison = compare(a, a);
  ASSERT_EQ(comparison.users.size(), 1u);
  EXPECT_EQ(comparison.users[0].baseline.users, 8);
}

// By hand: (1000 ms, 100) to (2000, 300), and per GPU (1500, 200) to (3000, 500).
TEST(Compare, InterpolatesThroughputPerGpuInsideBothRangesOnly) {
  SweepResult a = make_result("a", 1, {{1, {1000}}, {2, {2000}}});
  SweepResult b = make_result("b", 2, {{1, {1500}}, {4, {3000}}});
  const auto set = [](SweepResult& result, std::vector<double> tps) {
    for (size_t i = 0; i < tps.size(); ++i) {
      result.levels[i].pooled.steady_output_throughput_tps = tps[i];
    }
  };
  set(a, {100, 300});
  set(b, {400, 1000});
  const Comparison comparison = compare(a, b, {.targets = {e2e_target(1800ms), e2e_target(5s)}});
  ASSERT_EQ(comparison.equal_latency.size(), 6u);  // both ends, three inside, one target
  const EqualLatency& first = comparison.equal_latency.front();
  EXPECT_DOUBLE_EQ(first.e2e_p50_ms, 1500);
  EXPECT_DOUBLE_EQ(first.baseline_tps_per_gpu, 200);
  EXPECT_DOUBLE_EQ(first.candidate_tps_per_gpu, 200);
  const EqualLatency& last = comparison.equal_latency.back();
  EXPECT_DOUBLE_EQ(last.e2e_p50_ms, 2000);
  EXPECT_DOUBLE_EQ(last.baseline_tps_per_gpu, 300);
  EXPECT_NEAR(last.candidate_tps_per_gpu, 300, 1e-9);
  const auto at_target =
      std::find_if(comparison.equal_latency.begin(), comparison.equal_latency.end(),
                   [](const EqualLatency& row) { return row.e2e_p50_ms == 1800; });
  ASSERT_NE(at_target, comparison.equal_latency.end());
  EXPECT_DOUBLE_EQ(at_target->baseline_tps_per_gpu, 260);
  EXPECT_DOUBLE_EQ(at_target->candidate_tps_per_gpu, 260);
}

TEST(Compare, GivesTheRatioAtEqualLatencyAnIntervalWhereEveryRepeatReachesIt) {
  const SweepResult a = make_result("a", 1, {{1, {1000, 1010}}, {2, {2000, 2020}}});
  const SweepResult b = make_result("b", 1, {{1, {1100, 1111}}, {4, {3000, 3030}}});
  const auto rows = compare(a, b).equal_latency;
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_FALSE(rows.front().ci95);  // one repeat begins above it
  for (size_t i = 1; i + 1 < rows.size(); ++i) {
    ASSERT_TRUE(rows[i].ci95) << i;
    EXPECT_LT(rows[i].ci95->low, rows[i].ratio);
    EXPECT_GT(rows[i].ci95->high, rows[i].ratio);
  }
}

TEST(Compare, ComparesDrainedThroughputsWhereASideHasNoSteadyOne) {
  const SweepResult a = make_result("a", 1, {{4, {100, 101}}});
  SweepResult b = make_result("b", 1, {{4, {100, 101}}});
  b.levels[0].pooled.steady_output_throughput_tps.reset();
  for (RunStats& run : b.levels[0].runs) run.steady_output_throughput_tps.reset();
  const Comparison comparison = compare(a, b);
  EXPECT_TRUE(comparison.levels[0].with_drain);
  EXPECT_DOUBLE_EQ(comparison.levels[0].ratio_of(measure_of("throughput"))->ratio, 1);
  EXPECT_THAT(comparison.notes, ::testing::Contains(HasSubstr("drain")));
}

TEST(Compare, WorksOnResultsWithNextToNothingInThem) {
  SweepResult a, b;
  a.source = b.source = Source::kPublished;
  LevelStats bare;
  bare.point = at_concurrency(1);
  a.levels = b.levels = {bare};
  const Comparison comparison = compare(a, b, {.targets = {e2e_target(1s)}});
  EXPECT_FALSE(comparison.levels[0].ratio_of(measure_of("e2e")));
  EXPECT_FALSE(comparison.users[0].per_gpu_ratio);
  EXPECT_EQ(compare(SweepResult{}, SweepResult{}).levels.size(), 0u);
}

TEST(Compare, PutsWeightsAndQualitySideBySide) {
  SweepResult a = make_result("a", 8, kSlow);
  SweepResult b = make_result("b", 4, kFast);
  a.system.weights_gb = 690;
  b.system.weights_gb = 415;
  a.quality = {{"MMLU Pro", 0.802}, {"only a", 0.5}};
  b.quality = {{"MMLU Pro", 0.799}, {"only b", 0.6}};
  const Comparison comparison = compare(a, b);
  EXPECT_NEAR(comparison.headlines.back().ratio, 1.6627, 1e-4);
  ASSERT_EQ(comparison.quality.size(), 3u);
  EXPECT_EQ(comparison.quality[0].candidate, 0.799);
  EXPECT_FALSE(comparison.quality[1].candidate);
  EXPECT_FALSE(comparison.quality[2].baseline);
}

TEST(Compare, HasEveryQuantityWithABetterSideAndThoseThatAreNamed) {
  const SweepResult a = make_result("a", 1, {{4, {100, 101}}});
  const Measure p99{find_quantity("itl"), Statistic::kP99};
  const Comparison comparison = compare(a, a, {.measures = {p99, measure_of("e2e")}});
  std::vector<std::string> keys;
  for (const auto& [measure, ratio] : comparison.levels[0].measures) {
    keys.push_back(data_key_of(measure));
  }
  EXPECT_THAT(keys, ::testing::IsSupersetOf({"itl_p50_ms", "icl_p50_ms", "decode_speed_tps",
                                             "output_speed_tps", "goodput_fraction"}));
  EXPECT_EQ(keys.back(), "itl_p99_ms");
  EXPECT_EQ(std::count(keys.begin(), keys.end(), "e2e_p50_ms"), 1);
}

// 0.9 and 0.8 on average, by the mean that the table shows: not the geometric one.
TEST(Compare, OfGoodputIsByTheArithmeticMeanOfItsRuns) {
  SweepResult a = make_result("a", 1, {{4, {100, 101, 102}}}), b = a;
  const double of_a[] = {0.8, 0.9, 1.0}, of_b[] = {0.6, 0.8, 1.0};
  for (size_t i = 0; i < 3; ++i) {
    a.levels[0].runs[i].goodput_fraction = of_a[i];
    b.levels[0].runs[i].goodput_fraction = of_b[i];
  }
  const Ratio goodput = *compare(a, b, {.measures = {measure_of("goodput")}})
                             .levels[0]
                             .ratio_of(measure_of("goodput"));
  EXPECT_DOUBLE_EQ(goodput.baseline, 0.9);
  EXPECT_DOUBLE_EQ(goodput.candidate, 0.8);
  EXPECT_DOUBLE_EQ(goodput.ratio, 0.8 / 0.9);
  EXPECT_LT(goodput.ci95->low, goodput.ratio);
  EXPECT_EQ(goodput.verdict, Verdict::kNoDifferenceShown);
}

}  // namespace
}  // namespace llmsweep
