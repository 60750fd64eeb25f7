// Every fault under every dialect and API, through the real binary: how its request has to end in
// the records, stated here apart from what `verify` believes, and held against the truth by both.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "cli/process.h"
#include "cli/quick_sweep.h"
#include "llmsweep/base/files.h"
#include "llmsweep/model/names.h"
#include "llmsweep/protocol/api.h"
#include "llmsweep/results/record_file.h"
#include "llmsweep/simulator/simulator.h"
#include "llmsweep/simulator/truth.h"

namespace llmsweep {
namespace {
namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr int64_t kAfter = 3;         // chunks, where a fault strikes in mid-stream
constexpr int64_t kFirstStruck = 20;  // the checks before the run are let through

// How many token-bearing chunks a record has to show.
enum class Chunks { kNone, kUntilTheFault, kAll };

struct Expected {
  FaultKind kind;
  bool in_mid_stream;  // after kAfter chunks; else before the first
  Outcome outcome;
  Chunks chunks;
};

// A connection that is lost before any byte of the answer is in neither list: on a kept connection
// the request is sent again, on a new one it fails. Nor is kRefuse, which strikes others.
constexpr Expected kExpected[] = {
    {FaultKind::kReset, true, Outcome::kTransportError, Chunks::kUntilTheFault},
    {FaultKind::kTruncate, true, Outcome::kTransportError, Chunks::kUntilTheFault},
    {FaultKind::kStall, false, Outcome::kOk, Chunks::kAll},
    {FaultKind::kStall, true, Outcome::kOk, Chunks::kAll},
    {FaultKind::kMalformedJson, false, Outcome::kProtocolError, Chunks::kNone},
    {FaultKind::kMalformedJson, true, Outcome::kProtocolError, Chunks::kUntilTheFault},
    {FaultKind::kErrorEvent, false, Outcome::kProtocolError, Chunks::kNone},
    {FaultKind::kErrorEvent, true, Outcome::kProtocolError, Chunks::kUntilTheFault},
    {FaultKind::kMissingDone, false, Outcome::kProtocolError, Chunks::kAll},
    {FaultKind::kDoneOnly, false, Outcome::kProtocolError, Chunks::kNone},
    {FaultKind::kDoneOnly, true, Outcome::kProtocolError, Chunks::kUntilTheFault},
    {FaultKind::kFinishError, true, Outcome::kProtocolError, Chunks::kUntilTheFault},
    {FaultKind::kSilentError, true, Outcome::kProtocolError, Chunks::kUntilTheFault},
    {FaultKind::kSilentEnd, false, Outcome::kOk, Chunks::kAll},
    {FaultKind::kMissingUsage, false, Outcome::kOk, Chunks::kAll},
    {FaultKind::kWrongUsage, false, Outcome::kOk, Chunks::kAll},
    {FaultKind::kOddUsage, false, Outcome::kOk, Chunks::kAll},
    {FaultKind::kEarlyEnd, false, Outcome::kProtocolError, Chunks::kNone},
    {FaultKind::kEarlyEnd, true, Outcome::kOk, Chunks::kUntilTheFault},
    {FaultKind::kStatus, false, Outcome::kHttpError, Chunks::kNone},
    {FaultKind::kSlowHeaders, false, Outcome::kOk, Chunks::kAll},
    {FaultKind::kByteWrites, false, Outcome::kOk, Chunks::kAll},
};

// Of the APIs whose answers are no streams, to which the others do nothing.
constexpr Expected kExpectedOfResults[] = {
    {FaultKind::kTruncate, false, Outcome::kTransportError, Chunks::kNone},
    {FaultKind::kStall, false, Outcome::kOk, Chunks::kNone},
    {FaultKind::kMalformedJson, false, Outcome::kProtocolError, Chunks::kNone},
    {FaultKind::kErrorEvent, false, Outcome::kProtocolError, Chunks::kNone},
    {FaultKind::kMissingUsage, false, Outcome::kOk, Chunks::kNone},
    {FaultKind::kOddUsage, false, Outcome::kOk, Chunks::kNone},
    {FaultKind::kStatus, false, Outcome::kHttpError, Chunks::kNone},
    {FaultKind::kByteWrites, false, Outcome::kOk, Chunks::kNone},
    {FaultKind::kMissingResult, false, Outcome::kProtocolError, Chunks::kNone},
    {FaultKind::kEmptyResult, false, Outcome::kProtocolError, Chunks::kNone},
};

constexpr int kStatuses[] = {400, 401, 404, 413, 429, 500, 503};

Fault fault_of(const Expected& expected, int64_t number) {
  return {.kind = expected.kind,
          .requests = {number},
          .after_chunks = expected.in_mid_stream ? kAfter : 0,
          .duration = std::chrono::milliseconds(20)};
}

struct Struck {
  std::vector<Fault> faults;
  std::map<int64_t, Expected> expected;  // by the number of the request
};

// Every other request is struck; the last ones are those whose effects nobody can foretell exactly.
Struck every_fault(bool generates) {
  Struck struck;
  int64_t number = kFirstStruck;
  if (!generates) {
    for (const Expected& expected : kExpectedOfResults) {
      struck.faults.push_back(fault_of(expected, number));
      struck.expected.emplace(number, expected);
      number += 2;
    }
    return struck;
  }
  const auto add = [&](const Fault& fault, const Expected& expected) {
    struck.faults.push_back(fault);
    struck.expected.emplace(number, expected);
    number += 2;
  };
  for (const Expected& expected : kExpected) {
    if (expected.kind != FaultKind::kStatus) {
      add(fault_of(expected, number), expected);
      continue;
    }
    for (int status : kStatuses) {
      Fault fault = fault_of(expected, number);
      fault.status = status;
      fault.retry_after_s = status == 429 ? std::optional(1) : std::nullopt;
      add(fault, expected);
    }
  }
  for (FaultKind kind : {FaultKind::kReset, FaultKind::kTruncate, FaultKind::kRefuse}) {
    struck.faults.push_back(
        {.kind = kind, .requests = {number}, .duration = std::chrono::milliseconds(2)});
    number += 2;
  }
  return struck;
}

// The row of a fault in docs/simulator.md, from its last column on.
std::string documented_outcome(FaultKind kind) {
  static const std::string docs = read_file(LLMSWEEP_SOURCE_DIR "/docs/simulator.md");
  const size_t row = docs.find("\n| `" + std::string(name_of(kind)) + "` | ");
  if (row == std::string::npos) return "absent";
  const std::string line = docs.substr(row + 1, docs.find('\n', row + 1) - row - 1);
  const size_t last = line.rfind(" | ");
  return line.substr(last);
}

TEST(FaultDocs, SayForEveryFaultHowItsRequestEnds) {
  for (const Expected& expected : kExpected) {
    EXPECT_THAT(documented_outcome(expected.kind),
                HasSubstr("`" + std::string(name_of(expected.outcome)) + "`"))
        << name_of(expected.kind);
  }
  for (const Expected& expected : kExpectedOfResults) {
    EXPECT_THAT(documented_outcome(expected.kind),
                HasSubstr("`" + std::string(name_of(expected.outcome)) + "`"))
        << name_of(expected.kind);
  }
  for (FaultKind kind : {FaultKind::kRefuse, FaultKind::kReset, FaultKind::kTruncate}) {
    EXPECT_THAT(documented_outcome(kind), HasSubstr("`transport_error`"));
  }
}

struct Served {
  Dialect dialect;
  Api api;
  Transport transport = Transport::kAuto;
  bool tls = false;
};

void PrintTo(const Served& served, std::ostream* out) {
  *out << name_of(served.dialect) << "_" << name_of(served.api);
  if (served.transport != Transport::kAuto) *out << "_" << name_of(served.transport);
  if (served.tls) *out << "_tls";
}

class FaultMatrix : public ::testing::TestWithParam<Served> {
 protected:
  ProcessResult run(const SimulatorProfile& profile, int requests_per_slot) {
    const fs::path authority = folder_ / "authority.pem";
    Simulator simulator(profile, {.truth_log = folder_ / "truth.jsonl",
                                  .tls = GetParam().tls,
                                  .certificate = GetParam().tls ? authority : fs::path()});
    std::ofstream(folder_ / "spec.yaml")
        << "name: test\nsystem: {gpus: 1}\nendpoint: {url: \"" << simulator.base_url()
        << "\", api: " << name_of(GetParam().api)
        << (GetParam().tls ? ", ca_file: " + authority.string() : "")
        << ", request_timeout: 60s}\nclient: {transport: " << name_of(GetParam().transport)
        << "}\n"
           "workload: {input_tokens: 40, output_tokens: 12}\n"
           "load: {concurrency: [1, 3], requests_per_slot: "
        << requests_per_slot << ", repeats: 1, max_consecutive_errors: 100000}\n";
    return run_llmsweep({"run", folder_ / "spec.yaml", "--out", folder_ / "out", "--quiet"});
  }
  ProcessResult verify() const {
    return run_llmsweep({"verify", folder_ / "out" / "test", "--truth", folder_ / "truth.jsonl",
                         "--tolerance", "30s"});
  }
  std::vector<TruthRecord> truths() const { return read_truth_log(folder_ / "truth.jsonl"); }
  std::vector<RequestRecord> records() const {
    std::vector<RequestRecord> records;
    RecordReader reader(folder_ / "out" / "test" / "requests.jsonl");
    while (auto record = reader.next()) records.push_back(std::move(*record));
    return records;
  }

