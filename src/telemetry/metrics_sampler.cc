#include "llmsweep/telemetry/metrics_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "llmsweep/base/text.h"
#include "llmsweep/base/thread.h"
#include "llmsweep/telemetry/server_metrics.h"
#include "llmsweep/telemetry/zeusd_page.h"

namespace llmsweep {
namespace {

// How late the edges of the window are noticed: the counts are read with the page, so that this
// moves the edge and biases nothing.
constexpr Duration kNotice = std::chrono::milliseconds(20);
constexpr Duration kFirstLook = std::chrono::milliseconds(20);  // at a server that drains

// An exporter of GPU readings is not the server: it costs it nothing.
constexpr Duration kEveryOfGpus = std::chrono::seconds(1);
constexpr Duration kLongestWatch = std::chrono::seconds(2);  // of a counter that is to move
constexpr Duration kWatchPause = std::chrono::milliseconds(30);

// As a query wants it.
std::string escaped(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '.';
    text += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return text;
}

// What a page has, whatever its form.
KeptPage kept_of(const HttpAnswer& answer) {
  const std::string lines = zeusd_page(answer.body);
  return keep_known(lines.empty() ? answer.body : lines);
}

std::string why_no_page(const HttpAnswer& answer) {
  if (!answer.error.empty()) return answer.error;
  return fmt::format("HTTP {}", answer.status);
}

std::string size_and_time(int64_t bytes, Duration took) {
  return fmt::format("{} KB in {:.1f} ms", format_significant(static_cast<double>(bytes) / 1e3, 2),
                     to_ms(took));
}

bool has_energy(std::string_view samples) {
  return figures_in(samples).contains(ServerFigure::kGpuEnergy);
}

// All of them did.
bool energy_moved(std::string_view before, std::string_view after) {
  const PageFigures had = figures_in(before);
  const PageFigures has = figures_in(after);
  const auto old_energy = had.find(ServerFigure::kGpuEnergy);
  const auto new_energy = has.find(ServerFigure::kGpuEnergy);
  if (old_energy == had.end() || new_energy == has.end()) return false;
  return std::equal(old_energy->second.begin(), old_energy->second.end(),
                    new_energy->second.begin(), new_energy->second.end(),
                    [](const FigureSeries& a, const FigureSeries& b) {
                      return a.series == b.series && a.value != b.value;
                    });
}

double busy_on(std::string_view samples) {
  const PageFigures figures = figures_in(samples);
  double busy = 0;
  for (const ServerFigure figure : {ServerFigure::kRunning, ServerFigure::kWaiting}) {
    const auto found = figures.find(figure);
    if (found != figures.end()) busy += over_series(figure, found->second).value_or(0);
  }
  return busy;
}

}  // namespace

MetricsSampler::MetricsSampler(std::vector<MetricsPage> pages, FetchPage fetch, PageSink sink,
                               SamplerOptions options)
    : fetch_(std::move(fetch)), sink_(std::move(sink)), options_(std::move(options)) {
  for (MetricsPage& page : pages) sources_.push_back({.page = std::move(page), .url_of_names = {}});
}

std::vector<std::string> MetricsSampler::open(bool required) {
  std::vector<std::string> told;
  std::vector<Source> kept;
  for (Source& source : sources_) {
    const Instant asked = clock_.now();
    const HttpAnswer answer = fetch_(source.page.url, source.page.role);
    const Duration took = clock_.now() - asked;
    const KeptPage page = answer.ok() ? kept_of(answer) : KeptPage{};
    const auto bytes = static_cast<int64_t>(answer.body.size());
    std::string line = "metrics: " + printable(source.page.url);
    if (!answer.ok()) {
      line += " does not come: " + printable(why_no_page(answer));
    } else if (page.engine.empty()) {
      line += fmt::format(" has no figure that is known ({})", size_and_time(bytes, took));
    } else {
      line += fmt::format(": {}, {}", page.engine, size_and_time(bytes, took));
      source.url_of_names = url_of_names(source.page, page.names, bytes, line);
    }
    const bool usable = !page.engine.empty();
    const bool named = required || source.page.role == MetricsRole::kGpu;
    if (usable || named) kept.push_back(source);
    if (!usable && !named) line += ": nothing is known of what this server does";
    told.push_back(std::move(line));
  }
  sources_ = std::move(kept);
  return told;
}

// prometheus_client filters by sample names, vLLM only under the path with a slash; a collector of
// several processes then answers with an empty page.
std::string MetricsSampler::url_of_names(const MetricsPage& page,
                                         const std::vector<std::string>& names, int64_t whole_bytes,
                                         std::string& told) {
  if (page.role == MetricsRole::kGpu || page.url.find('?') != std::string::npos) return {};
  std::string query;
  for (const std::string& name : names) {
    query += (query.empty() ? "?name[]=" : "&name[]=") + escaped(name);
  }
  for (const char* slash : {"/", ""}) {
    const std::string url = page.url + slash + query;
    const Instant asked = clock_.now();
    const HttpAnswer answer = fetch_(url, page.role);
    const Duration took = clock_.now() - asked;
    const auto bytes = static_cast<int64_t>(answer.body.size());
    const KeptPage kept = keep_known(answer.body);
    // Another sample on it: the server has not looked at the names.
    const bool filtered = kept.samples == std::count(kept.lines.begin(), kept.lines.end(), '\n');
    // A registry that is restricted to names has its families in no certain order.
    const bool all_there =
        std::is_permutation(kept.names.begin(), kept.names.end(), names.begin(), names.end());
    if (!answer.ok() || !filtered || bytes >= whole_bytes || !all_there) continue;
    told += fmt::format("; with the needed names alone {}", size_and_time(bytes, took));
    return url;
  }
  return {};
}

double MetricsSampler::read(const RunId& run, PageMoment moment, const MetricsWatch& watch,
                            bool last_try, Which which) {
  double busy = 0;
  std::vector<PageRead> pages;
  const bool edge = moment == PageMoment::kStart || moment == PageMoment::kEnd;
  for (const Source& source : sources_) {
    const bool gpu = source.page.role == MetricsRole::kGpu;
    if (which == (gpu ? Which::kServers : Which::kGpus)) continue;
    PageRead page = gpu && edge ? read_until_moved(source, run, moment, watch)
                                : read_page(source, run, moment, watch);
    busy += busy_on(page.samples);
    pages.push_back(std::move(page));
  }
  if (busy == 0 || last_try) {
    for (const PageRead& page : pages) sink_(page);
  }
  return busy;
}

PageRead MetricsSampler::read_page(const Source& source, const RunId& run, PageMoment moment,
                                   const MetricsWatch& watch) {
  const bool whole = source.url_of_names.empty();
  PageRead page{.run = run,
                .url = source.page.url,
                .role = source.page.role,
                .moment = moment,
                .filtered = !whole,
                .error = {},
                .samples = {}};
  page.before = watch.counts();
  page.asked = clock_.now();
  const HttpAnswer answer = fetch_(whole ? source.page.url : source.url_of_names, source.page.role);
  page.answered = clock_.now();
  page.after = watch.counts();
  if (answer.ok()) {
    page.bytes = static_cast<int64_t>(answer.body.size());
    page.samples = kept_of(answer).lines;
  } else {
    page.error = printable(why_no_page(answer));
  }
  return page;
}

PageRead MetricsSampler::read_until_moved(const Source& source, const RunId& run, PageMoment moment,
                                          const MetricsWatch& watch) {
  PageRead last = read_page(source, run, moment, watch);
  const Instant until = clock_.now() + kLongestWatch;
  while (last.error.empty() && has_energy(last.samples) && clock_.now() < until) {
    if (options_.interrupted && options_.interrupted()) break;
    std::this_thread::sleep_for(kWatchPause);
    PageRead next = read_page(source, run, moment, watch);
    if (!next.error.empty()) break;
    if (energy_moved(last.samples, next.samples)) {
      next.asked = last.asked;
      next.before = last.before;
      next.fresh = true;
      return next;
    }
    last = std::move(next);
  }
  return last;
}

// What was cancelled at the end of a run, or of the check before, takes a server a moment to drop.
double MetricsSampler::read_until_idle(const RunId& run, PageMoment moment,
                                       const MetricsWatch& watch) {
  const Instant until = clock_.now() + options_.longest_drain;
  for (Duration wait = kFirstLook;; wait *= 2) {
    const bool over = (options_.interrupted && options_.interrupted()) || clock_.now() >= until;
    const double busy = read(run, moment, watch, over);
    if (busy == 0 || over) return busy;
    std::this_thread::sleep_for(std::min<Duration>(wait, std::chrono::seconds(1)));
  }
}

struct RunSampling::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;  // guarded by mutex
  std::jthread thread;
};

