#include "llmsweep/stats/validity.h"

#include <cassert>
#include <utility>

namespace llmsweep {

std::string_view sentence(InvalidReason reason) {
  switch (reason) {
    case InvalidReason::kClientBusy:
      return "The client's event loop was busy for more than 80 % of the time.";
    case InvalidReason::kClientDelay:
      return "The client was late: counted from when the kernel had the tokens, the figure differs "
             "by over 1 % and over 50 us (ITL, ICL: 5 % and 100 us).";
    case InvalidReason::kGapsLeftOut:
      return "The client's host stalled so often that over 1 % of the gaps between chunks had to "
             "be "
             "left out of ITL and ICL.";
    case InvalidReason::kSendLateness:
      return "The client sent late: p99 of scheduled to sent is over 1 ms and over 1 % of the "
             "median E2E latency.";
    case InvalidReason::kSlotGap:
      return "The client left slots empty: the slot gap is over 1 % of a slot's time, and its p99 "
             "over "
             "1 ms and over 1 % of the median E2E latency.";
    case InvalidReason::kConcurrencyOff:
      return "The achieved concurrency is off the asked one by more than 2 %, the load ended "
             "before load.duration, or slots of one of several clients were idle beside measured "
             "requests of another.";
    case InvalidReason::kRateOff:
      return "The requests sent in the window are over 2 % more or fewer than were scheduled in "
             "it, or arrivals of one of several clients are missing.";
    case InvalidReason::kOutputTokensOff:
      return "The output lengths are off the planned ones by more than 1 %.";
    case InvalidReason::kInputTokensOff:
      return "The input lengths, as the server counts them, are off the planned ones by more than "
             "1 %.";
    case InvalidReason::kPrefixLeak:
      return "The server took more than 1 % of the input tokens from its prefix cache beyond what "
             "the sessions' own turns had put there: other requests had warmed it.";
    case InvalidReason::kErrors:
      return "More measured requests failed than load.max_error_rate allows.";
    case InvalidReason::kTooFewRequests:
      return "Too few requests completed for the statistic that a target asks for.";
    case InvalidReason::kEnergyMissing:
      return "The spec requires energy, and the GPUs' readings say no J per output token that can "
             "be trusted.";
    case InvalidReason::kInterrupted:
      return "The level was interrupted before it was complete.";
    case InvalidReason::kOnePart:
      return "These are the requests of one of several clients: the load was larger, and the rest "
             "is in the other parts.";
    case InvalidReason::kClientLost:
      return "One of the clients has no whole part of the run (runs[].clients says which and "
             "why): the load was not the one that was asked for.";
    case InvalidReason::kClockUnproved:
      return "The clocks of two clients may be more than 10 ms apart, or are not synchronised: "
             "nobody can tell whether they ran at the same time.";
  }
  assert(false && "every reason has its sentence");
  return {};
}

std::string_view remedy(InvalidReason reason) {
  switch (reason) {
    case InvalidReason::kClientBusy:
      return "Raise client.threads, use a faster client machine, or share the load among several.";
    case InvalidReason::kClientDelay:
    case InvalidReason::kGapsLeftOut:
      return "Run the client on a machine of its own, pin it to idle cores, or raise "
             "client.threads.";
    case InvalidReason::kSendLateness:
    case InvalidReason::kSlotGap:
      return "Run the client on a quieter machine or raise client.threads; if reconnects are "
             "counted, let the server keep connections alive.";
    case InvalidReason::kConcurrencyOff:
      return "Look at failures, reconnects and slot gaps; raise load.requests_per_slot so that the "
             "level has a steady window. Of several clients: raise run --every.";
    case InvalidReason::kRateOff:
      return "Run the client on a quieter machine, or raise client.threads.";
    case InvalidReason::kOutputTokensOff:
      return "Let the server honour ignore_eos or min_tokens (endpoint.request_fields), and keep "
             "input plus output inside its context length.";
    case InvalidReason::kInputTokensOff:
      return "Give workload.tokenizer the model's own tokenizer, so that prompts get the asked "
             "length.";
    case InvalidReason::kPrefixLeak:
      return "Leave workload.nonce at auto, so that no other run's prompts begin alike, and see "
             "that nobody else sends them; a first message that all share is "
             "workload.sessions.system_tokens.";
    case InvalidReason::kErrors:
      return "Read the errors in requests.jsonl and the server's log; lower the concurrency or "
             "raise endpoint.request_timeout.";
    case InvalidReason::kTooFewRequests:
      return "Raise load.requests_per_slot, load.min_requests or load.repeats: p90 needs 10, p95 "
             "20 and p99 300 completed requests.";
    case InvalidReason::kEnergyMissing:
      return "runs[].telemetry.energy[].missing says why: a longer run (60 s at least), an "
             "exporter "
             "that refreshes more often, or all GPUs of system.gpus on its page.";
    case InvalidReason::kInterrupted:
      return "Run the level again to its end.";
    case InvalidReason::kOnePart:
      return "Put all parts together: llmsweep merge PART... --out FOLDER.";
    case InvalidReason::kClientLost:
      return "Find out why that client stopped, and run all parts again.";
    case InvalidReason::kClockUnproved:
      return "Synchronise the clients' clocks (chronyc tracking shows the bound).";
  }
  assert(false && "every reason has its remedy");
  return {};
}

std::string_view sentence(Warning warning) {
  switch (warning) {
    case Warning::kClientBusy:
      return "The client's event loop was busy for more than 30 % of the time: stamps may be tens "
             "of microseconds late, up to a millisecond near 50 %.";
    case Warning::kClientDelayE2e:
      return "Figures of E2E are marked !: too much of them is the client's own delay.";
    case Warning::kClientDelayTtft:
      return "Figures of TTFT are marked !: too much of them is the client's own delay.";
    case Warning::kClientDelayTtfo:
      return "Figures of TTFO are marked !: too much of them is the client's own delay.";
    case Warning::kClientDelayTpot:
      return "Figures of TPOT are marked !: too much of them is the client's own delay.";
    case Warning::kClientDelayItl:
      return "Figures of ITL are marked !: too much of them is the client's own delay, or too many "
             "gaps were left out.";
    case Warning::kClientDelayIcl:
      return "Figures of ICL are marked !: too much of them is the client's own delay, or too many "
             "gaps were left out.";
    case Warning::kHostStall:
      return "The client's host stalled for more than 5 ms where figures are marked for the "
             "client's "
             "delay.";
    case Warning::kReconnects:
      return "Connections were opened anew in the measured part.";
    case Warning::kTokenCountEstimated:
      return "The server reports no usage: output tokens are counted as chunks, which may hold "
             "several; no rule on tokens can pass.";
    case Warning::kInputUnverified:
      return "The server reports no usage.prompt_tokens: input lengths are the planned ones.";
    case Warning::kOutputOff:
      return "Answers are off by more than 1 % from the tokens that workload.output_tokens asks "
             "for.";
    case Warning::kInputEstimated:
      return "The prompts were cut to an estimate, and the input is off by more than 1 % from what "
             "workload.input_tokens asks for: the server's count is input_tokens_mean.";
    case Warning::kCachedTokens:
      return "The server took more than 1 % of the input tokens from its prefix cache.";
    case Warning::kBuffered:
      return "Whole answers arrived in one read, as from a proxy that buffers: these have no TTFT, "
             "TPOT or ITL, and when their tokens were made nobody can tell.";
    case Warning::kCoalesced:
      return "At least half of the chunks arrived in one read with the chunk before: gaps (ICL, "
             "ITL) "
             "are those of reads, not of chunks.";
    case Warning::kOtherModel:
      return "The server names another model in its answers than the requested one (other_model in "
             "requests.jsonl).";
    case Warning::kRepairedChunks:
      return "Chunks that are no JSON by its standard (NaN, Infinity, control characters) or not "
             "in "
             "the shape of the API (choices that are no list) were read all the same "
             "(repaired_chunks in requests.jsonl).";
    case Warning::kPromptsReused:
      return "Prompts were sent more than once: a prefix cache may have answered them.";
    case Warning::kOneRepeat:
      return "One repeat: no between-run interval.";
    case Warning::kLittlesLaw:
      return "Concurrency, rate and latency disagree by more than 5 % (Little's law), of users by "
             "more than 2 % and more than a window of this length does by itself: the level was "
             "not steady.";
    case Warning::kNoReceiveStamps:
      return "The kernel gave no receive time stamps: the client's own delay is not measured.";
    case Warning::kRetryAfterCut:
      return "The server asked for longer waits (Retry-After) than load.retry_after_max: its slots "
             "were held for that long only.";
    case Warning::kSlotsHeld:
      return "The server refused requests with a Retry-After (rate limit), and their slots waited "
             "as "
             "it asked: the wait counts as occupied.";
    case Warning::kResponseTail:
      return "The server ended its responses late, over 1 ms and over 1 % of the median E2E after "
             "the last chunk: the slots waited for it.";
    case Warning::kWithDrain:
      return "No fillers: output and request throughput are with drain.";
    case Warning::kForeignTraffic:
      return "The server generated over 1 % more tokens, or ended over 1 % more requests, than "
             "were "
             "ours: somebody else was served too.";
  }
  assert(false && "every warning has its sentence");
  return {};
}

std::optional<Metric> marked_metric(Warning warning) {
  constexpr std::pair<Warning, Metric> kMarks[] = {
      {Warning::kClientDelayE2e, Metric::kE2e},   {Warning::kClientDelayTtft, Metric::kTtft},
      {Warning::kClientDelayTtfo, Metric::kTtfo}, {Warning::kClientDelayTpot, Metric::kTpot},
      {Warning::kClientDelayItl, Metric::kItl},   {Warning::kClientDelayIcl, Metric::kIcl},
  };
  for (const auto& [mark, metric] : kMarks) {
    if (mark == warning) return metric;
  }
  return std::nullopt;
}

std::string_view remedy(Warning warning) {
  switch (warning) {
    case Warning::kClientBusy:
      return "Raise client.threads.";
    case Warning::kClientDelayE2e:
    case Warning::kClientDelayTtft:
    case Warning::kClientDelayTtfo:
    case Warning::kClientDelayTpot:
    case Warning::kClientDelayItl:
    case Warning::kClientDelayIcl:
      return "Give the client idle cores, or raise client.threads.";
    case Warning::kOutputOff:
      return "Ask for shorter ones, or for ignore_eos where the server takes it; "
             "workload.output_lengths: exact calls such a level INVALID.";
    case Warning::kInputEstimated:
      return "Give workload.tokenizer the model's own tokenizer (or `server`); "
             "workload.input_lengths: exact calls such a level INVALID.";
    case Warning::kHostStall:
      return "Run the client on a quieter machine; virtual machines that share cores stall.";
    case Warning::kReconnects:
      return "Raise the keep-alive time and the connection limit of the server and of proxies.";
    case Warning::kTokenCountEstimated:
      return "Let the server report usage (include_usage in endpoint.request_fields), or give "
             "workload.tokenizer a file: `server` counts prompts only.";
    case Warning::kInputUnverified:
      return "Let the server report usage (include_usage in endpoint.request_fields), or give "
             "workload.tokenizer.";
    case Warning::kCachedTokens:
      return "Turn prefix caching off or use prompts that share nothing, unless caching is what "
             "you measure.";
    case Warning::kBuffered:
    case Warning::kCoalesced:
      return "Turn buffering off in proxies on the way (nginx: proxy_buffering off), or measure at "
             "the server itself.";
    case Warning::kOtherModel:
      return "Set endpoint.model to the name that the server uses, and look whether a gateway "
             "sends "
             "requests elsewhere.";
    case Warning::kRepairedChunks:
      return "Do without what the server cannot write (log probabilities), or update it.";
    case Warning::kPromptsReused:
      return "Use a larger dataset, or dataset: random.";
    case Warning::kOneRepeat:
      return "Set load.repeats to 3 or more.";
    case Warning::kLittlesLaw:
      return "Raise load.warmup_per_slot and load.requests_per_slot; of users load.warmup and "
             "load.measure.";
    case Warning::kNoReceiveStamps:
      return "Run on Linux, where SO_TIMESTAMPING can be had.";
    case Warning::kRetryAfterCut:
      return "Lower the concurrency or raise the server's limits; raise load.retry_after_max to "
             "wait as it asks.";
    case Warning::kSlotsHeld:
      return "Lower the concurrency or raise the server's rate limit.";
    case Warning::kResponseTail:
      return "Let the server end its response with [DONE]; throughput is that of clients which "
             "keep "
             "to one connection each.";
    case Warning::kWithDrain:
      return "Set load.fillers: true for a throughput without drain.";
    case Warning::kForeignTraffic:
      return "Measure a server that serves nobody else; runs[].telemetry.foreign has both counts.";
  }
  assert(false && "every warning has its remedy");
  return {};
}

}  // namespace llmsweep
