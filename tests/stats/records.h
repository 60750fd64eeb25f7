// Short hand for request records, and runs made of their numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/record.h"

namespace llmsweep::testing {

inline Instant at_ms(double ms) {
  return from_ns(1'000'000'000) + from_ms(ms);
}

// Instants in ms. A whole answer unless something is left out.
struct Request {
  uint32_t slot = 0;
  Phase phase = Phase::kMeasured;
  double sent = 0;
  std::optional<double> first;  // token
  std::optional<double> last;
  std::optional<double> end;  // absent: as `last`
  int64_t tokens = 0;
  Outcome outcome = Outcome::kOk;
};

inline RequestRecord record_of(const Request& request) {
  RequestRecord record{.slot = request.slot, .phase = request.phase};
  record.scheduled = record.sent.emplace(at_ms(request.sent));
  if (request.first) record.first_token = at_ms(*request.first);
  record.first_byte = record.first_answer_token = record.first_token;
  if (request.last) record.last_token = at_ms(*request.last);
  if (request.end || request.last) record.end = at_ms(request.end.value_or(*request.last));
  record.output_tokens = record.chunks = request.tokens;
  record.token_source = TokenSource::kUsage;
  record.outcome = request.outcome;
  return record;
}

inline std::vector<RequestRecord> records_of(const std::vector<Request>& requests) {
  std::vector<RequestRecord> records;
  for (const Request& request : requests) {
    records.push_back(record_of(request));
    records.back().index = static_cast<uint32_t>(records.size() - 1);
  }
  return records;
}

// A level whose runs' and pooled median E2E are given; enough requests for any statistic.
inline LevelStats level_of(int concurrency, double pooled_ms, std::vector<double> runs_ms = {}) {
  const auto stats = [](int repeat, double ms) {
    RunStats run{.repeat = repeat};
    run.requests.completed = run.e2e.count = run.ttft.count = 100;
    run.e2e.p50 = run.e2e.mean = ms;
    return run;
  };
  LevelStats level{.point = at_concurrency(concurrency), .pooled = stats(0, pooled_ms)};
  for (double ms : runs_ms) level.runs.push_back(stats(static_cast<int>(level.runs.size()), ms));
  return level;
}

}  // namespace llmsweep::testing
