#include "llmsweep/load/load_loop.h"

#include <gtest/gtest.h>

#include <set>

#include <map>
#include <memory>

#include "llmsweep/schedule/schedule.h"
#include "load/fake_client.h"

namespace llmsweep {
namespace {
using namespace std::chrono_literals;

// One run against a FakeClient: everything that a test may want to look at afterwards.
struct Bench {
  explicit Bench(const LoadSpec& load, int concurrency, FakeClient::Script script)
      : client(clock, std::move(script)) {
    plan.run.point = at_concurrency(concurrency);
    plan.schedule = make_schedule(load, plan.run.point);
    const uint32_t prompts_needed = prompt_demand(load, plan.run.point).total();
    prompts.resize(prompts_needed, Prompt{.text = "hi", .planned_output_tokens = 10});
    plan.prompts = prompts;
    plan.bodies.assign(prompts_needed, std::make_shared<const std::string>("{}"));
    for (const Arrival& arrival : plan.schedule.arrivals) {
      if (arrival.phase == Phase::kMeasured) ++control.measured_left;
    }
    if (plan.schedule.measure_for) ++control.measured_left;
    plan.load = load;
  }

  std::vector<RequestRecord> run() {
    const LoopShare share{.loop = 0, .loops = 1, .start = clock.now()};
    LoopResult result =
        run_loop(plan, share, client, clock, control, [this](const RequestRecord& record) {
          sunk.push_back(record.index);
          if (on_record) on_record(record);
        });
    iterations = result.iterations;
    return {result.records.begin(), result.records.end()};
  }

  ManualClock clock;
  FakeClient client;
  std::vector<Prompt> prompts;
  LoadPlan plan;
  LoadControl control;
  std::vector<uint32_t> sunk;
  Histogram iterations;
  std::function<void(const RequestRecord&)> on_record;
};

size_t count(const std::vector<RequestRecord>& records, Phase phase, Outcome outcome) {
  return static_cast<size_t>(
      std::count_if(records.begin(), records.end(), [&](const RequestRecord& record) {
        return record.phase == phase && record.outcome == outcome;
      }));
}

const RequestRecord& by_index(const std::vector<RequestRecord>& records, uint32_t index) {
  for (const RequestRecord& record : records) {
    if (record.index == index) return record;
  }
  throw std::out_of_range("no record of that index");
}

FakeClient::Script always(int tokens, Duration ttft, Duration gap) {
  return [=](RequestId) { return good_answer(tokens, ttft, gap); };
}

TEST(LoadLoop, AccountsForEveryRequestOfASingleSlot) {
  Bench bench({.requests_per_slot = 3, .warmup_per_slot = 1}, 1, always(10, 100ms, 10ms));
  const auto records = bench.run();
  EXPECT_EQ(count(records, Phase::kWarmup, Outcome::kOk), 1u);
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kOk), 3u);
  EXPECT_EQ(records.size(), bench.client.started.size());
  EXPECT_EQ(bench.sunk.size(), records.size());
  const RequestRecord& first = by_index(records, 1);
  EXPECT_EQ(*first.first_token - *first.sent, Duration(100ms));
  EXPECT_EQ(*first.last_token - *first.sent, Duration(190ms));
  EXPECT_EQ(first.chunks, 10);
}

TEST(LoadLoop, HandsOverFromWarmUpWithoutADrain) {
  // Slot 0 is slow in its warm-up, slot 1 quick: slot 1 must be measuring meanwhile.
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 1}, 2,
              [](RequestId id) { return good_answer(2, id == 0 ? 1000ms : 10ms, 1ms); });
  const auto records = bench.run();
  const RequestRecord& slow_warmup = by_index(records, 0);
  const RequestRecord& quick_measured = by_index(records, 3);
  EXPECT_EQ(quick_measured.phase, Phase::kMeasured);
  EXPECT_EQ(quick_measured.slot, 1u);
  EXPECT_LT(*quick_measured.sent, *slow_warmup.last_token);
  EXPECT_EQ(quick_measured.scheduled, *by_index(records, 1).end);
}

TEST(LoadLoop, ReadsWhatCameWhileItSendsAWholeCohort) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 1}, 64, always(2, 1ms, 1ms));
  bench.client.start_takes = 20us;
  const auto records = bench.run();
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kOk), 64u);
  EXPECT_LE(bench.client.most_starts_at_once, 3u) << "50 us, and the one that ends them";
  EXPECT_EQ(bench.client.lanes.size(), records.size());
  for (uint32_t slot = 0; slot < 64; ++slot) EXPECT_EQ(bench.client.lanes[slot], slot);
}

TEST(LoadLoop, ReadsWhatCameWhileItSendsFillersForManySlots) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0}, 32,
              [](RequestId id) { return good_answer(2, id == 0 ? 100ms : 1ms, 1ms); });
  bench.client.start_takes = 20us;
  const auto records = bench.run();
  EXPECT_GT(count(records, Phase::kFiller, Outcome::kOk), 0u);
  EXPECT_LE(bench.client.most_starts_at_once, 3u);
}

// That plan 100, 101, … tokens in.
std::vector<SpareFillers::Request> spare_requests(int count) {
  std::vector<SpareFillers::Request> made;
  for (int i = 0; i < count; ++i) {
    made.push_back(std::make_shared<const SpareRequest>(
        SpareRequest{.prompt = {.planned_input_tokens = 100 + i},
                     .body = std::make_shared<const std::string>("{}")}));
  }
  return made;
}

