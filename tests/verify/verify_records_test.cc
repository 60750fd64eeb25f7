#include "llmsweep/verify/verify_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

namespace llmsweep {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kStart = 1'000'000'000;

Instant at_ms(double ms) {
  return from_ns(kStart + static_cast<int64_t>(ms * 1e6));
}

// Three tokens at 20, 30 and 40 ms after its arrival.
TruthRecord truth(int number, double arrival_ms) {
  TruthRecord record{.response_id = "id-" + std::to_string(number),
                     .number = number,
                     .api = "chat",
                     .arrival = at_ms(arrival_ms),
                     .end = at_ms(arrival_ms + 40.1),
                     .prompt_tokens = 50,
                     .output_tokens = 3,
                     .finish_reason = "length"};
  for (double after : {20, 30, 40}) record.chunks.push_back({at_ms(arrival_ms + after), 1});
  return record;
}

RequestRecord record_of(const TruthRecord& truth) {
  const Duration late = microseconds(50);
  RequestRecord record;
  record.run.point = at_concurrency(1);
  record.index = static_cast<uint32_t>(truth.number - 1);
  record.response_id = truth.response_id;
  record.sent = truth.arrival - late;
  record.first_token = truth.chunks.front().sent + late;
  record.last_token = truth.chunks.back().sent + late;
  record.end = *truth.end + late;
  record.input_tokens = truth.prompt_tokens;
  record.output_tokens = truth.output_tokens;
  record.token_source = TokenSource::kUsage;
  record.chunks = 3;
  record.icl.add(milliseconds(10), 2);
  record.http_status = 200;
  return record;
}

Verification verify_records(const std::vector<RequestRecord>& records,
                            const std::vector<TruthRecord>& truths,
                            const VerifyOptions& options = {}) {
  return llmsweep::verify_records(records, Truth{.requests = truths}, options);
}

struct Sides {
  std::vector<RequestRecord> records;
  std::vector<TruthRecord> truths;
};

Sides clean_run() {
  Sides run;
  for (int i = 1; i <= 3; ++i) {
    run.truths.push_back(truth(i, i * 100));
    run.records.push_back(record_of(run.truths.back()));
  }
  return run;
}

TEST(VerifyRecords, FindsNothingWrongWithWhatIsRight) {
  Sides run = clean_run();
  run.truths.insert(run.truths.begin(), truth(9, 0));  // a check before the run
  run.truths.push_back(truth(10, 5000));
  const Verification result = verify_records(run.records, run.truths);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.records, 3);
  EXPECT_EQ(result.truths, 3);
  EXPECT_EQ(result.before, 1);
  EXPECT_EQ(result.after, 1);
  EXPECT_EQ(result.by_id, 3);
  EXPECT_EQ(result.tokens, 9);
  EXPECT_THAT(result.errors.ttft, ElementsAre(0.1, 0.1, 0.1));
  EXPECT_THAT(result.errors.last_token, ElementsAre(0.05, 0.05, 0.05));
  EXPECT_EQ(result.errors.gaps, result.errors.true_gaps);
}

TEST(VerifyRecords, HasNothingToSayOfNothing) {
  EXPECT_THAT(verify_records({}, {}).problems, IsEmpty());
  EXPECT_THAT(verify_records({}, {truth(1, 0)}).problems, IsEmpty());
}

TEST(VerifyRecords, NamesARequestThatWasLost) {
  Sides run = clean_run();
  run.records.erase(run.records.begin() + 1);
  EXPECT_THAT(verify_records(run.records, run.truths).problems,
              ElementsAre(HasSubstr("(id-2): lost")));
}

TEST(VerifyRecords, KnowsThatTheFirstRequestOfARunIsMissing) {
  Sides run = clean_run();
  run.records.erase(run.records.begin());
  EXPECT_THAT(verify_records(run.records, run.truths).problems,
              ElementsAre("request 0 of concurrency 1, repeat 1: lost: no record of it"));
}

// A run of two slots that is killed at 450 ms, resumed at 600 ms and started again at 700 ms.
struct KilledRun : Sides {
  Journal journal;
  std::vector<TruthClosing> closings;

