#include "llmsweep/telemetry/run_telemetry.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/stats/percentile.h"
#include "llmsweep/telemetry/energy.h"
#include "llmsweep/telemetry/server_metrics.h"

namespace llmsweep {
namespace {

// A page that came, with what is on it.
struct Sampled {
  const PageRead* page;
  PageFigures figures;

  Instant at() const { return page->asked + (page->answered - page->asked) / 2; }
};

struct Source {
  SourceReading reading;
  std::vector<Sampled> pages;  // that came

  const Sampled* at(PageMoment moment) const {
    const auto found = std::find_if(pages.begin(), pages.end(), [moment](const Sampled& page) {
      return page.page->moment == moment;
    });
    return found != pages.end() ? &*found : nullptr;
  }
  bool has(ServerFigure figure) const {
    return std::any_of(pages.begin(), pages.end(),
                       [figure](const Sampled& page) { return page.figures.contains(figure); });
  }
};

struct Difference {
  std::optional<double> value;
  std::string missing;
};

const std::vector<FigureSeries>& series_on(const Sampled& page, ServerFigure figure) {
  static const std::vector<FigureSeries> none;
  const auto found = page.figures.find(figure);
  return found != page.figures.end() ? found->second : none;
}

// Of a counter, summed over its series.
Difference difference(const Sampled* from, const Sampled* to, ServerFigure figure) {
  if (from == nullptr || to == nullptr) return {.value = {}, .missing = "edge_missing"};
  std::map<std::string, double> before;
  for (const FigureSeries& one : series_on(*from, figure)) before[one.series] = one.value;
  const std::vector<FigureSeries>& after = series_on(*to, figure);
  const bool appeared = before.empty();
  double sum = 0;
  for (const FigureSeries& one : after) {
    const auto had = before.find(one.series);
    if (had == before.end() && !appeared) return {.value = {}, .missing = "series_changed"};
    const double earlier = appeared ? 0 : had->second;
    if (!std::isfinite(one.value) || !std::isfinite(earlier)) {
      return {.value = {}, .missing = "not_a_number"};
    }
    if (one.value < earlier) return {.value = {}, .missing = "counter_reset"};
    sum += one.value - earlier;
  }
  if (after.size() < before.size()) return {.value = {}, .missing = "series_changed"};
  return {.value = sum, .missing = {}};
}

bool in_window(const Sampled& page) {
  const PageMoment moment = page.page->moment;
  return moment == PageMoment::kStart || moment == PageMoment::kBetween ||
         moment == PageMoment::kEnd;
}

FigureReading read_counter(const Source& source, ServerFigure figure) {
  const Sampled* before = source.at(PageMoment::kBefore);
  const Sampled* start = source.at(PageMoment::kStart);
  const Sampled* end = source.at(PageMoment::kEnd);
  const Difference run = difference(before, source.at(PageMoment::kAfter), figure);
  const Difference served = difference(before, end, figure);
  const Difference window = difference(start, end, figure);
  FigureReading reading{.figure = figure,
                        .run = run.value,
                        .served = served.value,
                        .window = window.value,
                        .missing = {}};
  for (const Difference* each : {&window, &served, &run}) {
    if (!each->missing.empty()) reading.missing = each->missing;
  }
  return reading;
}

FigureReading read_gauge(const Source& source, ServerFigure figure) {
  FigureReading reading{.figure = figure, .missing = {}};
  double sum = 0;
  for (const Sampled& page : source.pages) {
    if (!in_window(page)) continue;
    const std::optional<double> value = over_series(figure, series_on(page, figure));
    if (!value || !std::isfinite(*value)) continue;
    sum += *value;
    reading.max = std::max(reading.max.value_or(*value), *value);
    ++reading.samples;
  }
  if (reading.samples > 0) {
    reading.mean = sum / static_cast<double>(reading.samples);
  } else {
    reading.missing = "edge_missing";
  }
  return reading;
}

FigureReading read_figure(const Source& source, ServerFigure figure) {
  return traits_of(figure).counter ? read_counter(source, figure) : read_gauge(source, figure);
}

// Prompts are the prefill's where the two are apart, all else of requests the decode's.
bool is_of_prompts(ServerFigure figure) {
  switch (figure) {
    case ServerFigure::kPromptTokens:
    case ServerFigure::kPrefixQueries:
    case ServerFigure::kPrefixHits:
    case ServerFigure::kPrefillSeconds:
    case ServerFigure::kQueueSeconds:
    case ServerFigure::kQueueCount:
      return true;
    default:
      return false;
  }
}

// Which sources a figure is taken from, so that no request is counted on two of them.
std::vector<const Source*> sources_of(const std::vector<Source>& sources, ServerFigure figure) {
  const auto with_role = [&](MetricsRole role) {
    return std::any_of(sources.begin(), sources.end(), [&](const Source& source) {
      return source.reading.role == role && source.has(figure);
    });
  };
  const bool front = with_role(MetricsRole::kFrontend);
  const MetricsRole other = is_of_prompts(figure) ? MetricsRole::kDecode : MetricsRole::kPrefill;
  const bool apart = with_role(MetricsRole::kPrefill) && with_role(MetricsRole::kDecode);
  std::vector<const Source*> chosen;
  for (const Source& source : sources) {
    if (!source.has(figure)) continue;
    if (front && source.reading.role != MetricsRole::kFrontend) continue;
    if (!front && apart && source.reading.role == other) continue;
    chosen.push_back(&source);
  }
  return chosen;
}

void add(std::optional<double>& to, const std::optional<double>& value, bool first) {
  if (first) {
    to = value;
  } else if (to && value) {
    *to += *value;
  } else {
    to.reset();
  }
}

FigureReading combined(const std::vector<const Source*>& sources, ServerFigure figure) {
  FigureReading all{.figure = figure, .missing = {}};
  const OverSeries over = traits_of(figure).over;
  for (size_t i = 0; i < sources.size(); ++i) {
    const FigureReading one = read_figure(*sources[i], figure);
    const bool first = i == 0;
    add(all.run, one.run, first);
    add(all.served, one.served, first);
    add(all.window, one.window, first);
    if (!one.missing.empty()) all.missing = one.missing;
    all.samples = first ? one.samples : std::min(all.samples, one.samples);
    if (over == OverSeries::kMax && !first) {
      all.mean = one.mean && all.mean ? std::max(*one.mean, *all.mean) : std::optional<double>();
      all.max = one.max && all.max ? std::max(*one.max, *all.max) : std::optional<double>();
    } else {
      add(all.mean, one.mean, first);
      add(all.max, one.max, first);
    }
  }
  if (over == OverSeries::kMean && sources.size() > 1) {
    const auto count = static_cast<double>(sources.size());
    if (all.mean) *all.mean /= count;
    if (all.max) *all.max /= count;
  }
  return all;
}

SourceReading describe_pages(const PageRead& first) {
  return {.url = first.url, .role = first.role, .engine = {}, .error = {}};
}

std::vector<Source> sources_in(std::span<const PageRead> pages) {
  std::vector<Source> sources;
  std::map<std::string, size_t> by_url;
  std::map<std::string, std::vector<double>> costs_ms;
  for (const PageRead& page : pages) {
    const auto [at, first] = by_url.emplace(page.url, sources.size());
    if (first) sources.push_back({.reading = describe_pages(page), .pages = {}});
    Source& source = sources[at->second];
    if (!page.error.empty()) {
      ++source.reading.failed;
      source.reading.error = page.error;
      continue;
    }
    ++source.reading.pages;
    source.reading.bytes = std::max(source.reading.bytes, page.bytes);
    costs_ms[page.url].push_back(to_ms(page.answered - page.asked));
    if (source.reading.engine.empty()) source.reading.engine = keep_known(page.samples).engine;
    source.pages.push_back({.page = &page, .figures = figures_in(page.samples)});
  }
  for (Source& source : sources) {
    std::vector<double>& costs = costs_ms[source.reading.url];
    if (costs.empty()) continue;
    source.reading.page_max_ms = *std::max_element(costs.begin(), costs.end());
    source.reading.page_p50_ms = percentile_of(costs, 0.5);
  }
  return sources;
}

// How densely the window was sampled, and what that took.
void describe_window(Source& source) {
  Duration reading{};
  const Sampled* last = nullptr;
  for (const Sampled& page : source.pages) {
    if (!in_window(page)) continue;
    source.reading.filtered = page.page->filtered;
    reading += page.page->answered - page.page->asked;
    if (last != nullptr) {
      const double gap = to_seconds(page.at() - last->at());
      source.reading.largest_gap_s = std::max(source.reading.largest_gap_s.value_or(0), gap);
    }
    last = &page;
  }
  std::vector<const PageRead*> read;
  for (const Sampled& page : source.pages) read.push_back(page.page);
  source.reading.refresh_s = refresh_of(read);
  const Sampled* start = source.at(PageMoment::kStart);
  const Sampled* end = source.at(PageMoment::kEnd);
  if (start == nullptr || end == nullptr) return;
  const Duration window = end->page->answered - start->page->asked;
  if (window > Duration{}) {
    source.reading.busy_fraction = to_seconds(reading) / to_seconds(window);
  }
}

// At the instant of the page.
double tokens_at(const PageRead& page) {
  return (page.before.tokens() + page.after.tokens()) / 2;
}

// Requests that ended may be counted on one side and not yet on the other.
double requests_at(const PageRead& page) {
  return static_cast<double>(page.before.ended + page.after.ended) / 2;
}

// A server's count runs ahead of what has come by a step of every stream, and the counts of ours
// are known to half of what came while the page was read. What a client that was late had not read
// by then it has read since, or it went with a filler that was cancelled: see came_after().
double tokens_in_flight(const PageRead& page) {
  const double moved = page.after.tokens() - page.before.tokens();
  const double per_chunk = page.after.ended_chunks > 0
                               ? static_cast<double>(page.after.ended_tokens) /
                                     static_cast<double>(page.after.ended_chunks)
                               : 1;
  const auto streams = static_cast<double>(std::max(page.before.in_flight, page.after.in_flight));
  return moved / 2 + 2 * per_chunk * streams;
}

const Sampled* page_of(const std::vector<const Source*>& sources, PageMoment moment) {
  return sources.empty() ? nullptr : sources.front()->at(moment);
}

bool is_foreign(double excess, double ours, double uncertain) {
  return excess > kForeignShare * ours && excess > uncertain;
}

// What came after the page at the window's end, all of which the server may have counted by then: a
// client or its host that was late. The server's count after the drain says nothing of that, for it
// has what was made of cancelled fillers until the server noticed. 0 where a page is missing.
double came_after(const std::vector<const Source*>& sources, const PageRead& end) {
  const Sampled* after = page_of(sources, PageMoment::kAfter);
  return after == nullptr ? 0 : std::max(0.0, tokens_at(*after->page) - tokens_at(end));
}

std::optional<double> busy_at(const std::vector<Source>& sources, PageMoment moment) {
  std::optional<double> busy;
  for (const ServerFigure figure : {ServerFigure::kRunning, ServerFigure::kWaiting}) {
    for (const Source* source : sources_of(sources, figure)) {
      const Sampled* page = source->at(moment);
      if (page == nullptr) continue;
      const std::optional<double> value = over_series(figure, series_on(*page, figure));
      if (value && std::isfinite(*value)) busy = busy.value_or(0) + *value;
    }
  }
  return busy;
}

// By the page after the drain. What was ours and is over there is over here, so that nothing is
// uncertain: requests on their way, late clients and cancelled fillers change nothing.
std::optional<double> requests_of_others(const std::vector<Source>& sources) {
  const std::vector<const Source*> of_requests = sources_of(sources, ServerFigure::kFinished);
  const Sampled* after = page_of(of_requests, PageMoment::kAfter);
  if (after == nullptr) return std::nullopt;
  const std::optional<double> finished = combined(of_requests, ServerFigure::kFinished).run;
  if (!finished) return std::nullopt;
  const std::vector<const Source*> of_aborts = sources_of(sources, ServerFigure::kAborted);
  const double aborted = combined(of_aborts, ServerFigure::kAborted).run.value_or(0);
  // What it had before our first request has ended since, and may have been ours: a run before.
  const double before = busy_at(sources, PageMoment::kBefore).value_or(0);
  const ClientCounts& ours = after->page->after;
  return *finished + aborted - before - static_cast<double>(ours.ended + ours.in_flight);
}

// Every request that the server ended was ours, and after the drain it had none: nobody else was
// there, whatever tokens of cancelled fillers were never read here. Of a server that counts those
// too.
bool all_were_ours(const std::vector<Source>& sources, std::optional<double> of_others) {
  return of_others == 0 && !sources_of(sources, ServerFigure::kAborted).empty() &&
         busy_at(sources, PageMoment::kAfter) == 0;
}

std::optional<ForeignTraffic> foreign_traffic(const std::vector<Source>& sources) {
  const std::vector<const Source*> of_tokens = sources_of(sources, ServerFigure::kOutputTokens);
  const std::vector<const Source*> of_requests = sources_of(sources, ServerFigure::kFinished);
  const Sampled* end = page_of(of_tokens, PageMoment::kEnd);
  if (end == nullptr) end = page_of(of_requests, PageMoment::kEnd);
  if (end == nullptr) return std::nullopt;
  const double late = came_after(of_tokens.empty() ? of_requests : of_tokens, *end->page);
  ForeignTraffic traffic{.our_tokens = tokens_at(*end->page),
                         .tokens_uncertain = tokens_in_flight(*end->page) + late};
  if (!of_tokens.empty()) {
    traffic.server_tokens = combined(of_tokens, ServerFigure::kOutputTokens).served;
  }
  if (!of_requests.empty()) {
    traffic.server_requests = combined(of_requests, ServerFigure::kFinished).served;
  }
  const double our_requests = requests_at(*end->page);
  traffic.our_requests = std::llround(our_requests);
  if (traffic.server_tokens && traffic.our_tokens > 0) {
    const double excess = *traffic.server_tokens - traffic.our_tokens;
    traffic.tokens_share = excess / traffic.our_tokens;
    traffic.found |= is_foreign(excess, traffic.our_tokens, traffic.tokens_uncertain);
  }
  if (traffic.server_requests && our_requests > 0) {
    const double excess = *traffic.server_requests - our_requests;
    traffic.requests_share = excess / our_requests;
    // One that has ended at the server and not here yet, for each stream at most.
    const auto streams = static_cast<double>(end->page->before.in_flight);
    traffic.found |= is_foreign(excess, our_requests, streams);
  }
  traffic.requests_of_others = requests_of_others(sources);
  traffic.found |= is_foreign(traffic.requests_of_others.value_or(0), our_requests, 0);
  traffic.found &= !all_were_ours(sources, traffic.requests_of_others);
  return traffic;
}

std::optional<double> gauge_near(const Source& source, Instant at, ServerFigure figure) {
  const auto distance = [at](const Sampled& page) {
    return page.at() < at ? at - page.at() : page.at() - at;
  };
  const auto nearest = std::min_element(
      source.pages.begin(), source.pages.end(),
      [&](const Sampled& a, const Sampled& b) { return distance(a) < distance(b); });
  return over_series(figure, series_on(*nearest, figure));
}

}  // namespace

RunTelemetry summarise_telemetry(std::span<const PageRead> pages, int gpus) {
  std::vector<Source> sources = sources_in(pages);
  RunTelemetry telemetry;
  for (Source& source : sources) describe_window(source);
  for (const FigureTraits& traits : figure_traits()) {
    const std::vector<const Source*> chosen = sources_of(sources, traits.figure);
    if (!chosen.empty()) telemetry.figures.push_back(combined(chosen, traits.figure));
  }
  for (const Source& source : sources) {
    const Sampled* start = source.at(PageMoment::kStart);
    const Sampled* end = source.at(PageMoment::kEnd);
    if (start == nullptr || end == nullptr || telemetry.window_s) continue;
    telemetry.window_s = to_seconds(end->at() - start->at());
    telemetry.window_tokens = tokens_at(*end->page) - tokens_at(*start->page);
  }
  telemetry.foreign = foreign_traffic(sources);
  telemetry.energy = run_energy(pages, gpus);
  if (telemetry.foreign && telemetry.foreign->found) {
    for (EnergyReading& reading : telemetry.energy) {
      reading.j_per_output_token.reset();
      if (reading.missing.empty()) reading.missing = "foreign_traffic";
    }
  }
  telemetry.busy_before = busy_at(sources, PageMoment::kBefore);
  for (Source& source : sources) telemetry.sources.push_back(std::move(source.reading));
  return telemetry;
}

std::vector<GaugeTrack> gauge_tracks(std::span<const PageRead> pages) {
  const std::vector<Source> sources = sources_in(pages);
  std::vector<GaugeTrack> tracks;
  for (const FigureTraits& traits : figure_traits()) {
    const std::vector<const Source*> chosen = sources_of(sources, traits.figure);
    if (traits.counter || chosen.empty()) continue;
    GaugeTrack track{.figure = traits.figure};
    for (const Sampled& page : chosen.front()->pages) {
      std::vector<FigureSeries> at_once;
      for (const Source* source : chosen) {
        const std::optional<double> value =
            source == chosen.front() ? over_series(traits.figure, series_on(page, traits.figure))
                                     : gauge_near(*source, page.at(), traits.figure);
        if (value) at_once.push_back({.series = {}, .value = *value});
      }
      const std::optional<double> value = over_series(traits.figure, at_once);
      if (value && std::isfinite(*value)) {
        track.points.push_back({to_ns(page.at()), *value});
      }
    }
    if (track.points.size() > 1) tracks.push_back(std::move(track));
  }
  return tracks;
}

}  // namespace llmsweep