TEST(LoadLoop, FillersKeepEverySlotBusyUntilTheLastMeasuredRequestHasEnded) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0}, 4,
              [](RequestId id) { return good_answer(2, id % 4 == 0 ? 500ms : 100ms, 1ms); });
  SpareFillers spare;
  spare.add(spare_requests(50));
  bench.plan.spare_fillers = &spare;
  const auto records = bench.run();
  Instant last_measured{};
  for (const RequestRecord& record : records) {
    if (record.phase == Phase::kMeasured) last_measured = std::max(last_measured, *record.end);
  }
  EXPECT_GT(count(records, Phase::kFiller, Outcome::kOk), 0u);
  EXPECT_EQ(count(records, Phase::kFiller, Outcome::kCancelled), 3u);  // one a quick slot
  EXPECT_EQ(bench.client.cancelled.size(), 3u);
  for (uint32_t slot = 0; slot < 4; ++slot) {
    Duration busy{};
    for (const RequestRecord& record : records) {
      if (record.slot == slot) busy += std::min(*record.end, last_measured) - *record.sent;
    }
    EXPECT_EQ(busy, last_measured - from_ns(1'000'000'000))
        << "slot " << slot << " was idle before the last measured request had ended";
  }
}

TEST(LoadLoop, SendsNoFillerTwice) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0}, 2,
              [](RequestId id) { return good_answer(1, id == 0 ? 10s : 10ms, 1ms); });
  const size_t of_slot_1 = bench.plan.schedule.filler_prompts.size() / 2;
  EXPECT_EQ(count(bench.run(), Phase::kFiller, Outcome::kOk), of_slot_1) << "nobody makes more";
}

TEST(LoadLoop, GoesOnWithFillersThatAreMadeMeanwhile) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0}, 2,
              [](RequestId id) { return good_answer(1, id == 0 ? 10s : 10ms, 1ms); });
  const size_t of_slot_1 = bench.plan.schedule.filler_prompts.size() / 2;
  SpareFillers spare;
  spare.add(spare_requests(5));
  bench.plan.spare_fillers = &spare;
  const auto records = bench.run();
  EXPECT_EQ(count(records, Phase::kFiller, Outcome::kOk), of_slot_1 + 5);
  EXPECT_EQ(spare.taken(), 5);
  std::vector<int64_t> inputs;
  std::set<uint64_t> indices;
  for (const RequestRecord& record : records) {
    indices.insert(record.index);
    if (record.planned_input_tokens >= 100) inputs.push_back(record.planned_input_tokens);
  }
  EXPECT_EQ(inputs, (std::vector<int64_t>{100, 101, 102, 103, 104}));
  EXPECT_EQ(indices.size(), records.size());
}

// 190 ms each.
FakeClient::Script steady() {
  return always(10, 100ms, 10ms);
}

// Of the first that was.
Instant first_measured(const std::vector<RequestRecord>& records) {
  Instant first = Instant::max();
  for (const RequestRecord& record : records) {
    if (record.phase == Phase::kMeasured) first = std::min(first, record.scheduled);
  }
  return first;
}

TEST(LoadLoop, MeasuresForATimeWhateverSlotsStartInIt) {
  // The first answer of slot 1 takes longer, so that it ends out of step with slot 0.
  Bench bench({.duration = 1s}, 2,
              [](RequestId id) { return good_answer(10, id == 1 ? 160ms : 100ms, 10ms); });
  const auto records = bench.run();
  const Instant first = first_measured(records);
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kOk), 6u + 5u);
  EXPECT_EQ(count(records, Phase::kFiller, Outcome::kCancelled), 1u) << "slot 0's, beside the last";
  for (const RequestRecord& record : records) {
    if (record.phase == Phase::kWarmup) continue;
    EXPECT_EQ(record.phase == Phase::kMeasured, record.scheduled < first + 1s) << record.index;
    EXPECT_EQ(*record.sent, record.scheduled) << "no slot waits";
  }
  EXPECT_EQ(bench.control.measured_left, 0);
}

TEST(LoadLoop, MeasuresOneRequestOfEachSlotThoughItsWarmUpOutlastsTheTime) {
  Bench bench({.duration = 1s}, 2,
              [](RequestId id) { return good_answer(10, id == 1 ? 5000ms : 100ms, 10ms); });
  const auto records = bench.run();
  std::map<uint32_t, int> of_slot;
  for (const RequestRecord& record : records) {
    of_slot[record.slot] += record.phase == Phase::kMeasured ? 1 : 0;
  }
  EXPECT_EQ(of_slot[0], 6);
  EXPECT_EQ(of_slot[1], 1);
}

TEST(LoadLoop, SendsNothingAfterTheTimeWithoutFillers) {
  Bench bench({.duration = 1s, .fillers = false}, 2,
              [](RequestId id) { return good_answer(10, id == 1 ? 160ms : 100ms, 10ms); });
  const auto records = bench.run();
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kOk), 11u);
  EXPECT_EQ(records.size(), 2u + 11u);
}

TEST(LoadLoop, GoesOnMeasuringWithRequestsThatAreMadeMeanwhile) {
  Bench bench({.duration = 1s}, 1, steady());
  bench.plan.schedule.filler_prompts.clear();
  SpareFillers spare;
  bench.plan.spare_fillers = &spare;
  // Made when the loop has nothing in flight and waits.
  bench.on_record = [&](const RequestRecord&) {
    if (spare.left() == 0) spare.add(spare_requests(1));
  };
  const auto records = bench.run();
  EXPECT_GE(count(records, Phase::kMeasured, Outcome::kOk), 5u);
  for (const RequestRecord& record : records) EXPECT_LT(*record.sent - record.scheduled, 50ms);
}