  KilledRun() {
    journal.resumes = {at_ms(600)};
    journal.superseded = {run_at(1)};
    journal.runs = {run_at(700)};
    journal.runs[0].ended = true;
    journal.runs[0].records = 1;
    for (int i = 1; i <= 3; ++i) add_record(i, i * 100).superseded = true;
    for (int i = 4; i <= 5; ++i) {  // both slots' requests were in flight
      truths.push_back(truth(i, 420 + i));
      truths.back().end = at_ms(450);
      truths.back().client_closed = true;
      closings.push_back({.at = at_ms(450),
                          .last_arrival = truths.back().arrival,
                          .last_response_id = truths.back().response_id});
    }
    truths.push_back(truth(6, 409));  // its record was not written: at 449.1 ms it had just ended
    truths.push_back(truth(7, 610));  // a check of the resume
    add_record(8, 710).index = 0;
  }
  static RunEntry run_at(double ms) {
    return {.id = {at_concurrency(2), 0}, .started_ns = to_ns(at_ms(ms)), .prompts = 9};
  }
  RequestRecord& add_record(int number, double arrival_ms) {
    truths.push_back(truth(number, arrival_ms));
    records.push_back(record_of(truths.back()));
    records.back().run.point = at_concurrency(2);
    return records.back();
  }
  Verification verify() const {
    return llmsweep::verify_records(records, Truth{.requests = truths, .closings = closings},
                                    {.history = SweepHistory(journal)});
  }
};

TEST(VerifyRecords, KnowsWhatAKillLeavesWithoutARecord) {
  const Verification result = KilledRun().verify();
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.records, 4);
  EXPECT_EQ(result.superseded, 3);
  EXPECT_EQ(result.resumes, 1);
  EXPECT_EQ(result.in_flight, 2);
  EXPECT_EQ(result.in_flight_at_most, 2);
  ASSERT_EQ(result.unwritten.size(), 1U);
  EXPECT_EQ(result.unwritten[0].request, "request 6 of the endpoint (id-6)");
  EXPECT_EQ(text_of(result.unwritten[0].late), "0.9 ms before the kill");
  EXPECT_EQ(result.checks, 1);
}

TEST(VerifyRecords, HoldsAKillToTheTimeWithinWhichARecordIsWritten) {
  const auto verify = [](double end_ms, double kill_ms) {
    KilledRun run;
    run.truths[5].end = at_ms(end_ms);
    for (TruthClosing& closing : run.closings) closing.at = at_ms(kill_ms);
    return run.verify();
  };
  const Verification within = verify(440, 470);
  EXPECT_THAT(within.problems, IsEmpty());
  EXPECT_EQ(text_of(within.unwritten.at(0).late), "30.0 ms before the kill");
  const Verification earlier = verify(440, 490);
  EXPECT_THAT(earlier.problems, ElementsAre("request 6 of the endpoint (id-6): lost: no record of "
                                            "it, and it ended 50.0 ms before the kill"));
  EXPECT_THAT(earlier.unwritten, IsEmpty());
}

TEST(VerifyRecords, TakesAConnectionThatTheClientClosedForNoKill) {
  KilledRun run;  // killed at 450, and at 449.5 a request had been given up
  run.closings.erase(run.closings.begin());
  run.truths[3].end = at_ms(449.5);
  RequestRecord given_up = record_of(run.truths[3]);
  given_up.run.point = at_concurrency(2);
  given_up.superseded = true;
  given_up.outcome = Outcome::kTimeout;
  given_up.end = at_ms(449.5);
  given_up.chunks = 0;
  run.records.insert(run.records.begin() + 3, given_up);
  run.closings.push_back({.at = at_ms(449.6),
                          .last_arrival = run.truths[3].arrival,
                          .last_response_id = run.truths[3].response_id});
  const Verification result = run.verify();
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.in_flight, 1);
  EXPECT_EQ(text_of(result.unwritten.at(0).late), "0.9 ms before the kill");
}

