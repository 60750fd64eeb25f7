// Reads pages of metrics beside a run: at the edges of its window always, in between for gauges.
//
// A page costs the server that renders it: there is one request a source at a time, none is
// repeated, none asks for compression, and where the server takes `name[]` it is asked for the
// names alone that are needed. Exporters of GPU readings are processes of their own: they are read
// every second, and at the edges until their counters of energy move. The samples of one run are
// taken by a thread of its own, named `metrics`; what it reads of the load goes through
// MetricsWatch.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "llmsweep/base/clock.h"
#include "llmsweep/http/make_client.h"
#include "llmsweep/model/telemetry.h"

namespace llmsweep {

// GET; what does not come is HttpAnswer::error.
using FetchPage = std::function<HttpAnswer(const std::string& url, MetricsRole role)>;
using PageSink = std::function<void(const PageRead&)>;  // must not throw

// Of the run under way. Called on the sampler's thread and the run's; must not throw.
struct MetricsWatch {
  std::function<ClientCounts()> counts;
  // The server's pages inside the window, between its edges: all sources' together.
  std::function<void(Instant)> page_begins;
  std::function<void(Instant)> page_ends;
  std::function<bool()> measuring;  // the first measured request was sent
  std::function<bool()> measured;   // the last one has ended
  std::function<void()> edge_read;  // the page at the window's end has been read, or never will be
};

struct SamplerOptions {
  Duration every = std::chrono::seconds(5);          // inside the window; 0: at its edges alone
  Duration longest_drain = std::chrono::seconds(5);  // until the page after the run
  std::function<bool()> interrupted;                 // no more waiting then
};

class RunSampling;

class MetricsSampler {
 public:
  MetricsSampler(std::vector<MetricsPage> pages, FetchPage fetch, PageSink sink,
                 SamplerOptions options);

  // One page of each source, before the first run. Drops servers of which nothing is known, where
  // `required` is false; GPUs were named by the user. What to tell: what each page is and what it
  // cost, or why there is none.
  std::vector<std::string> open(bool required);
  bool empty() const { return sources_.empty(); }

 private:
  friend class RunSampling;
  struct Source {
    MetricsPage page;
    std::string url_of_names;  // the page with the needed names alone; empty: whole
  };
  enum class Which { kAll, kServers, kGpus };
  // Returns what the server has to do, running and waiting; nothing where it does not say.
  double read(const RunId& run, PageMoment moment, const MetricsWatch& watch, bool last_try,
              Which which = Which::kAll);
  PageRead read_page(const Source& source, const RunId& run, PageMoment moment,
                     const MetricsWatch& watch);
  // At an edge of the window: again and again until its counters of energy have moved, so that the
  // instant of their value is known; 2 s at most.
  PageRead read_until_moved(const Source& source, const RunId& run, PageMoment moment,
                            const MetricsWatch& watch);
  double read_until_idle(const RunId& run, PageMoment moment, const MetricsWatch& watch);
  std::string url_of_names(const MetricsPage& page, const std::vector<std::string>& names,
                           int64_t whole_bytes, std::string& told);

  std::vector<Source> sources_;
  FetchPage fetch_;
  PageSink sink_;
  SamplerOptions options_;
  SteadyClock clock_;
};

// The pages of one run. Reads the page before it when it is made and the one after its drain in
// finish(); without that the thread ends where it stands.
class RunSampling {
 public:
  RunSampling(MetricsSampler& sampler, RunId run, MetricsWatch watch);
  ~RunSampling();
  RunSampling(const RunSampling&) = delete;
  RunSampling& operator=(const RunSampling&) = delete;

  double busy_before() const { return busy_before_; }  // requests at the server before the run
  void begin();   // with the load; throws MeasurementError where there is no thread to be had
  void finish();  // once the load has ended

 private:
  struct State;
  MetricsSampler& sampler_;
  RunId run_;
  MetricsWatch watch_;
  double busy_before_ = 0;
  std::unique_ptr<State> state_;
};

}  // namespace llmsweep