TEST(LoadLoop, WaitsForNoRequestThatIsNeverMade) {
  Bench bench({.duration = 1s}, 1, steady());
  bench.plan.schedule.filler_prompts.clear();
  SpareFillers spare;
  bench.plan.spare_fillers = &spare;
  const auto records = bench.run();
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kOk), 1u);
  EXPECT_GE(bench.clock.now(), *records.front().end + 1s) << "the time was waited for";
  EXPECT_EQ(bench.control.measured_left, 0);
}

TEST(LoadLoop, WithoutFillersARunDrains) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 3,
              always(3, 10ms, 1ms));
  const auto records = bench.run();
  EXPECT_EQ(records.size(), 6u);
  EXPECT_TRUE(bench.client.cancelled.empty());
}

TEST(LoadLoop, NeverHasMoreInFlightThanSlots) {
  Bench bench({.requests_per_slot = 5, .warmup_per_slot = 1}, 8, [](RequestId id) {
    return good_answer(3, Duration(10ms) + Duration(1ms) * (id % 7), 1ms);
  });
  bench.run();
  EXPECT_EQ(bench.client.most_in_flight, 8u);
  EXPECT_EQ(bench.control.in_flight, 0);
}

TEST(LoadLoop, ATimeOutCancelsAndTheSlotGoesOn) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1,
              [](RequestId id) -> std::vector<ScriptedEvent> {
                if (id == 0)
                  return {{.delay = 0ms, .kind = HttpEvent::Kind::kSent}};  // then silence
                return good_answer(2, 10ms, 1ms);
              });
  bench.plan.request_timeout = 2s;
  const auto records = bench.run();
  EXPECT_EQ(by_index(records, 0).outcome, Outcome::kTimeout);
  EXPECT_EQ(*by_index(records, 0).end - *by_index(records, 0).sent, Duration(2s));
  EXPECT_EQ(bench.client.cancelled, std::vector<RequestId>{0});
  EXPECT_EQ(by_index(records, 1).outcome, Outcome::kOk);
}

// Everything but [DONE] and the end; usage comes late.
std::vector<ScriptedEvent> unended_answer(bool usage) {
  const auto chunk = [](Duration delay, const std::string& json) {
    return ScriptedEvent{delay, HttpEvent::Kind::kBytes, "data: " + json + "\n\n"};
  };
  std::vector<ScriptedEvent> events = {
      {.delay = 0ms, .kind = HttpEvent::Kind::kSent},
      {.delay = 1ms, .kind = HttpEvent::Kind::kHeaders, .text = "HTTP/1.1 200 OK\r\n\r\n"},
      chunk(10ms, R"({"choices":[{"delta":{"content":"a"}}]})"),
      chunk(20ms, R"({"choices":[{"delta":{"content":"b"}}]})"),
      chunk(30ms, R"({"choices":[{"delta":{},"finish_reason":"stop"}]})")};
  if (usage) {
    events.push_back(
        chunk(900ms, R"({"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}})"));
  }
  return events;
}

TEST(LoadLoop, AnAnswerWhoseFinishReasonNothingFollowsIsWhole) {
  for (const bool usage : {false, true}) {
    Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1,
                [usage](RequestId) { return unended_answer(usage); });
    const auto records = bench.run();
    ASSERT_EQ(records.size(), 2u);
    for (const RequestRecord& record : records) {
      EXPECT_EQ(record.outcome, Outcome::kOk) << record.error;
      EXPECT_EQ(*record.last_token - *record.sent, Duration(20ms));
      EXPECT_EQ(*record.last_choice - *record.sent, Duration(30ms));
      EXPECT_EQ(*record.end - *record.sent, Duration(usage ? 1900ms : 1030ms));
      EXPECT_EQ(record.token_source == TokenSource::kUsage, usage);
    }
    EXPECT_EQ(bench.client.cancelled.size(), 2u);
  }
}

TEST(LoadLoop, AFinishReasonIsEnoughWhereTheConnectionBreaksOrTheTimeIsUp) {
  for (const bool breaks : {false, true}) {
    Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1,
                [breaks](RequestId) {
                  std::vector<ScriptedEvent> events = unended_answer(false);
                  if (breaks) events.push_back({.delay = 40ms, .kind = HttpEvent::Kind::kFailure});
                  return events;
                });
    bench.plan.request_timeout = 200ms;
    const auto records = bench.run();
    EXPECT_EQ(records.at(0).outcome, Outcome::kOk) << records.at(0).error;
    EXPECT_EQ(*records.at(0).end - *records.at(0).sent, Duration(breaks ? 40ms : 200ms));
  }
}

TEST(LoadLoop, AFinishReasonOnEveryChunkEndsNothing) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1, [](RequestId) {
    std::vector<ScriptedEvent> events = {
        {.delay = 0ms, .kind = HttpEvent::Kind::kSent},
        {.delay = 1ms, .kind = HttpEvent::Kind::kHeaders, .text = "HTTP/1.1 200 OK\r\n\r\n"}};
    for (const Duration at : {Duration(10ms), Duration(3s), Duration(6s)}) {
      events.push_back({.delay = at,
                        .kind = HttpEvent::Kind::kBytes,
                        .text =
                            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":"
                            "\"stop\"}]}\n\n"});
    }
    return events;
  });
  bench.plan.request_timeout = 10s;
  const auto records = bench.run();
  EXPECT_EQ(records.at(0).chunks, 3);
  EXPECT_EQ(records.at(0).outcome, Outcome::kTimeout);
}

