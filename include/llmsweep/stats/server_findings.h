// What the server's own figures explain of a level, in words: docs/telemetry.md, "Findings". No
// verdict follows from them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/telemetry.h"

namespace llmsweep {

// In the order in which they are told.
enum class ServerFindingKind {
  kForeignTraffic,  // the server did over 1 % more than we received
  // Chunks came later while a page of metrics was read, or one was for over 1 % of the window.
  kScraping,
  kKvFull,        // requests were preempted, or waited while the KV cache was 95 % full
  kAdmissionCap,  // the batch stays as large as at another level, below the concurrency
  kQueueing,  // waiting ≥ 5 % of the concurrency, or the queue ≥ 10 % of the mean TTFT (10 ms)
  kThrottling,   // clocks held down ≥ 1 % of the window, or 3 % lower than in the first repeat
  kGpuIdle,      // the GPUs were busy under half of the time while requests waited
  kOutside,      // the client's mean TTFT is 5 % (and 5 ms) above the server's own
  kPrefixHits,   // over 5 % of the looked-up prompt tokens came from the prefix cache
  kSpeculation,  // drafts were accepted, by a share that differs from another level's by 3 points
};

struct ServerFinding {
  ServerFindingKind kind;
  std::string text;  // a sentence without its full stop, with the figures

  bool operator==(const ServerFinding&) const = default;
};

inline constexpr size_t kMostServerFindings = 3;

// Of `level`, one of `levels`: sums and means over its runs, as far as each has the figure. At most
// kMostServerFindings; none where the server said nothing.
std::vector<ServerFinding> server_findings(const LevelStats& level,
                                           std::span<const LevelStats> levels);

// What differs between two levels' servers, "preempted 4.1 of 100 requests, before none"; at most
// kMostServerFindings. Empty where one of the sides says nothing.
std::vector<std::string> server_differences(const LevelStats& baseline,
                                            const LevelStats& candidate);

// Medians of the completed measured requests whose answers say the server's own times. Nothing
// where none does.
std::optional<AnswerTimes> answer_times(std::span<const RequestRecord> records);

}  // namespace llmsweep