TEST(VerifyRecords, EndsAKilledRunThatWasNotResumedWhereItsConnectionsBroke) {
  KilledRun run;
  run.journal.resumes.clear();
  run.journal.runs = std::exchange(run.journal.superseded, {});
  run.records.pop_back();
  for (RequestRecord& record : run.records) record.superseded = false;
  run.records.pop_back();  // id-3, at the very end: 110 ms before the kill
  const Verification result = run.verify();
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("(id-3): lost")));
  EXPECT_EQ(result.in_flight, 2);
  EXPECT_EQ(result.after, 2);  // what came to the endpoint when the sweep was dead
}

TEST(VerifyRecords, AnEmbeddedEndpointsLogMayLackWhatEndedJustBeforeTheKill) {
  KilledRun run;
  run.truths.erase(run.truths.begin() + 2);  // of the killed run's last record
  EXPECT_THAT(run.verify().problems, ElementsAre(HasSubstr("(id-3): invented")));
  std::erase_if(run.truths, [](const TruthRecord& truth) { return truth.client_closed; });
  std::erase_if(run.truths, [](const TruthRecord& truth) { return truth.number == 6; });
  const VerifyOptions embedded{.history = SweepHistory(run.journal), .window = {.embedded = true}};
  Verification result = verify_records(run.records, run.truths, embedded);
  EXPECT_THAT(result.problems, IsEmpty());
  ASSERT_EQ(result.unlogged.size(), 1U);
  EXPECT_EQ(text_of(result.unlogged[0].late), "0.0 ms before the last sign of life");
  const Truth alive{.requests = run.truths, .alive = {at_ms(395)}};
  EXPECT_THAT(llmsweep::verify_records(run.records, alive, embedded).problems,
              ElementsAre(HasSubstr("(id-3): invented")));
  run.truths.erase(run.truths.begin());  // 200 ms before it
  run.truths.pop_back();                 // of the run that counts
  result = verify_records(run.records, run.truths, embedded);
  EXPECT_THAT(result.problems,
              ElementsAre(HasSubstr("(id-1): invented"), HasSubstr("(id-8): invented")));
}

TEST(VerifyRecords, NamesWhatAKillDoesNotExplain) {
  KilledRun early;  // 100 ms before the last record: it must have been written before that one
  early.records.erase(early.records.begin() + 1);
  EXPECT_THAT(early.verify().problems, ElementsAre(HasSubstr("(id-2): lost")));
  KilledRun tail;  // 110 ms before the kill
  tail.records.erase(tail.records.begin() + 2);
  EXPECT_THAT(tail.verify().problems, ElementsAre(HasSubstr("(id-3): lost")));
  KilledRun crowd;  // two slots cannot have three requests in flight
  crowd.truths.push_back(truth(9, 430));
  crowd.truths.back().end = at_ms(449.9);
  crowd.truths.back().client_closed = true;
  EXPECT_THAT(crowd.verify().problems, ElementsAre(HasSubstr("(id-9): lost")));
  KilledRun after;  // of the run that counts
  after.records.pop_back();
  after.add_record(10, 800).index = 1;
  EXPECT_THAT(after.verify().problems,
              ElementsAre(HasSubstr("request 0 of concurrency 2, repeat 1: lost"),
                          HasSubstr("(id-8): lost")));
  KilledRun one_piece;  // were the journal not known
  EXPECT_EQ(verify_records(one_piece.records, one_piece.truths).problems.size(), 4U);
}

TEST(VerifyRecords, BeginsWithTheFirstRunOfTheJournalNotWithTheFirstRecord) {
  KilledRun first;
  first.truths.insert(first.truths.begin(), truth(0, 0.5));  // a check before the first run
  first.records.erase(first.records.begin());
  EXPECT_THAT(first.verify().problems, ElementsAre(HasSubstr("(id-1): lost")));
  EXPECT_EQ(first.verify().before, 1);
  KilledRun superseded;
  std::erase_if(superseded.records, [](const RequestRecord& record) { return record.superseded; });
  EXPECT_THAT(
      superseded.verify().problems,
      ElementsAre(HasSubstr("(id-1): lost"), HasSubstr("(id-2): lost"), HasSubstr("(id-3): lost")));
  KilledRun all;
  all.records.clear();
  EXPECT_THAT(
      all.verify().problems,
      ElementsAre("concurrency 2, repeat 1: 1 records were written, 0 are there",
                  HasSubstr("(id-1): lost"), HasSubstr("(id-2): lost"), HasSubstr("(id-3): lost")));
}