TEST(LoadLoop, FailuresAreRecordedWithTheirReasonAndNeverRetried) {
  Bench bench(
      {.requests_per_slot = 4, .warmup_per_slot = 0, .fillers = false}, 1,
      [](RequestId id) -> std::vector<ScriptedEvent> {
        const ScriptedEvent sent{.delay = 0ms, .kind = HttpEvent::Kind::kSent};
        switch (id) {
          case 0:
            return {{.delay = 5ms, .kind = HttpEvent::Kind::kFailure, .text = "refused"}};
          case 1:
            return {sent,
                    {.delay = 5ms,
                     .kind = HttpEvent::Kind::kHeaders,
                     .text = "HTTP/1.1 503 Busy\r\n\r\n",
                     .status = 503},
                    {.delay = 6ms, .kind = HttpEvent::Kind::kEnd}};
          case 2: {
            std::vector<ScriptedEvent> cut = good_answer(5, 10ms, 1ms);
            cut.resize(4);
            cut.push_back({.delay = 20ms, .kind = HttpEvent::Kind::kFailure, .text = "reset"});
            return cut;
          }
          default:
            return good_answer(5, 10ms, 1ms);
        }
      });
  const auto records = bench.run();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(by_index(records, 0).outcome, Outcome::kTransportError);
  EXPECT_EQ(by_index(records, 0).error, "refused");
  EXPECT_FALSE(by_index(records, 0).sent);
  EXPECT_EQ(by_index(records, 1).outcome, Outcome::kHttpError);
  EXPECT_EQ(by_index(records, 1).http_status, 503);
  EXPECT_EQ(by_index(records, 2).outcome, Outcome::kTransportError);
  EXPECT_EQ(by_index(records, 2).chunks, 2);
  EXPECT_EQ(by_index(records, 3).outcome, Outcome::kOk);
  EXPECT_EQ(bench.client.started.size(), 4u);
}

TEST(LoadLoop, GivesUpAfterConsecutiveErrorsAndKeepsWhatWasMeasured) {
  Bench bench({.requests_per_slot = 100, .warmup_per_slot = 0}, 2,
              [](RequestId id) -> std::vector<ScriptedEvent> {
                if (id < 10) return good_answer(2, 10ms, 1ms);
                return {{.delay = 1ms, .kind = HttpEvent::Kind::kFailure, .text = "refused"}};
              });
  bench.plan.load.max_consecutive_errors = 5;
  const auto records = bench.run();
  EXPECT_TRUE(bench.control.gave_up);
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kOk), 10u);
  EXPECT_LE(count(records, Phase::kMeasured, Outcome::kTransportError), 6u);
}

TEST(LoadLoop, AnInterruptFinishesMeasuredRequestsWithinTheGraceAndIssuesNoMore) {
  Bench bench({.requests_per_slot = 10, .warmup_per_slot = 0}, 2, always(10, 100ms, 10ms));
  bench.on_record = [&](const RequestRecord& record) {
    if (record.index == 3) bench.control.stop = Stop::kFinish;
  };
  const auto records = bench.run();
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kOk), records.size());
  EXPECT_LE(records.size(), 6u);
  EXPECT_TRUE(bench.client.cancelled.empty());
}

TEST(LoadLoop, AnInterruptCancelsWhatOutlastsTheGrace) {
  Bench bench({.requests_per_slot = 10, .warmup_per_slot = 0}, 2, [](RequestId id) {
    return good_answer(2, id < 2 ? Duration(10ms) * static_cast<int>(id + 1) : Duration(100s), 1ms);
  });
  bench.plan.load.grace = 5s;
  Instant stopped{};
  bench.on_record = [&](const RequestRecord& record) {
    if (record.index == 1) {
      bench.control.stop = Stop::kFinish;
      stopped = bench.clock.now();
    }
  };
  const auto records = bench.run();
  EXPECT_GE(count(records, Phase::kMeasured, Outcome::kCancelled), 1u);
  EXPECT_LE(bench.clock.now() - stopped, Duration(5s + 75ms));
}

TEST(LoadLoop, ASecondInterruptCancelsAtOnce) {
  Bench bench({.requests_per_slot = 10, .warmup_per_slot = 0}, 4,
              [](RequestId id) { return good_answer(2, id == 0 ? 10ms : 100s, 1ms); });
  bench.on_record = [&](const RequestRecord& record) {
    if (record.index == 0) bench.control.stop = Stop::kNow;
  };
  const auto records = bench.run();
  // The slot of the first was taken again before its record was handed over.
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kCancelled), 4u);
  EXPECT_LT(bench.clock.now() - from_ns(1'000'000'000), Duration(100ms));
}

TEST(LoadLoop, LooksForAnswersBeforeEachRecordIsWrittenDown) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 8,
              always(3, 10ms, 1ms));
  std::vector<size_t> polls;
  std::vector<size_t> started;
  bench.on_record = [&](const RequestRecord&) {
    polls.push_back(bench.client.polls);
    started.push_back(bench.client.started.size());
  };
  bench.run();
  ASSERT_EQ(polls.size(), 16u);
  EXPECT_EQ(started[0], 16u);  // eight ended at once, and each slot had its next request by then
  for (size_t i = 1; i < 8; ++i) EXPECT_GT(polls[i], polls[i - 1]) << i;
}

