// The keys of requests.jsonl, in the order in which they are written: one list for record_write.cc,
// record_read.cc, the schema and the table of docs/result-format.md. A unit ends a key's name.
// Private to results/.
#pragma once

#include <functional>
#include <string_view>
#include <tuple>

#include "llmsweep/model/record.h"

namespace llmsweep {

// Whether a line that lacks the key can be read. Files of earlier versions lack the later keys.
// kInSomeLines: not written where it says nothing.
enum class Presence { kOptional, kRequired, kInSomeLines };

// `member` takes a record to the key's value: a pointer to a member, or a function object.
template <auto member>
struct RecordKey {
  std::string_view name;
  const char* sentence;  // of the schema and of docs/result-format.md
  Presence presence = Presence::kOptional;

  static constexpr decltype(auto) of(auto& record) { return std::invoke(member, record); }
};

// The point of a record as its name.
template <class Point>
struct PointName {
  Point& point;
};
template <class Point>
PointName(Point&) -> PointName<Point>;  // Clang 14 finds none by itself

// Not written where it is 0 or empty.
template <class Value>
struct OnlyIfAny {
  Value& value;
};
template <class Value>
OnlyIfAny(Value&) -> OnlyIfAny<Value>;

template <auto member>
struct OnlyIfAnyOfRecord {
  constexpr auto operator()(auto& record) const { return OnlyIfAny{record.*member}; }
};

struct PointOfRecord {
  constexpr auto& operator()(auto& record) const { return record.run.point; }
};
struct PointNameOfRecord {
  constexpr auto operator()(auto& record) const { return PointName{record.run.point}; }
};
struct RepeatOfRecord {
  constexpr auto& operator()(auto& record) const { return record.run.repeat; }
};

inline constexpr std::tuple kRecordKeys = {
    RecordKey<PointOfRecord{}>{"level", "Concurrency; null: `load_point` says the load.",
                               Presence::kRequired},
    RecordKey<PointNameOfRecord{}>{
        "load_point",
        "Of a load that is no concurrency: `r2.5` for 2.5 requests/s, "
        "`u16` for 16 users, `p4.25` for a profile, `t0.5` for a trace. Absent: `level` says it.",
        Presence::kInSomeLines},
    RecordKey<RepeatOfRecord{}>{"repeat", "Which repeat of the level, from 0.",
                                Presence::kRequired},
    RecordKey<&RequestRecord::superseded>{
        "superseded",
        "Of a run that was broken off and started again by `--resume`: part of no statistic."},
    RecordKey<&RequestRecord::index>{
        "index", "Of the level's schedule; fillers go on from its end.", Presence::kRequired},
    RecordKey<&RequestRecord::slot>{"slot", "Which slot sent it.", Presence::kRequired},
    RecordKey<&RequestRecord::url>{"url", "Which of endpoint.urls it went to, from 0."},
    RecordKey<&RequestRecord::phase>{"phase", "Only measured requests are in the distributions.",
                                     Presence::kRequired},
    RecordKey<&RequestRecord::session>{
        "session",
        "Of a user, or of a trace that has sessions: which session of the run. Absent: of another "
        "load.",
        Presence::kInSomeLines},
    RecordKey<&RequestRecord::turn>{"turn", "Which turn of its session, from 1.",
                                    Presence::kInSomeLines},
    RecordKey<&RequestRecord::turns_planned>{"turns_planned", "Turns that its session was to have.",
                                             Presence::kInSomeLines},
    RecordKey<&RequestRecord::think>{
        "think_ns",
        "Time to think between the end of the user's request before and scheduled_ns, or of the "
        "session's in a trace whose sessions are closed; of the turn that a user thinks about when "
        "the run begins in part before it.",
        Presence::kInSomeLines},
    RecordKey<&RequestRecord::response_id>{"response_id", "As the server names it."},
    RecordKey<OnlyIfAnyOfRecord<&RequestRecord::model>{}>{
        "model",
        "The model that it asked for, where `endpoint.model` lists several; absent: there is one.",
        Presence::kInSomeLines},
    RecordKey<&RequestRecord::trace_id>{
        "trace_id",
        "Of the header `traceparent` that it was sent with: the server's own traces have it too. "
        "Absent: none was sent (`endpoint.traceparent`).",
        Presence::kInSomeLines},
    RecordKey<&RequestRecord::scheduled>{"scheduled_ns", "When it was due, CLOCK_MONOTONIC ns.",
                                         Presence::kRequired},
    RecordKey<&RequestRecord::sent>{"sent_ns", "First byte written, CLOCK_MONOTONIC ns."},
    RecordKey<&RequestRecord::first_byte>{
        "first_byte_ns", "First byte of the response headers, CLOCK_MONOTONIC ns."},
    RecordKey<&RequestRecord::first_token>{"first_token_ns",
                                           "First chunk with output, CLOCK_MONOTONIC ns."},
    RecordKey<&RequestRecord::first_answer_token>{"first_answer_token_ns",
                                                  "First chunk with content, CLOCK_MONOTONIC ns."},
    RecordKey<&RequestRecord::last_token>{
        "last_token_ns",
        "Last chunk with output, CLOCK_MONOTONIC ns; of embeddings and rerank the read that "
        "completed the answer."},
    RecordKey<&RequestRecord::first_choice>{
        "first_choice_ns", "First chunk with a choice, whatever it carries, CLOCK_MONOTONIC ns."},
    RecordKey<&RequestRecord::last_choice>{
        "last_choice_ns", "Last chunk with a choice, the finish reason's, CLOCK_MONOTONIC ns."},
    RecordKey<&RequestRecord::end>{"end_ns",
                                   "End of the response, or failure known, CLOCK_MONOTONIC ns."},
    RecordKey<&RequestRecord::first_token_delay>{
        "first_token_delay_ns",
        "From the kernel's receipt of the read that brought it to first_token_ns; null: not known. "
        "The receipt is that of the last bytes where several pieces waited together, so that this "
        "is the least that the stamp was late."},
    RecordKey<&RequestRecord::first_answer_token_delay>{"first_answer_token_delay_ns",
                                                        "The same for first_answer_token_ns."},
    RecordKey<&RequestRecord::last_token_delay>{
        "last_token_delay_ns",
        "The same for last_token_ns; where the answer's tail (finish reason, usage) came in that "
        "read, its receipt is the tail's: no token came later."},
    RecordKey<&RequestRecord::first_token_merged>{
        "first_token_merged",
        "Token-bearing chunks that the first token's read brought behind it, after a stall of the "
        "client's host: the receipt is that of the last of them, and the first came about as many "
        "gaps earlier."},
    RecordKey<&RequestRecord::input_tokens>{"input_tokens", "As the server counts."},
    RecordKey<&RequestRecord::planned_input_tokens>{"planned_input_tokens",
                                                    "As planned; 0: not planned."},
    RecordKey<&RequestRecord::cached_tokens>{"cached_tokens", "As the server says."},
    RecordKey<&RequestRecord::output_tokens>{"output_tokens", "Output tokens.",
                                             Presence::kRequired},
    RecordKey<&RequestRecord::token_source>{
        "token_source",
        "Who counted them. `limit`: nobody, but the finish reason says that the requested length "
        "was reached.",
        Presence::kRequired},
    RecordKey<&RequestRecord::streamed_tokens>{
        "streamed_tokens", "Of the output tokens, those that came in a chunk; null: all of them."},
    RecordKey<&RequestRecord::reasoning_tokens>{
        "reasoning_tokens", "Of the output tokens, those of reasoning, as the server counts."},
    RecordKey<&RequestRecord::chunks>{"chunks", "Token-bearing chunks.", Presence::kRequired},
    RecordKey<&RequestRecord::coalesced_chunks>{
        "coalesced_chunks", "Of those, completed by the same read as the one before."},
    RecordKey<&RequestRecord::outcome>{"outcome", "How it ended.", Presence::kRequired},
    RecordKey<&RequestRecord::http_status>{"http_status", "0: no response."},
    RecordKey<&RequestRecord::error>{
        "error",
        "Why it failed; empty: it did not. `<redacted>` stands for a credential that the server "
        "repeated, `<prompt>` for what was in the request."},
    RecordKey<&RequestRecord::retry_after_ms>{
        "retry_after_ms",
        "What a 429 or 503 asked the client to wait: `Retry-After` in seconds, also with a "
        "fraction, or a date in one of the three forms of HTTP, taken against the answer's `Date`, "
        "else against the client's clock; at most 2^53 − 1. With `load.retry_after: hold` the slot "
        "waited as long, but no longer than `load.retry_after_max`."},
    RecordKey<&RequestRecord::finish_reason>{"finish_reason", "As the server says."},
    RecordKey<&RequestRecord::other_model>{
        "other_model",
        "The model that the server says answered; empty: the requested one, or it does not say."},
    RecordKey<&RequestRecord::repaired_chunks>{
        "repaired_chunks",
        "Chunks that were no JSON by its standard, or not in the shape of the API, and were read "
        "all the same."},
    RecordKey<&RequestRecord::planned_output_tokens>{"planned_output_tokens", "As planned."},
    RecordKey<OnlyIfAnyOfRecord<&RequestRecord::inputs>{}>{
        "inputs",
        "Texts that were embedded, or documents that were ranked, each of which the answer has a "
        "result for. Absent: of an API that generates tokens.",
        Presence::kInSomeLines},
    RecordKey<&RequestRecord::first_chunk_tokens>{
        "first_chunk_tokens",
        "Of the streamed tokens, those of the read that brought the first one."},
    RecordKey<&RequestRecord::reconnected>{
        "reconnected", "Whether a connection was opened for it in the measured part."},
    RecordKey<&RequestRecord::server_prefill_us>{
        "server_prefill_us",
        "The server's own time from the start of the prefill to the first token, without queueing "
        "(llama.cpp's timings)."},
    RecordKey<&RequestRecord::server_decode_us>{
        "server_decode_us", "The server's own time from the first to the last token."},
    RecordKey<&RequestRecord::icl>{"icl_hist", "Inter-chunk gaps."},
    RecordKey<&RequestRecord::itl>{"itl_hist", "Inter-token gaps, weighted by tokens."},
    RecordKey<&RequestRecord::gaps_left_out>{
        "gaps_left_out",
        "Gaps between chunks that are in neither: at one end the client's host was stalled."},
};

}  // namespace llmsweep