TEST(VerifyRecords, HoldsTheRecordsAgainstTheJournalsOwnCounts) {
  KilledRun filler;  // the very last request of the sweep
  filler.journal.runs[0].records = 2;
  EXPECT_THAT(filler.verify().problems,
              ElementsAre("concurrency 2, repeat 1: 2 records were written, 1 are there"));
}

TEST(VerifyCounts, HoldsTheRecordsAgainstTheResultsOwnCounts) {
  Sides run = clean_run();
  run.records[2].outcome = Outcome::kTimeout;
  run.records.push_back(record_of(truth(4, 900)));
  run.records.back().phase = Phase::kFiller;
  SweepResult result;
  result.levels.push_back({.point = at_concurrency(1), .runs = {RunStats{}}});
  auto& counts = result.levels[0].runs[0].requests.by_outcome;
  counts = {{Outcome::kOk, 2}, {Outcome::kTimeout, 1}};
  EXPECT_THAT(verify_counts(run.records, result), IsEmpty());
  counts[Outcome::kOk] = 3;
  EXPECT_THAT(
      verify_counts(run.records, result),
      ElementsAre("concurrency 1, repeat 1: result.json counts 3 ok, 1 timeout measured requests, "
                  "the records are 2 ok, 1 timeout"));
  EXPECT_EQ(verify_counts({}, result).size(), 1U);
  EXPECT_THAT(verify_counts({}, {}), IsEmpty());
}

TEST(VerifyRecords, KnowsARequestThatWasGivenUpBeforeItArrived) {
  Sides run = clean_run();
  RequestRecord& record = run.records[1];
  record.outcome = Outcome::kCancelled;
  record.response_id.clear();
  record.chunks = 0;
  record.end = *record.sent + microseconds(20);  // and it arrived 50 µs after it was sent
  run.truths[1].client_closed = true;
  EXPECT_THAT(verify_records(run.records, run.truths).problems, IsEmpty());
  EXPECT_THAT(verify_records(run.records, run.truths, {.tolerance = microseconds(10)}).problems,
              ::testing::Contains(HasSubstr("(id-2): lost")));
}

TEST(VerifyRecords, NamesARequestThatWasInvented) {
  Sides run = clean_run();
  run.truths.erase(run.truths.begin() + 1);
  EXPECT_THAT(verify_records(run.records, run.truths).problems,
              ElementsAre(HasSubstr("(id-2): invented")));
  run = clean_run();
  run.records.push_back(run.records[0]);
  EXPECT_THAT(verify_records(run.records, run.truths).problems,
              ElementsAre(HasSubstr("a second record")));
}

TEST(VerifyRecords, NamesTamperedFigures) {
  const auto problems_with = [](auto&& tamper) {
    Sides run = clean_run();
    tamper(run);
    return verify_records(run.records, run.truths).problems;
  };
  using R = Sides&;
  EXPECT_THAT(problems_with([](R r) { r.records[1].output_tokens = 4; }),
              ElementsAre(HasSubstr("(id-2): 4 output tokens recorded, 3 in truth")));
  EXPECT_THAT(problems_with([](R r) { r.truths[1].output_tokens = 2; }),
              ElementsAre(HasSubstr("3 output tokens recorded, 2 in truth")));
  EXPECT_THAT(problems_with([](R r) { r.records[1].chunks = 2; }),
              ElementsAre(HasSubstr("2 chunks recorded, 3 in truth")));
  EXPECT_THAT(problems_with([](R r) { r.records[1].input_tokens = 49; }),
              ElementsAre(HasSubstr("49 prompt tokens")));
  EXPECT_THAT(problems_with([](R r) { r.records[1].cached_tokens = 5; }),
              ElementsAre(HasSubstr("5 cached tokens")));
  EXPECT_THAT(problems_with([](R r) { *r.records[1].first_token -= milliseconds(1); }),
              ElementsAre(HasSubstr("before it was sent")));
  EXPECT_THAT(problems_with([](R r) { *r.records[1].last_token += milliseconds(200); }),
              ElementsAre(HasSubstr("after it was sent")));
  EXPECT_THAT(problems_with([](R r) { *r.records[1].sent += milliseconds(1); }),
              ElementsAre(HasSubstr("sent after it had arrived")));
  EXPECT_THAT(problems_with([](R r) { r.records[1].outcome = Outcome::kTransportError; }),
              ElementsAre(HasSubstr("'transport_error', the endpoint did 'ok'")));
  EXPECT_THAT(problems_with([](R r) {
                r.records[1].outcome = Outcome::kCancelled;
                *r.records[1].end += std::chrono::seconds(1);
              }),
              ElementsAre(HasSubstr("'cancelled'")));
}