TEST(LoadLoop, WritesRecordsDownWithinTwentyMillisecondsAlthoughItIsNeverIdle) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 2,
              [](RequestId id) { return good_answer(id == 0 ? 2 : 2000, 10ms, 1ms); });
  bench.client.poll_takes = 1ms;  // so that each finds a chunk of the long answer
  Instant written{};
  Instant ended{};
  bench.on_record = [&](const RequestRecord& record) {
    if (record.index != 0) return;
    written = bench.clock.now();
    ended = *record.end;
  };
  bench.run();
  EXPECT_GE(written - ended, kLongestUnwritten - kLongestGathered);
  EXPECT_LE(written - ended, kLongestUnwritten + 1ms);
}

TEST(LoadLoop, ClosesAConnectionThatLingersAfterDone) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1, [](RequestId) {
    std::vector<ScriptedEvent> events = good_answer(3, 10ms, 1ms);
    events.pop_back();  // the response never ends
    return events;
  });
  const auto records = bench.run();
  EXPECT_EQ(count(records, Phase::kMeasured, Outcome::kOk), 2u);
  EXPECT_EQ(bench.client.cancelled.size(), 2u);
  // The slot could not be used before.
  EXPECT_EQ(*records[0].end - *records[0].last_token, Duration(250ms));
}

TEST(LoadLoop, CountsTheTimeUntilTheResponseEndsToTheRequestNotToTheSlotsGap) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1, [](RequestId) {
    std::vector<ScriptedEvent> events = good_answer(3, 10ms, 1ms);
    events.back().delay += 30ms;  // after [DONE]
    return events;
  });
  const auto records = bench.run();
  EXPECT_EQ(*by_index(records, 0).end - *by_index(records, 0).last_token, Duration(30ms));
  EXPECT_EQ(*by_index(records, 1).sent - *by_index(records, 0).end, Duration(0));
}

// Letters are tokens.
class LetterEncoder final : public Encoder {
 public:
  std::vector<int32_t> encode(std::string_view, SpecialTokens) override { return {}; }
  int64_t count(std::string_view text, SpecialTokens special) override {
    EXPECT_EQ(special, SpecialTokens::kPlain) << "it is no text that a user typed";
    return std::count_if(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  }
  std::vector<Boundary> boundaries(std::string_view, int64_t) override { return {}; }
};
class LetterTokenizer final : public Tokenizer {
 public:
  const TokenizerInfo& info() const override { return info_; }
  std::unique_ptr<Encoder> encoder() const override { return std::make_unique<LetterEncoder>(); }
  std::string decode(std::span<const int32_t>) const override { return {}; }
  std::string normalize(std::string_view text) const override { return std::string(text); }
  bool holds_added_token(std::string_view) const override { return false; }

 private:
  TokenizerInfo info_;
};

TEST(LoadLoop, CountsAnAnswersTextWhereNothingElseTellsItsTokens) {
  const auto script = [](RequestId id) {
    const std::string usage = id == 1 ? R"(,"usage":{"completion_tokens":6})" : "";
    return std::vector<ScriptedEvent>{
        {.delay = 0ms, .kind = HttpEvent::Kind::kSent},
        {.delay = 1ms, .kind = HttpEvent::Kind::kHeaders},
        {.delay = 5ms,
         .kind = HttpEvent::Kind::kBytes,
         .text = "data: {\"model\":\"m2\",\"choices\":[{\"delta\":{\"content\":\"ab c\"}}]}\n\n"},
        {.delay = 9ms,
         .kind = HttpEvent::Kind::kBytes,
         .text =
             "data: {\"choices\":[{\"delta\":{\"content\":\" d\"},\"finish_reason\":\"stop\"}]" +
             usage + "}\n\ndata: [DONE]\n\n"},
        {.delay = 9ms, .kind = HttpEvent::Kind::kEnd}};
  };
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1, script);
  bench.plan.tokenizer = std::make_shared<LetterTokenizer>();
  bench.plan.model = "m";
  const auto records = bench.run();
  EXPECT_EQ(by_index(records, 0).output_tokens, 4);
  EXPECT_EQ(by_index(records, 0).token_source, TokenSource::kTokenizer);
  EXPECT_EQ(by_index(records, 0).other_model, "m2");
  EXPECT_EQ(by_index(records, 1).output_tokens, 6);
  EXPECT_EQ(by_index(records, 1).token_source, TokenSource::kUsage);
}

TEST(LoadLoop, TracesEachRequestByAnIdOfItsOwn) {
  Bench bench({.requests_per_slot = 20, .warmup_per_slot = 1, .fillers = false}, 2,
              always(3, 5ms, 1ms));
  bench.plan.trace_seed = 7;
  const auto records = bench.run();
  ASSERT_EQ(bench.client.started.size(), records.size());
  std::set<std::string> ids;
  for (size_t i = 0; i < records.size(); ++i) {
    const auto id = static_cast<uint32_t>(bench.client.started[i]);
    const std::string& header = bench.client.headers[i];
    ASSERT_TRUE(header.starts_with("traceparent: "));
    const std::string sent = header.substr(std::string("traceparent: 00-").size(), 32);
    EXPECT_EQ(to_hex(by_index(records, id).trace_id), sent);
    ids.insert(sent);
  }
  EXPECT_EQ(ids.size(), records.size());
}

TEST(LoadLoop, SendsNoTraceUnasked) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1,
              always(3, 5ms, 1ms));
  const auto records = bench.run();
  EXPECT_FALSE(by_index(records, 0).trace_id);
  EXPECT_EQ(bench.client.headers, std::vector<std::string>(2));
}

TEST(LoadLoop, CapsAResponseThatNeverStopsGrowing) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1,
              always(1000, 10ms, 1ms));
  bench.plan.max_response_bytes = 5000;
  const auto records = bench.run();
  EXPECT_EQ(records[0].outcome, Outcome::kProtocolError);
  EXPECT_NE(records[0].error.find("max_response_bytes"), std::string::npos);
}