RunSampling::RunSampling(MetricsSampler& sampler, RunId run, MetricsWatch watch)
    : sampler_(sampler), run_(run), watch_(std::move(watch)), state_(std::make_unique<State>()) {
  busy_before_ = sampler_.read_until_idle(run_, PageMoment::kBefore, watch_);
}

void RunSampling::begin() {
  state_->thread = start_thread("metrics", [this] {
    const Duration every = sampler_.options_.every;
    bool started = false;
    bool ended = false;
    Instant next{};
    Instant next_gpu{};
    std::unique_lock lock(state_->mutex);
    while (!ended) {
      const bool over = state_->changed.wait_for(lock, kNotice, [this] { return state_->stop; });
      lock.unlock();
      if (!started && watch_.measuring()) {
        started = true;
        sampler_.read(run_, PageMoment::kStart, watch_, true);
        next = sampler_.clock_.now() + every;
        next_gpu = sampler_.clock_.now() + kEveryOfGpus;
      }
      using Which = MetricsSampler::Which;
      const Instant now = sampler_.clock_.now();
      if (started && watch_.measured()) {
        ended = true;
        sampler_.read(run_, PageMoment::kEnd, watch_, true);
      } else if (started && every > Duration{}) {
        if (now >= next) {
          watch_.page_begins(now);
          sampler_.read(run_, PageMoment::kBetween, watch_, true, Which::kServers);
          watch_.page_ends(sampler_.clock_.now());
          next = std::max(next + every, now);
        }
        if (now >= next_gpu) {
          sampler_.read(run_, PageMoment::kBetween, watch_, true, Which::kGpus);
          next_gpu = std::max(next_gpu + kEveryOfGpus, now);
        }
      }
      lock.lock();
      if (over) break;
    }
    lock.unlock();
    watch_.edge_read();
  });
}

void RunSampling::finish() {
  if (!state_->thread.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
  sampler_.read_until_idle(run_, PageMoment::kAfter, watch_);
}

RunSampling::~RunSampling() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->changed.notify_all();
}

}  // namespace llmsweep
