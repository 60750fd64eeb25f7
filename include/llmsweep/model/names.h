// The one spelling of every enumerator that crosses a file, a table or a flag.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmsweep/model/level.h"
#include "llmsweep/model/record.h"
#include "llmsweep/model/result.h"
#include "llmsweep/model/spec.h"
#include "llmsweep/model/telemetry.h"

namespace llmsweep {

std::string_view name_of(Api value);             // chat, completions, responses, embeddings, …
std::string_view name_of(RequestField value);    // ignore_eos, min_tokens, include_usage, …
std::string_view name_of(InputScope value);      // total, content
std::string_view name_of(Lengths value);         // about, exact
std::string_view name_of(PromptAs value);        // text, ids
std::string_view name_of(Reuse value);           // forbid, allow
std::string_view name_of(MetricsRole value);     // server, frontend, prefill, decode, gpu
std::string_view name_of(PageMoment value);      // before, start, between, end, after
std::string_view name_of(EnergyBasis value);     // gpu_counter, gpu_power_integral, node, …
std::string_view name_of(Requirement value);     // energy
std::string_view name_of(ServerFigure value);    // running, waiting, kv_used, output_tokens, …
std::string_view name_of(SearchOver value);      // concurrency, rate
std::string_view name_of(SearchEnd value);       // open, confirmed, below, beyond, …
std::string_view name_of(Transport value);       // auto, sockets, libcurl
std::string_view name_of(RetryAfter value);      // fail, hold
std::string_view name_of(TraceFormat value);     // mooncake, bailian, azure, …
std::string_view name_of(TraceSessions value);   // open, closed
std::string_view name_of(ThinkSource value);     // told, instants
std::string_view name_of(ArrivalProcess value);  // poisson, gamma, constant
std::string_view name_of(ArrivalCount value);    // drawn, exact
std::string_view name_of(Overload value);        // none, max_in_flight, drain
std::string_view name_of(LoadState value);       // settled, unsettled, overloaded
std::string_view name_of(Metric value);          // e2e, ttft, ttfo, tpot, itl, icl
std::string_view name_of(Statistic value);       // p50, p90, p95, p99, mean
std::string_view name_of(Phase value);           // warmup, measured, filler
std::string_view name_of(Outcome value);         // ok, http_error, …
std::string_view name_of(TokenSource value);     // usage, limit, tokenizer, chunks
std::string_view name_of(InvalidReason value);   // client_busy, client_delay, slot_gap, …
std::string_view name_of(Warning value);         // client_busy, host_stall, reconnects, …
std::string_view name_of(UsersKind value);  // measured, below_sweep, beyond_sweep, no_valid_level
std::string_view name_of(Source value);     // measured, imported, published

template <class Enum>
const std::vector<Enum>& all_values();  // in declaration order; specialised for each of the above

template <class Enum>
std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (Enum value : all_values<Enum>()) names.emplace_back(name_of(value));
  return names;
}

template <class Enum>
std::optional<Enum> from_name(std::string_view name) {
  for (Enum value : all_values<Enum>()) {
    if (name_of(value) == name) return value;
  }
  return std::nullopt;
}

template <>
const std::vector<Api>& all_values<Api>();
template <>
const std::vector<RequestField>& all_values<RequestField>();
template <>
const std::vector<InputScope>& all_values<InputScope>();
template <>
const std::vector<Lengths>& all_values<Lengths>();
template <>
const std::vector<PromptAs>& all_values<PromptAs>();
template <>
const std::vector<Reuse>& all_values<Reuse>();
template <>
const std::vector<MetricsRole>& all_values<MetricsRole>();
template <>
const std::vector<PageMoment>& all_values<PageMoment>();
template <>
const std::vector<EnergyBasis>& all_values<EnergyBasis>();
template <>
const std::vector<Requirement>& all_values<Requirement>();
template <>
const std::vector<ServerFigure>& all_values<ServerFigure>();
template <>
const std::vector<SearchOver>& all_values<SearchOver>();
template <>
const std::vector<SearchEnd>& all_values<SearchEnd>();
template <>
const std::vector<Transport>& all_values<Transport>();
template <>
const std::vector<RetryAfter>& all_values<RetryAfter>();
template <>
const std::vector<TraceFormat>& all_values<TraceFormat>();
template <>
const std::vector<TraceSessions>& all_values<TraceSessions>();
template <>
const std::vector<ThinkSource>& all_values<ThinkSource>();
template <>
const std::vector<ArrivalProcess>& all_values<ArrivalProcess>();
template <>
const std::vector<ArrivalCount>& all_values<ArrivalCount>();
template <>
const std::vector<Overload>& all_values<Overload>();
template <>
const std::vector<LoadState>& all_values<LoadState>();
template <>
const std::vector<Metric>& all_values<Metric>();
template <>
const std::vector<Statistic>& all_values<Statistic>();
template <>
const std::vector<Phase>& all_values<Phase>();
template <>
const std::vector<Outcome>& all_values<Outcome>();
template <>
const std::vector<TokenSource>& all_values<TokenSource>();
template <>
const std::vector<InvalidReason>& all_values<InvalidReason>();
template <>
const std::vector<Warning>& all_values<Warning>();
template <>
const std::vector<UsersKind>& all_values<UsersKind>();
template <>
const std::vector<Source>& all_values<Source>();

}  // namespace llmsweep