TEST(LoadLoop, ANewConnectionInTheMeasuredPartIsMarked) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 1, .fillers = false}, 1,
              [](RequestId id) {
                std::vector<ScriptedEvent> events = good_answer(1, 10ms, 1ms);
                events[0].new_connection = id != 1;
                return events;
              });
  const auto records = bench.run();
  EXPECT_FALSE(by_index(records, 0).reconnected);  // the first of its slot opens it
  EXPECT_FALSE(by_index(records, 1).reconnected);
  EXPECT_TRUE(by_index(records, 2).reconnected);
}

TEST(LoadLoop, OpenLoopArrivalsStartWhenDueWhateverIsInFlight) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 3,
              always(10, 1s, 100ms));
  for (uint32_t i = 0; i < 3; ++i) {
    bench.plan.schedule.arrivals[i] = {.at = i * 50ms, .slot = i, .prompt = i};
  }
  const auto records = bench.run();
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(by_index(records, i).scheduled, from_ns(1'000'000'000) + i * 50ms);
    EXPECT_EQ(*by_index(records, i).sent, by_index(records, i).scheduled);
  }
  EXPECT_EQ(bench.client.most_in_flight, 3u);
}

TEST(LoadLoop, ThirtySecondsOfLoadTakeFewPolls) {
  Bench bench({.requests_per_slot = 3, .warmup_per_slot = 0, .fillers = false}, 1,
              always(1000, 100ms, 10ms));
  bench.run();
  EXPECT_GT(bench.clock.now() - from_ns(1'000'000'000), Duration(30s));
  EXPECT_LT(bench.client.polls, 5000u);
}

TEST(LoadLoop, HandsOverTheInstantOfEveryChunkWhereAsked) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 1, .fillers = false}, 3,
              always(10, 100ms, 10ms));
  std::map<uint32_t, std::vector<Instant>> chunks;
  bench.plan.chunks = [&](const RequestRecord& record, const ChunkTrace& trace) {
    EXPECT_TRUE(chunks.emplace(record.index, trace.instants()).second);
  };
  const auto records = bench.run();
  ASSERT_EQ(chunks.size(), records.size());
  for (const RequestRecord& record : records) {
    const std::vector<Instant>& instants = chunks.at(record.index);
    ASSERT_EQ(instants.size(), 10u);
    EXPECT_EQ(instants.front(), *record.first_token);
    EXPECT_EQ(instants.back(), *record.last_token);
    for (size_t i = 1; i < 10; ++i) EXPECT_EQ(instants[i] - instants[i - 1], Duration(10ms));
  }
}

TEST(LoadLoop, SlotsTakeTheUrlsInTurn) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 5,
              always(2, 10ms, 1ms));
  bench.plan.endpoints = 3;
  for (const RequestRecord& record : bench.run()) EXPECT_EQ(record.url, record.slot % 3);
}

TEST(LoadLoop, CountsTheWorkOfEveryIteration) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1,
              always(10, 100ms, 10ms));
  bench.run();
  EXPECT_EQ(bench.iterations.count(), bench.client.polls);
}