  const SimulatorProfile profile_ = quick_profile(GetParam().dialect);
  const fs::path folder_ = test_folder();
};

void expect_as_documented(const Expected& expected, const TruthRecord& truth,
                          const RequestRecord& record) {
  SCOPED_TRACE(name_of(expected.kind) +
               std::string(expected.in_mid_stream ? " in mid-stream" : ""));
  if (record.outcome == Outcome::kCancelled) return;  // a filler, when the level was over
  EXPECT_EQ(name_of(record.outcome), name_of(expected.outcome)) << record.error;
  EXPECT_EQ(record.outcome == Outcome::kOk, record.error.empty());
  const auto sent = static_cast<int64_t>(truth.stream ? truth.chunks.size() : 0);
  EXPECT_EQ(record.chunks, expected.chunks == Chunks::kNone            ? 0
                           : expected.chunks == Chunks::kUntilTheFault ? kAfter
                                                                       : sent);
  if (!truth.stream) {
    EXPECT_EQ(record.last_token.has_value(), record.outcome == Outcome::kOk);
    EXPECT_EQ(record.output_tokens, 0);
    if (record.outcome == Outcome::kOk) {
      EXPECT_EQ(record.input_tokens.has_value(), expected.kind != FaultKind::kMissingUsage);
    }
    return;
  }
  if (expected.kind == FaultKind::kMissingUsage) {
    // llama.cpp has `timings` all the same; a finish reason "length" tells the length.
    EXPECT_EQ(record.output_tokens,
              record.token_source == TokenSource::kChunks ? record.chunks : truth.output_tokens);
    const bool at_limit = record.finish_reason == "length" ||
                          record.finish_reason == "max_tokens" ||
                          record.finish_reason == "max_output_tokens";
    EXPECT_EQ(record.token_source == TokenSource::kLimit,
              at_limit && record.token_source != TokenSource::kUsage);
  } else if (expected.kind == FaultKind::kDoneOnly) {
    EXPECT_EQ(record.token_source, TokenSource::kChunks);
    EXPECT_EQ(record.output_tokens, record.chunks);
  } else if (record.outcome == Outcome::kOk) {
    EXPECT_EQ(record.token_source, TokenSource::kUsage);
    const int64_t invented = expected.kind == FaultKind::kWrongUsage ? 1 : 0;
    EXPECT_EQ(record.output_tokens, truth.output_tokens + invented);
  }
}

TEST_P(FaultMatrix, IsCleanWithoutAny) {
  const ProcessResult ran = run(profile_, 4);
  const ProcessResult verified = verify();
  EXPECT_EQ(verified.exit_code, 0) << ran.err << verified.out << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("verified: every request and token"));
}

TEST_P(FaultMatrix, EndsEachRequestAsDocumented) {
  const bool generates = traits_of(GetParam().api).generates;
  const Struck struck = every_fault(generates);
  SimulatorProfile profile = profile_;
  profile.faults = struck.faults;
  const ProcessResult ran = run(profile, 24);
  const ProcessResult verified = verify();
  EXPECT_EQ(verified.exit_code, 0) << ran.err << verified.out << verified.err;

  std::map<std::string, RequestRecord> by_id;
  std::map<int, int> anonymous;  // by HTTP status
  int unread = 0;                // fillers that were given up before anything of theirs was read
  for (const RequestRecord& record : records()) {
    if (record.response_id.empty()) {
      ++anonymous[record.http_status];
      unread += record.outcome == Outcome::kCancelled ? 1 : 0;
    } else {
      by_id.emplace(record.response_id, record);
    }
  }
  std::set<std::string> seen;
  for (const TruthRecord& truth : truths()) {
    if (!truth.fault.empty()) seen.insert(truth.fault);
    const auto expected = struck.expected.find(truth.number);
    if (expected == struck.expected.end()) continue;
    if (truth.fault.empty() && truth.client_closed) continue;  // a filler, given up before that
    EXPECT_EQ(truth.fault, name_of(expected->second.kind));
    const auto record = by_id.find(truth.response_id);
    if (record != by_id.end()) {
      expect_as_documented(expected->second, truth, record->second);
    } else if (expected->second.chunks != Chunks::kNone && unread > 0) {
      --unread;
    } else {
      EXPECT_TRUE(expected->second.chunks == Chunks::kNone) << truth.fault;
      EXPECT_GT(anonymous[truth.status]--, 0)
          << truth.fault << ": no record of HTTP " << truth.status;
    }
  }
  EXPECT_EQ(seen.size(), generates ? static_cast<size_t>(FaultKind::kSilentError) + 1
                                   : std::size(kExpectedOfResults));
}

// Converters serve the two others, each in front of one of these.
std::vector<Served> all_served() {
  std::vector<Served> served;
  for (const Dialect dialect : {Dialect::kVllm, Dialect::kSglang, Dialect::kTrtllm,
                                Dialect::kLlamacpp, Dialect::kTgi, Dialect::kOpenai}) {
    served.push_back({dialect, Api::kChat});
    served.push_back({dialect, Api::kCompletions});
  }
  for (const Dialect dialect : {Dialect::kVllm, Dialect::kSglang, Dialect::kLlamacpp}) {
    served.push_back({dialect, Api::kResponses});
    served.push_back({dialect, Api::kMessages});
    served.push_back({dialect, Api::kEmbeddings});
    served.push_back({dialect, Api::kRerank});
  }
  for (const Api api : {Api::kChat, Api::kCompletions, Api::kEmbeddings}) {
    served.push_back({Dialect::kVllm, api, Transport::kLibcurl});
    served.push_back({Dialect::kVllm, api, Transport::kSockets, true});
    served.push_back({Dialect::kVllm, api, Transport::kLibcurl, true});
  }
  return served;
}

INSTANTIATE_TEST_SUITE_P(EveryDialect, FaultMatrix, ::testing::ValuesIn(all_served()),
                         [](const ::testing::TestParamInfo<Served>& test) {
                           return ::testing::PrintToString(test.param);
                         });

}  // namespace
}  // namespace llmsweep