TEST(VerifyRecords, KnowsWhatEachFaultHasToBecome) {
  struct Case {
    const char* fault;
    Outcome right;
    Outcome wrong;
  };
  for (const auto& [fault, right, wrong] :
       {Case{"reset", Outcome::kTransportError, Outcome::kOk},
        {"truncate", Outcome::kTransportError, Outcome::kOk},
        {"error_event", Outcome::kProtocolError, Outcome::kOk},
        {"malformed_json", Outcome::kProtocolError, Outcome::kOk},
        {"missing_done", Outcome::kProtocolError, Outcome::kOk},
        {"finish_error", Outcome::kProtocolError, Outcome::kOk},
        {"silent_error", Outcome::kProtocolError, Outcome::kOk},
        {"stall", Outcome::kOk, Outcome::kProtocolError},
        {"silent_end", Outcome::kOk, Outcome::kTransportError},
        {"early_end", Outcome::kOk, Outcome::kTransportError}}) {
    Sides run = clean_run();
    run.truths[0].fault = fault;
    run.records[0].outcome = right;
    EXPECT_THAT(verify_records(run.records, run.truths).problems, IsEmpty()) << fault;
    run.records[0].outcome = wrong;
    EXPECT_EQ(verify_records(run.records, run.truths).problems.size(), 1U) << fault;
  }
}

TEST(VerifyRecords, KnowsThatDoneAloneEndsAnAnswerOnlyWhereItIsWhole) {
  Sides run = clean_run();
  run.truths[0].fault = "done_only";
  run.records[0].planned_output_tokens = run.truths[0].output_tokens;
  EXPECT_THAT(verify_records(run.records, run.truths).problems, IsEmpty());
  run.records[0].planned_output_tokens += 1;
  EXPECT_EQ(verify_records(run.records, run.truths).problems.size(), 1U);
  run.records[0].outcome = Outcome::kProtocolError;
  EXPECT_THAT(verify_records(run.records, run.truths).problems, IsEmpty());
}

TEST(VerifyRecords, ComparesWhatWasStreamedWhereReasoningIsHidden) {
  Sides run = clean_run();
  run.truths[1].hidden_tokens = 2;
  run.records[1].token_source = TokenSource::kUsage;
  run.records[1].streamed_tokens = run.records[1].output_tokens - 2;
  EXPECT_THAT(verify_records(run.records, run.truths).problems, IsEmpty());
  run.records[1].streamed_tokens.reset();
  EXPECT_THAT(verify_records(run.records, run.truths).problems,
              ElementsAre(HasSubstr("streamed tokens")));
}

TEST(VerifyRecords, LetsAClientLeaveWhatItCannotRead) {
  Sides run = clean_run();
  run.truths[0].fault = "malformed_json";
  run.truths[0].client_closed = true;
  run.records[0].outcome = Outcome::kProtocolError;
  EXPECT_THAT(verify_records(run.records, run.truths).problems, IsEmpty());
  run.truths[0].fault = "stall";
  EXPECT_EQ(verify_records(run.records, run.truths).problems.size(), 1U);
}