TEST(LoadLoop, EveryLoopTakesItsOwnSlots) {
  const LoadSpec load{.requests_per_slot = 2, .warmup_per_slot = 1, .fillers = false};
  Bench whole(load, 5, always(2, 10ms, 1ms));
  std::vector<uint32_t> seen;
  for (uint32_t loop = 0; loop < 2; ++loop) {
    FakeClient client(whole.clock, always(2, 10ms, 1ms));
    const LoopShare share{.loop = loop, .loops = 2, .start = whole.clock.now()};
    const auto records =
        run_loop(whole.plan, share, client, whole.clock, whole.control, [](const RequestRecord&) {
        }).records;
    for (const RequestRecord& record : records) {
      EXPECT_EQ(record.slot % 2, loop);
      seen.push_back(record.index);
    }
  }
  std::sort(seen.begin(), seen.end());
  ASSERT_EQ(seen.size(), 15u);
  for (uint32_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
}

TEST(LoadLoop, EndsARunThatCannotKeepItsErrorRate) {
  Bench bench({.requests_per_slot = 100, .warmup_per_slot = 0, .fillers = false}, 1,
              [](RequestId id) {
                return id % 3 == 2 ? std::vector<ScriptedEvent>{{.delay = 1ms,
                                                                 .kind = HttpEvent::Kind::kFailure,
                                                                 .text = "reset"}}
                                   : good_answer(2, 10ms, 1ms);
              });
  bench.plan.max_failed = 2;
  const auto records = bench.run();
  EXPECT_TRUE(bench.control.gave_up);
  EXPECT_TRUE(bench.control.over_budget);
  EXPECT_EQ(records.size(), 9u);  // the third failure is one too many
}

std::vector<ScriptedEvent> too_many_requests(const std::string& retry_after = "2") {
  return {{.delay = Duration(0), .kind = HttpEvent::Kind::kSent},
          {.delay = 1ms,
           .kind = HttpEvent::Kind::kHeaders,
           .text = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: " + retry_after + "\r\n\r\n",
           .status = 429},
          {.delay = 1ms, .kind = HttpEvent::Kind::kBytes, .text = "key sk-12345 is over its limit"},
          {.delay = 1ms, .kind = HttpEvent::Kind::kEnd}};
}

TEST(LoadLoop, HoldsASlotForAsLongAsTheServerAsks) {
  for (const RetryAfter policy : {RetryAfter::kFail, RetryAfter::kHold}) {
    Bench bench(
        {.requests_per_slot = 4, .warmup_per_slot = 0, .fillers = false}, 1,
        [](RequestId id) { return id < 2 ? too_many_requests() : good_answer(2, 10ms, 1ms); });
    bench.plan.load.retry_after = policy;
    bench.plan.load.max_consecutive_errors = policy == RetryAfter::kHold ? 1 : 20;
    const auto records = bench.run();
    ASSERT_EQ(records.size(), 4u);
    EXPECT_FALSE(bench.control.gave_up);  // a slot that waits has not given up
    for (uint32_t i = 0; i + 1 < 4; ++i) {
      const Duration wait = *by_index(records, i + 1).sent - *by_index(records, i).end;
      EXPECT_EQ(wait, policy == RetryAfter::kHold && i < 2 ? Duration(2s) : Duration(0)) << i;
    }
    EXPECT_EQ(by_index(records, 0).retry_after_ms, 2000);
    EXPECT_EQ(by_index(records, 0).outcome, Outcome::kHttpError);
    EXPECT_FALSE(by_index(records, 2).retry_after_ms);
  }
}

TEST(LoadLoop, HoldsASlotNoLongerThanTheSpecAllows) {
  Bench bench(
      {.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1,
      [](RequestId id) { return id < 1 ? too_many_requests() : good_answer(2, 10ms, 1ms); });
  bench.plan.load.retry_after = RetryAfter::kHold;
  bench.plan.load.retry_after_max = 500ms;
  const auto records = bench.run();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(*by_index(records, 1).sent - *by_index(records, 0).end, Duration(500ms));
  EXPECT_EQ(by_index(records, 0).retry_after_ms, 2000);  // what was asked
}

TEST(LoadLoop, HoldsASlotOfAServerThatAsksForMillenniaNoLongerEither) {
  for (const char* asked : {"999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"}) {
    Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1,
                [&](RequestId id) {
                  return id < 1 ? too_many_requests(asked) : good_answer(2, 10ms, 1ms);
                });
    bench.plan.load.retry_after = RetryAfter::kHold;
    bench.plan.load.retry_after_max = 500ms;
    const auto records = bench.run();
    ASSERT_EQ(records.size(), 2u);
    EXPECT_EQ(*by_index(records, 1).sent - *by_index(records, 0).end, Duration(500ms));
    EXPECT_GT(by_index(records, 0).retry_after_ms, int64_t{200'000'000'000'000}) << asked;
  }
}

TEST(LoadLoop, HoldsAFillersSlotToo) {
  // Two measured requests of each of two slots, then 5 and 7 are slot 1's fillers.
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0}, 2, [](RequestId id) {
    if (id == 0) return good_answer(2, 5s, 1ms);
    return id == 5 ? too_many_requests() : good_answer(2, 10ms, 1ms);
  });
  bench.plan.load.retry_after = RetryAfter::kHold;
  const auto records = bench.run();
  const RequestRecord& refused = by_index(records, 5);
  EXPECT_EQ(refused.phase, Phase::kFiller);
  EXPECT_EQ(*by_index(records, 7).sent - *refused.end, Duration(2s));
}

TEST(LoadLoop, KeepsASecretThatTheServerRepeatsOutOfItsRecords) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1,
              [](RequestId) { return too_many_requests(); });
  bench.plan.secrets = Redactor({"sk-12345"});
  std::string sunk_error;
  bench.on_record = [&](const RequestRecord& record) { sunk_error = record.error; };
  EXPECT_EQ(bench.run().front().error, "HTTP 429: key <redacted> is over its limit");
  EXPECT_EQ(sunk_error, "HTTP 429: key <redacted> is over its limit");
}

std::vector<ScriptedEvent> refused_with(const std::string& body) {
  return {{.delay = Duration(0), .kind = HttpEvent::Kind::kSent},
          {.delay = 1ms,
           .kind = HttpEvent::Kind::kHeaders,
           .text = "HTTP/1.1 400 Bad Request\r\n\r\n",
           .status = 400},
          {.delay = 1ms, .kind = HttpEvent::Kind::kBytes, .text = body},
          {.delay = 1ms, .kind = HttpEvent::Kind::kEnd}};
}

TEST(LoadLoop, KeepsAPromptThatTheServerRepeatsOutOfItsRecords) {
  Bench bench(
      {.requests_per_slot = 3, .warmup_per_slot = 0, .fillers = false}, 1,
      [](RequestId id) -> std::vector<ScriptedEvent> {
        if (id == 0)
          return refused_with(R"({"error": "cannot read 'Anna\u2019s blood count is low\nHelp'"})");
        if (id == 1) return refused_with(R"({"error": "input: [15339, 19170, 40211, 70007]"})");
        return refused_with(R"({"error": "Anna\u2019s blood count is low"})");
      });
  bench.prompts[0].text = "Anna\u2019s blood count is low\nHelp!";
  bench.prompts[1].ids = {9, 15339, 19170, 40211, 70007, 3};
  bench.prompts[2].messages = {{"system", "You help."},
                               {"user", "See: Anna\u2019s blood count is low"}};
  std::vector<std::string> sunk_errors;
  bench.on_record = [&](const RequestRecord& record) { sunk_errors.push_back(record.error); };
  bench.run();
  EXPECT_EQ(sunk_errors,
            (std::vector<std::string>{"HTTP 400: cannot read '<prompt>'",
                                      "HTTP 400: input: [<prompt>]", "HTTP 400: <prompt>"}));
}

