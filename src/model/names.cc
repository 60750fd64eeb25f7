#include "llmsweep/model/names.h"

#include <array>
#include <cstddef>

#include "llmsweep/model/quantity.h"

namespace llmsweep {
namespace {

template <class Enum>
struct Named {
  Enum value;
  std::string_view name;
};

// In declaration order, so that an enumerator is its own index; the tests hold that.
constexpr std::array kApiNames = {
    Named<Api>{Api::kChat, "chat"},
    Named<Api>{Api::kCompletions, "completions"},
    Named<Api>{Api::kResponses, "responses"},
    Named<Api>{Api::kMessages, "messages"},
    Named<Api>{Api::kEmbeddings, "embeddings"},
    Named<Api>{Api::kRerank, "rerank"},
};
constexpr std::array kRequestFieldNames = {
    Named<RequestField>{RequestField::kIgnoreEos, "ignore_eos"},
    Named<RequestField>{RequestField::kMinTokens, "min_tokens"},
    Named<RequestField>{RequestField::kIncludeUsage, "include_usage"},
    Named<RequestField>{RequestField::kContinuousUsage, "continuous_usage"},
};
constexpr std::array kInputScopeNames = {
    Named<InputScope>{InputScope::kTotal, "total"},
    Named<InputScope>{InputScope::kContent, "content"},
};
constexpr std::array kInputLengthsNames = {
    Named<Lengths>{Lengths::kAbout, "about"},
    Named<Lengths>{Lengths::kExact, "exact"},
};
constexpr std::array kPromptAsNames = {
    Named<PromptAs>{PromptAs::kText, "text"},
    Named<PromptAs>{PromptAs::kIds, "ids"},
};
constexpr std::array kReuseNames = {
    Named<Reuse>{Reuse::kForbid, "forbid"},
    Named<Reuse>{Reuse::kAllow, "allow"},
};
constexpr std::array kMetricsRoleNames = {
    Named<MetricsRole>{MetricsRole::kServer, "server"},
    Named<MetricsRole>{MetricsRole::kFrontend, "frontend"},
    Named<MetricsRole>{MetricsRole::kPrefill, "prefill"},
    Named<MetricsRole>{MetricsRole::kDecode, "decode"},
    Named<MetricsRole>{MetricsRole::kGpu, "gpu"},
};
constexpr std::array kPageMomentNames = {
    Named<PageMoment>{PageMoment::kBefore, "before"},
    Named<PageMoment>{PageMoment::kStart, "start"},
    Named<PageMoment>{PageMoment::kBetween, "between"},
    Named<PageMoment>{PageMoment::kEnd, "end"},
    Named<PageMoment>{PageMoment::kAfter, "after"},
};
constexpr std::array kEnergyBasisNames = {
    Named<EnergyBasis>{EnergyBasis::kGpuCounter, "gpu_counter"},
    Named<EnergyBasis>{EnergyBasis::kGpuPowerIntegral, "gpu_power_integral"},
    Named<EnergyBasis>{EnergyBasis::kNode, "node"},
    Named<EnergyBasis>{EnergyBasis::kProvisioned, "provisioned"},
};
constexpr std::array kRequirementNames = {
    Named<Requirement>{Requirement::kEnergy, "energy"},
};
constexpr std::array kSearchOverNames = {
    Named<SearchOver>{SearchOver::kConcurrency, "concurrency"},
    Named<SearchOver>{SearchOver::kRate, "rate"},
};
constexpr std::array kSearchEndNames = {
    Named<SearchEnd>{SearchEnd::kOpen, "open"},
    Named<SearchEnd>{SearchEnd::kConfirmed, "confirmed"},
    Named<SearchEnd>{SearchEnd::kBelow, "below"},
    Named<SearchEnd>{SearchEnd::kBeyond, "beyond"},
    Named<SearchEnd>{SearchEnd::kNotMonotone, "not_monotone"},
    Named<SearchEnd>{SearchEnd::kUndecided, "undecided"},
    Named<SearchEnd>{SearchEnd::kNotJudged, "not_judged"},
    Named<SearchEnd>{SearchEnd::kBudget, "budget"},
};
constexpr std::array kTransportNames = {
    Named<Transport>{Transport::kAuto, "auto"},
    Named<Transport>{Transport::kSockets, "sockets"},
    Named<Transport>{Transport::kLibcurl, "libcurl"},
};
constexpr std::array kRetryAfterNames = {
    Named<RetryAfter>{RetryAfter::kFail, "fail"},
    Named<RetryAfter>{RetryAfter::kHold, "hold"},
};
constexpr std::array kTraceFormatNames = {
    Named<TraceFormat>{TraceFormat::kMooncake, "mooncake"},
    Named<TraceFormat>{TraceFormat::kBailian, "bailian"},
    Named<TraceFormat>{TraceFormat::kAzure, "azure"},
    Named<TraceFormat>{TraceFormat::kBurstgpt, "burstgpt"},
    Named<TraceFormat>{TraceFormat::kWeka, "weka"},
    Named<TraceFormat>{TraceFormat::kTracelab, "tracelab"},
    Named<TraceFormat>{TraceFormat::kCsv, "csv"},
};
constexpr std::array kTraceSessionsNames = {
    Named<TraceSessions>{TraceSessions::kOpen, "open"},
    Named<TraceSessions>{TraceSessions::kClosed, "closed"},
};
constexpr std::array kThinkSourceNames = {
    Named<ThinkSource>{ThinkSource::kTold, "told"},
    Named<ThinkSource>{ThinkSource::kInstants, "instants"},
};
constexpr std::array kArrivalProcessNames = {
    Named<ArrivalProcess>{ArrivalProcess::kPoisson, "poisson"},
    Named<ArrivalProcess>{ArrivalProcess::kGamma, "gamma"},
    Named<ArrivalProcess>{ArrivalProcess::kConstant, "constant"},
};
constexpr std::array kArrivalCountNames = {
    Named<ArrivalCount>{ArrivalCount::kDrawn, "drawn"},
    Named<ArrivalCount>{ArrivalCount::kExact, "exact"},
};
constexpr std::array kOverloadNames = {
    Named<Overload>{Overload::kNone, "none"},
    Named<Overload>{Overload::kMaxInFlight, "max_in_flight"},
    Named<Overload>{Overload::kDrain, "drain"},
};
constexpr std::array kLoadStateNames = {
    Named<LoadState>{LoadState::kSettled, "settled"},
    Named<LoadState>{LoadState::kUnsettled, "unsettled"},
    Named<LoadState>{LoadState::kOverloaded, "overloaded"},
};
constexpr std::array kStatisticNames = {
    Named<Statistic>{Statistic::kP50, "p50"},   Named<Statistic>{Statistic::kP90, "p90"},
    Named<Statistic>{Statistic::kP95, "p95"},   Named<Statistic>{Statistic::kP99, "p99"},
    Named<Statistic>{Statistic::kMean, "mean"},
};
constexpr std::array kPhaseNames = {
    Named<Phase>{Phase::kWarmup, "warmup"},
    Named<Phase>{Phase::kMeasured, "measured"},
    Named<Phase>{Phase::kFiller, "filler"},
};
constexpr std::array kOutcomeNames = {
    Named<Outcome>{Outcome::kOk, "ok"},
    Named<Outcome>{Outcome::kHttpError, "http_error"},
    Named<Outcome>{Outcome::kTransportError, "transport_error"},
    Named<Outcome>{Outcome::kTimeout, "timeout"},
    Named<Outcome>{Outcome::kProtocolError, "protocol_error"},
    Named<Outcome>{Outcome::kCancelled, "cancelled"},
};
constexpr std::array kTokenSourceNames = {
    Named<TokenSource>{TokenSource::kUsage, "usage"},
    Named<TokenSource>{TokenSource::kLimit, "limit"},
    Named<TokenSource>{TokenSource::kTokenizer, "tokenizer"},
    Named<TokenSource>{TokenSource::kChunks, "chunks"},
};
constexpr std::array kInvalidReasonNames = {
    Named<InvalidReason>{InvalidReason::kClientBusy, "client_busy"},
    Named<InvalidReason>{InvalidReason::kClientDelay, "client_delay"},
    Named<InvalidReason>{InvalidReason::kGapsLeftOut, "gaps_left_out"},
    Named<InvalidReason>{InvalidReason::kSendLateness, "send_lateness"},
    Named<InvalidReason>{InvalidReason::kSlotGap, "slot_gap"},
    Named<InvalidReason>{InvalidReason::kConcurrencyOff, "concurrency_off"},
    Named<InvalidReason>{InvalidReason::kRateOff, "rate_off"},
    Named<InvalidReason>{InvalidReason::kOutputTokensOff, "output_tokens_off"},
    Named<InvalidReason>{InvalidReason::kInputTokensOff, "input_tokens_off"},
    Named<InvalidReason>{InvalidReason::kPrefixLeak, "prefix_leak"},
    Named<InvalidReason>{InvalidReason::kErrors, "errors"},
    Named<InvalidReason>{InvalidReason::kTooFewRequests, "too_few_requests"},
    Named<InvalidReason>{InvalidReason::kEnergyMissing, "energy_missing"},
    Named<InvalidReason>{InvalidReason::kInterrupted, "interrupted"},
    Named<InvalidReason>{InvalidReason::kOnePart, "one_part"},
    Named<InvalidReason>{InvalidReason::kClientLost, "client_lost"},
    Named<InvalidReason>{InvalidReason::kClockUnproved, "clock_unproved"},
};
constexpr std::array kWarningNames = {
    Named<Warning>{Warning::kClientBusy, "client_busy"},
    Named<Warning>{Warning::kClientDelayE2e, "client_delay_e2e"},
    Named<Warning>{Warning::kClientDelayTtft, "client_delay_ttft"},
    Named<Warning>{Warning::kClientDelayTtfo, "client_delay_ttfo"},
    Named<Warning>{Warning::kClientDelayTpot, "client_delay_tpot"},
    Named<Warning>{Warning::kClientDelayItl, "client_delay_itl"},
    Named<Warning>{Warning::kClientDelayIcl, "client_delay_icl"},
    Named<Warning>{Warning::kHostStall, "host_stall"},
    Named<Warning>{Warning::kReconnects, "reconnects"},
    Named<Warning>{Warning::kTokenCountEstimated, "token_count_estimated"},
    Named<Warning>{Warning::kInputUnverified, "input_unverified"},
    Named<Warning>{Warning::kOutputOff, "output_off"},
    Named<Warning>{Warning::kInputEstimated, "input_estimated"},
    Named<Warning>{Warning::kCachedTokens, "cached_tokens"},
    Named<Warning>{Warning::kBuffered, "buffered"},
    Named<Warning>{Warning::kCoalesced, "coalesced"},
    Named<Warning>{Warning::kOtherModel, "other_model"},
    Named<Warning>{Warning::kRepairedChunks, "repaired_chunks"},
    Named<Warning>{Warning::kPromptsReused, "prompts_reused"},
    Named<Warning>{Warning::kOneRepeat, "one_repeat"},
    Named<Warning>{Warning::kLittlesLaw, "littles_law"},
    Named<Warning>{Warning::kNoReceiveStamps, "no_receive_stamps"},
    Named<Warning>{Warning::kRetryAfterCut, "retry_after_cut"},
    Named<Warning>{Warning::kSlotsHeld, "slots_held"},
    Named<Warning>{Warning::kResponseTail, "response_tail"},
    Named<Warning>{Warning::kWithDrain, "with_drain"},
    Named<Warning>{Warning::kForeignTraffic, "foreign_traffic"},
};
constexpr std::array kUsersKindNames = {
    Named<UsersKind>{UsersKind::kMeasured, "measured"},
    Named<UsersKind>{UsersKind::kBelowSweep, "below_sweep"},
    Named<UsersKind>{UsersKind::kBeyondSweep, "beyond_sweep"},
    Named<UsersKind>{UsersKind::kNoValidLevel, "no_valid_level"},
};
constexpr std::array kSourceNames = {
    Named<Source>{Source::kMeasured, "measured"},
    Named<Source>{Source::kImported, "imported"},
    Named<Source>{Source::kPublished, "published"},
};

template <class Table, class Enum>
std::string_view find_name(const Table& table, Enum value) {
  for (const auto& entry : table) {
    if (entry.value == value) return entry.name;
  }
  return {};
}

template <class Enum, size_t kSize>
std::vector<Enum> values_of(const std::array<Named<Enum>, kSize>& table) {
  std::vector<Enum> values;
  values.reserve(kSize);
  for (const auto& entry : table) values.push_back(entry.value);
  return values;
}

}  // namespace

std::string_view name_of(Api value) {
  return find_name(kApiNames, value);
}
std::string_view name_of(RequestField value) {
  return find_name(kRequestFieldNames, value);
}
std::string_view name_of(InputScope value) {
  return find_name(kInputScopeNames, value);
}
std::string_view name_of(Lengths value) {
  return find_name(kInputLengthsNames, value);
}
std::string_view name_of(PromptAs value) {
  return find_name(kPromptAsNames, value);
}
std::string_view name_of(Reuse value) {
  return find_name(kReuseNames, value);
}
std::string_view name_of(MetricsRole value) {
  return find_name(kMetricsRoleNames, value);
}
std::string_view name_of(PageMoment value) {
  return find_name(kPageMomentNames, value);
}
std::string_view name_of(EnergyBasis value) {
  return find_name(kEnergyBasisNames, value);
}
std::string_view name_of(Requirement value) {
  return find_name(kRequirementNames, value);
}
std::string_view name_of(ServerFigure value) {
  return traits_of(value).name;
}
std::string_view name_of(SearchOver value) {
  return find_name(kSearchOverNames, value);
}
std::string_view name_of(SearchEnd value) {
  return find_name(kSearchEndNames, value);
}
std::string_view name_of(Transport value) {
  return find_name(kTransportNames, value);
}
std::string_view name_of(RetryAfter value) {
  return find_name(kRetryAfterNames, value);
}
std::string_view name_of(TraceFormat value) {
  return find_name(kTraceFormatNames, value);
}
std::string_view name_of(TraceSessions value) {
  return find_name(kTraceSessionsNames, value);
}
std::string_view name_of(ThinkSource value) {
  return find_name(kThinkSourceNames, value);
}
std::string_view name_of(ArrivalProcess value) {
  return find_name(kArrivalProcessNames, value);
}
std::string_view name_of(ArrivalCount value) {
  return find_name(kArrivalCountNames, value);
}
std::string_view name_of(Overload value) {
  return find_name(kOverloadNames, value);
}
std::string_view name_of(LoadState value) {
  return find_name(kLoadStateNames, value);
}
std::string_view name_of(Metric value) {
  return quantity_of(value).key;
}
std::string_view name_of(Statistic value) {
  return find_name(kStatisticNames, value);
}
std::string_view name_of(Phase value) {
  return find_name(kPhaseNames, value);
}
std::string_view name_of(Outcome value) {
  return find_name(kOutcomeNames, value);
}
std::string_view name_of(TokenSource value) {
  return find_name(kTokenSourceNames, value);
}
std::string_view name_of(InvalidReason value) {
  return find_name(kInvalidReasonNames, value);
}
std::string_view name_of(Warning value) {
  return find_name(kWarningNames, value);
}
std::string_view name_of(UsersKind value) {
  return find_name(kUsersKindNames, value);
}
std::string_view name_of(Source value) {
  return find_name(kSourceNames, value);
}

template <>
const std::vector<Api>& all_values<Api>() {
  static const std::vector<Api> values = values_of(kApiNames);
  return values;
}

template <>
const std::vector<RequestField>& all_values<RequestField>() {
  static const std::vector<RequestField> values = values_of(kRequestFieldNames);
  return values;
}

template <>
const std::vector<InputScope>& all_values<InputScope>() {
  static const std::vector<InputScope> values = values_of(kInputScopeNames);
  return values;
}

template <>
const std::vector<Lengths>& all_values<Lengths>() {
  static const std::vector<Lengths> values = values_of(kInputLengthsNames);
  return values;
}

template <>
const std::vector<PromptAs>& all_values<PromptAs>() {
  static const std::vector<PromptAs> values = values_of(kPromptAsNames);
  return values;
}

template <>
const std::vector<Reuse>& all_values<Reuse>() {
  static const std::vector<Reuse> values = values_of(kReuseNames);
  return values;
}

template <>
const std::vector<MetricsRole>& all_values<MetricsRole>() {
  static const std::vector<MetricsRole> values = values_of(kMetricsRoleNames);
  return values;
}

template <>
const std::vector<PageMoment>& all_values<PageMoment>() {
  static const std::vector<PageMoment> values = values_of(kPageMomentNames);
  return values;
}

template <>
const std::vector<EnergyBasis>& all_values<EnergyBasis>() {
  static const std::vector<EnergyBasis> values = values_of(kEnergyBasisNames);
  return values;
}

template <>
const std::vector<Requirement>& all_values<Requirement>() {
  static const std::vector<Requirement> values = values_of(kRequirementNames);
  return values;
}

template <>
const std::vector<ServerFigure>& all_values<ServerFigure>() {
  static const std::vector<ServerFigure> values = [] {
    std::vector<ServerFigure> figures;
    for (const FigureTraits& traits : figure_traits()) figures.push_back(traits.figure);
    return figures;
  }();
  return values;
}

template <>
const std::vector<SearchOver>& all_values<SearchOver>() {
  static const std::vector<SearchOver> values = values_of(kSearchOverNames);
  return values;
}
template <>
const std::vector<SearchEnd>& all_values<SearchEnd>() {
  static const std::vector<SearchEnd> values = values_of(kSearchEndNames);
  return values;
}
template <>
const std::vector<Transport>& all_values<Transport>() {
  static const std::vector<Transport> values = values_of(kTransportNames);
  return values;
}

template <>
const std::vector<RetryAfter>& all_values<RetryAfter>() {
  static const std::vector<RetryAfter> values = values_of(kRetryAfterNames);
  return values;
}

template <>
const std::vector<TraceFormat>& all_values<TraceFormat>() {
  static const std::vector<TraceFormat> values = values_of(kTraceFormatNames);
  return values;
}
template <>
const std::vector<TraceSessions>& all_values<TraceSessions>() {
  static const std::vector<TraceSessions> values = values_of(kTraceSessionsNames);
  return values;
}

template <>
const std::vector<ThinkSource>& all_values<ThinkSource>() {
  static const std::vector<ThinkSource> values = values_of(kThinkSourceNames);
  return values;
}

template <>
const std::vector<ArrivalProcess>& all_values<ArrivalProcess>() {
  static const std::vector<ArrivalProcess> values = values_of(kArrivalProcessNames);
  return values;
}

template <>
const std::vector<ArrivalCount>& all_values<ArrivalCount>() {
  static const std::vector<ArrivalCount> values = values_of(kArrivalCountNames);
  return values;
}

template <>
const std::vector<Overload>& all_values<Overload>() {
  static const std::vector<Overload> values = values_of(kOverloadNames);
  return values;
}

template <>
const std::vector<LoadState>& all_values<LoadState>() {
  static const std::vector<LoadState> values = values_of(kLoadStateNames);
  return values;
}

template <>
const std::vector<Metric>& all_values<Metric>() {
  static const std::vector<Metric> values = [] {
    std::vector<Metric> metrics;
    for (const Quantity& quantity : quantities()) {
      if (quantity.metric) metrics.push_back(*quantity.metric);
    }
    return metrics;
  }();
  return values;
}

template <>
const std::vector<Statistic>& all_values<Statistic>() {
  static const std::vector<Statistic> values = values_of(kStatisticNames);
  return values;
}

template <>
const std::vector<Phase>& all_values<Phase>() {
  static const std::vector<Phase> values = values_of(kPhaseNames);
  return values;
}

template <>
const std::vector<Outcome>& all_values<Outcome>() {
  static const std::vector<Outcome> values = values_of(kOutcomeNames);
  return values;
}

template <>
const std::vector<TokenSource>& all_values<TokenSource>() {
  static const std::vector<TokenSource> values = values_of(kTokenSourceNames);
  return values;
}

template <>
const std::vector<InvalidReason>& all_values<InvalidReason>() {
  static const std::vector<InvalidReason> values = values_of(kInvalidReasonNames);
  return values;
}

template <>
const std::vector<Warning>& all_values<Warning>() {
  static const std::vector<Warning> values = values_of(kWarningNames);
  return values;
}

template <>
const std::vector<UsersKind>& all_values<UsersKind>() {
  static const std::vector<UsersKind> values = values_of(kUsersKindNames);
  return values;
}

template <>
const std::vector<Source>& all_values<Source>() {
  static const std::vector<Source> values = values_of(kSourceNames);
  return values;
}

}  // namespace llmsweep