TEST(VerifyRecords, KnowsThatAnEndpointThatStopsCutsItsAnswers) {
  Sides run = clean_run();
  run.truths[2].finish_reason.clear();
  EXPECT_EQ(verify_records(run.records, run.truths).problems.size(), 1U);
  run.records[2].outcome = Outcome::kTransportError;
  EXPECT_THAT(verify_records(run.records, run.truths).problems, IsEmpty());
}

TEST(VerifyRecords, MatchesAnswersWithoutAnIdByTimeAndOutcome) {
  Sides run = clean_run();
  for (int i : {0, 1}) {
    run.truths[static_cast<size_t>(i)].response_id.clear();
    run.truths[static_cast<size_t>(i)].chunks.clear();
    run.truths[static_cast<size_t>(i)].output_tokens = 0;
    run.records[static_cast<size_t>(i)].response_id.clear();
    run.records[static_cast<size_t>(i)].chunks = 0;
  }
  run.truths[0].status = 429;
  run.records[0].outcome = Outcome::kHttpError;
  run.records[0].http_status = 429;
  run.truths[1].status = 0;
  run.truths[1].fault = "reset";
  run.records[1].outcome = Outcome::kTransportError;
  run.records[1].http_status = 0;
  const Verification result = verify_records(run.records, run.truths);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.by_time, 2);
  run.records[0].http_status = 500;
  EXPECT_EQ(verify_records(run.records, run.truths).problems.size(), 2U) << "lost and invented";
}

TEST(VerifyRecords, KnowsThatARequestOnALostConnectionIsSentAgain) {
  Sides run = clean_run();
  TruthRecord lost = truth(7, 99.97);
  lost.status = 0;
  lost.response_id.clear();
  lost.chunks.clear();
  run.truths.insert(run.truths.begin(), lost);
  EXPECT_EQ(verify_records(run.records, run.truths).problems.size(), 1U);
  run.records[0].reconnected = true;
  const Verification result = verify_records(run.records, run.truths);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.resent, 1);
}

// Three slots at once: 1 is reset and sent again, 2 is cut after its headers, 3 has no answer.
TEST(VerifyRecords, MatchesOverlappingFailuresWithoutMixingThemUp) {
  const auto dead = [](int number, double arrival_ms, int status) {
    TruthRecord record = truth(number, arrival_ms);
    record.response_id.clear();
    record.chunks.clear();
    record.output_tokens = 0;
    record.finish_reason.clear();
    record.fault = status == 0 ? "reset" : "truncate";
    record.status = status;
    return record;
  };
  const auto failed = [](double from_ms, double to_ms, int status) {
    RequestRecord record;
    record.outcome = Outcome::kTransportError;
    record.http_status = status;
    record.sent = at_ms(from_ms);
    record.end = at_ms(to_ms);
    return record;
  };
  Sides run = clean_run();
  run.records[0].reconnected = true;  // from 100 to 140 ms
  run.truths.push_back(dead(11, 101, 0));
  run.truths.push_back(dead(12, 102, 200));
  run.truths.push_back(dead(13, 103, 0));
  run.records.push_back(failed(100, 104, 0));
  run.records.push_back(failed(100.5, 102.5, 200));
  const Verification result = verify_records(run.records, run.truths);
  EXPECT_THAT(result.problems, IsEmpty());
  EXPECT_EQ(result.by_time, 2);
  EXPECT_EQ(result.resent, 1);
  run.records.pop_back();
  EXPECT_THAT(verify_records(run.records, run.truths).problems,
              ElementsAre(HasSubstr("request 12 of the endpoint: lost")));
}

TEST(VerifyRecords, AcceptsRequestsThatNeverReachedTheEndpoint) {
  Sides run = clean_run();
  RequestRecord refused;
  refused.outcome = Outcome::kTransportError;
  refused.sent = run.records[0].sent;
  refused.end = run.records[0].end;
  run.records.push_back(refused);
  EXPECT_EQ(verify_records(run.records, run.truths).unseen, 1);
  run.records.back().outcome = Outcome::kOk;
  EXPECT_THAT(verify_records(run.records, run.truths).problems, ElementsAre(HasSubstr("invented")));
}

}  // namespace
}  // namespace llmsweep