TEST(LoadLoop, LooksForThePromptWhereAnIdentifierShouldBe) {
  const auto id_of = [](const std::string& prompt, const std::string& id) {
    Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1,
                [&](RequestId) {
                  auto events = good_answer(2, 10ms, 1ms);
                  events[2].text = R"(data: {"id":")" + id +
                                   R"(","choices":[{"index":0,"delta":{"content":" x"}}]})"
                                   "\n\n";
                  for (auto& event : events) {
                    const size_t reason = event.text.find("\"length\"");
                    if (reason != std::string::npos) event.text.replace(reason, 8, '"' + id + '"');
                  }
                  return events;
                });
    bench.prompts[0].text = prompt;
    bench.prompts[0].ids = {9, 15339, 19170, 40211, 70007, 3};
    const RequestRecord record = bench.run().front();
    EXPECT_EQ(record.finish_reason, record.response_id);
    return record.response_id;
  };
  EXPECT_EQ(id_of("Anna has a low blood count", "for: Anna has a low blood count"),
            "for: <prompt>");
  EXPECT_EQ(id_of("MARKER-Geheim-7731", "MARKER-Geheim-7731"), "<prompt>");
  EXPECT_EQ(id_of("about MARKER-Geheim-7731 and more", "cmpl-MARKER-Geheim-7731"), "cmpl-<prompt>");
  EXPECT_EQ(id_of("", "cmpl-15339,19170,40211,70007"), "cmpl-<prompt>");
  EXPECT_EQ(id_of("an id as chatcmpl-0f3a55c0", "chatcmpl-7bcee10255c0b8d9"),
            "chatcmpl-7bcee10255c0b8d9");
}

TEST(LoadLoop, KeepsWhenTheKernelHadTheFirstAndTheLastToken) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1, [](RequestId) {
    auto events = good_answer(3, 20ms, 10ms);
    events[2].late = 300us;
    events[4].late = 7ms;
    return events;
  });
  const RequestRecord record = bench.run().front();
  EXPECT_EQ(record.outcome, Outcome::kOk);
  EXPECT_EQ(record.first_token_delay, Duration(300us));
  EXPECT_EQ(record.first_answer_token_delay, Duration(300us));
  EXPECT_EQ(record.last_token_delay, Duration(7ms));
}

TEST(LoadLoop, WatchesUntilTheFirstTokenAndWhereTheLastMayCome) {
  Bench bench({.requests_per_slot = 2, .warmup_per_slot = 0, .fillers = false}, 1,
              [](RequestId) { return good_answer(10, 20ms, 10ms); });
  bench.run();
  // Nothing is known of the first answer's length; the second is left alone after its first token
  // until its sixth.
  EXPECT_EQ(bench.client.watches, (std::vector<std::pair<RequestId, bool>>{{1, false}, {1, true}}));
}

TEST(LoadLoop, LeavesOutGapsThatEndWithAStallOfTheHost) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1,
              [](RequestId) { return good_answer(10, 20ms, 10ms); });
  const Instant start = bench.clock.now();
  Pulse pulse;  // the watchdog has just seen a stall, as the fifth token is read
  pulse.last_tick_ns = to_ns(start + 1h);
  pulse.stall_end_ns = to_ns(start + 60ms - 1us);
  bench.plan.pulse = &pulse;
  const RequestRecord record = bench.run().front();
  EXPECT_EQ(record.chunks, 10);
  EXPECT_EQ(record.gaps_left_out, 2);  // to it and from it
  EXPECT_EQ(record.icl.count(), 7u);
  EXPECT_EQ(record.itl.count(), 7u);
}

// The first three tokens, of 20, 30 and 40 ms, in one read at 40 ms; `late` after the last of them.
RequestRecord merged_first_tokens(Duration late, bool stall) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1,
              [late](RequestId) {
                auto events = good_answer(10, 20ms, 10ms);
                events[4].text += events[2].text + events[3].text;
                events.erase(events.begin() + 2, events.begin() + 4);
                events[2].late = late;
                return events;
              });
  const Instant start = bench.clock.now();
  Pulse pulse;
  pulse.last_tick_ns = to_ns(start + 1h);
  pulse.stall_end_ns = to_ns(start + 40ms - 1us);
  if (stall) bench.plan.pulse = &pulse;
  return bench.run().front();
}

TEST(LoadLoop, SaysHowManyChunksAStallMergedWithTheFirstToken) {
  EXPECT_EQ(merged_first_tokens(5ms, true).first_token_merged, 2);
  EXPECT_EQ(merged_first_tokens(5ms, false).first_token_merged, 0);
  // The last of them came just before the read; the others did not.
  EXPECT_EQ(merged_first_tokens(50us, true).first_token_merged, 2);
  EXPECT_EQ(merged_first_tokens(50us, true).gaps_left_out, 1);
}

TEST(LoadLoop, KeepsAGapWhereTheKernelSaysThatTheReadDidNotWait) {
  Bench bench({.requests_per_slot = 1, .warmup_per_slot = 0, .fillers = false}, 1, [](RequestId) {
    auto events = good_answer(10, 20ms, 10ms);
    events[6].late = 99us;
    return events;
  });
  const Instant start = bench.clock.now();
  Pulse pulse;
  pulse.last_tick_ns = to_ns(start + 1h);
  pulse.stall_end_ns = to_ns(start + 60ms - 1us);
  bench.plan.pulse = &pulse;
  EXPECT_EQ(bench.run().front().gaps_left_out, 0);
}

}  // namespace
}  // namespace llmsweep
